//! One boot: from the kernel's first instruction to the power-off that init asks for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::shell::{run, succeeds};

/// Seconds; a boot takes 7 where nothing else runs.
const PATIENCE: &str = "180";
/// Without cmpxchg16b: QEMU 7.2's emulation spoils the flags behind it now and then, and one boot
/// of 6.12 in 14 died of that before init ran.
const CPU: &str = "max,cx16=off";
/// A kernel that crashes ends the machine, so that its last words are shown at once.
const KERNEL_WORDS: &str = "console=ttyS0 quiet loglevel=3 panic=-1 oops=panic";

/// What a boot left behind.
pub(super) struct Boot {
    pub(super) folder: PathBuf,
}

impl Boot {
    /// A file that init made.
    pub(super) fn read(&self, name: &str) -> Result<String> {
        let path = self.folder.join(name);
        fs::read_to_string(&path).with_context(|| format!("the VM wrote no {}", path.display()))
    }
}

pub(super) fn boot(kernel: &Path, root: &Path, lockdown: bool, folder: &Path) -> Result<Boot> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let console = folder.join("console.log");
    let results = folder.join("results.tar");
    let mut words = KERNEL_WORDS.to_owned();
    if lockdown {
        words.push_str(" lockdown=confidentiality");
    }
    run(Command::new("timeout")
        .args(["--kill-after=5", PATIENCE, "qemu-system-x86_64"])
        .args(["-accel", "tcg,thread=multi", "-cpu", CPU, "-m", "768"])
        .args(["-display", "none", "-nodefaults", "-no-reboot"])
        .arg("-serial")
        .arg(format!("file:{}", console.display()))
        .arg("-serial")
        .arg(format!("file:{}", results.display()))
        .arg("-kernel")
        .arg(kernel)
        .arg("-initrd")
        .arg(root)
        .args(["-append", &words])
        .stdin(Stdio::null()))
    .with_context(|| format!("no power-off; {}", last_words(&console)))?;
    if !succeeds(
        Command::new("tar")
            .arg("-xf")
            .arg(&results)
            .arg("-C")
            .arg(folder),
    ) {
        bail!("the VM sent no results; {}", last_words(&console));
    }
    Ok(Boot {
        folder: folder.to_owned(),
    })
}

fn last_words(console: &Path) -> String {
    let text = fs::read(console).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(20)..].join("\n");
    format!("its console ({}) ends:\n{last}", console.display())
}
