//! The VM's root file system, which is its initramfs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::shell::{output, run, workspace};

/// Opened at run time, so that `ldd` does not know of it.
const LIBSECCOMP: &str = "libseccomp.so.2";
/// Static, as the VM has no loader's cache.
const PROGRAMS: [&str; 6] = ["capable", "i386", "only", "port", "port-i386", "stray"];

/// Made again each time: it takes a second.
pub(super) fn make(folder: &Path, profiler: &Path) -> Result<PathBuf> {
    let root = folder.join("root");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    let put = |from: &Path, to: &str| -> Result<()> {
        let to = root.join(to.trim_start_matches('/'));
        fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
        // Follows symbolic links, keeps the mode.
        fs::copy(from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        Ok(())
    };
    put(profiler, "bin/profiler")?;
    put(&which("busybox")?, "bin/busybox")?;
    for library in libraries(profiler)? {
        put(Path::new(&library), &library)?;
    }
    for program in PROGRAMS {
        put(
            &workspace().join("target/programs").join(program),
            &format!("programs/{program}"),
        )?;
    }
    for (from, to) in [("init.sh", "init"), ("work.sh", "work.sh")] {
        put(&workspace().join("tests/vm").join(from), to)?;
    }
    pack(&root, &folder.join("initramfs"))
}

fn which(program: &str) -> Result<PathBuf> {
    std::env::var_os("PATH")
        .and_then(|path| {
            std::env::split_paths(&path)
                .map(|folder| folder.join(program))
                .find(|file| file.is_file())
        })
        .with_context(|| format!("there is no {program} on the PATH"))
}

/// Paths of all that it is linked with, the loader too, and of libseccomp.
fn libraries(program: &Path) -> Result<Vec<String>> {
    // `NAME => PATH (ADDRESS)`, and `PATH (ADDRESS)` for the loader.
    let linked = output(Command::new("ldd").arg(program))?;
    let mut paths: Vec<String> = linked
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
        .map(str::to_owned)
        .collect();
    if paths.is_empty() {
        bail!("ldd finds no libraries of {}: {linked}", program.display());
    }
    // `NAME (libc6,x86-64) => PATH`
    let known = output(Command::new("/sbin/ldconfig").arg("-p"))?;
    let libseccomp = known
        .lines()
        .filter(|line| line.contains("x86-64"))
        .find_map(|line| {
            let line = line.trim().strip_prefix(LIBSECCOMP)?;
            line.split_once("=> ").map(|(_, path)| path.to_owned())
        })
        .with_context(|| format!("ldconfig knows no {LIBSECCOMP}"))?;
    paths.push(libseccomp);
    Ok(paths)
}

fn pack(root: &Path, archive: &Path) -> Result<PathBuf> {
    let mut names = Command::new("find")
        .arg(".")
        .current_dir(root)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start find")?;
    run(Command::new("busybox")
        .args(["cpio", "-o", "-H", "newc"])
        .current_dir(root)
        .stdin(names.stdout.take().context("find has a stdout")?)
        .stdout(File::create(archive)?)
        // How many blocks.
        .stderr(Stdio::null()))?;
    if !names.wait()?.success() {
        bail!("find failed in {}", root.display());
    }
    Ok(archive.to_owned())
}
