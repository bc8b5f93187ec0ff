//! Debian's cloud kernels, by apt. The sources are a configuration of their own: the machine's
//! apt is not touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::shell::{output, run};

pub(super) struct Kernel {
    pub(super) name: &'static str,
    /// What `uname -r` begins with.
    pub(super) release: &'static str,
    suite: &'static str,
    /// Has a tracepoint in cap_capable (6.17 and later).
    pub(super) has_tracepoint: bool,
}

/// Every Debian release's own that profiler claims to run on, and the newest there is.
const KERNELS: [Kernel; 3] = [
    Kernel {
        name: "6.1",
        release: "6.1.",
        suite: "bookworm",
        has_tracepoint: false,
    },
    Kernel {
        name: "6.12",
        release: "6.12.",
        suite: "trixie",
        has_tracepoint: false,
    },
    Kernel {
        name: "newest",
        // Moves on.
        release: "",
        suite: "trixie-backports",
        has_tracepoint: true,
    },
];

const PACKAGE: &str = "linux-image-cloud-amd64";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

pub(super) fn named(wanted: &[String]) -> Result<Vec<&'static Kernel>> {
    if wanted.is_empty() {
        return Ok(KERNELS.iter().collect());
    }
    wanted
        .iter()
        .map(|name| {
            KERNELS
                .iter()
                .find(|kernel| kernel.name == name)
                .with_context(|| {
                    let known: Vec<_> = KERNELS.iter().map(|kernel| kernel.name).collect();
                    format!("no kernel {name}; there are {}", known.join(", "))
                })
        })
        .collect()
}

impl Kernel {
    /// The bootable file, fetched where `folder` has none yet.
    pub(super) fn image(&self, folder: &Path) -> Result<PathBuf> {
        let image = folder.join(format!("vmlinuz-{}", self.name));
        if image.exists() {
            return Ok(image);
        }
        let apt = Apt::new(&folder.join(format!("apt-{}", self.suite)), self.suite)?;
        let package = apt.image_package()?;
        eprintln!("vm: fetching {package} of {}", self.suite);
        let unpacked = apt.unpack(&package)?;
        fs::rename(find(&unpacked)?, &image)?;
        fs::remove_dir_all(&apt.folder)?;
        Ok(image)
    }
}

struct Apt {
    folder: PathBuf,
    config: PathBuf,
}

impl Apt {
    fn new(folder: &Path, suite: &str) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        for part in ["lists/partial", "archives/partial"] {
            fs::create_dir_all(folder.join(part))?;
        }
        fs::write(folder.join("status"), "")?;
        fs::write(
            folder.join("sources.list"),
            format!("deb [signed-by={KEYRING}] http://deb.debian.org/debian {suite} main\n"),
        )?;
        let config = folder.join("apt.conf");
        let place = folder.display();
        fs::write(
            &config,
            format!(
                "Dir::State \"{place}\";\n\
                 Dir::State::status \"{place}/status\";\n\
                 Dir::Cache \"{place}\";\n\
                 Dir::Etc::sourcelist \"{place}/sources.list\";\n\
                 Dir::Etc::sourceparts \"/dev/null\";\n\
                 // The package list and nothing else.\n\
                 Acquire::Languages \"none\";\n\
                 Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n\
                 // Its own user may not be able to enter this folder.\n\
                 APT::Sandbox::User \"root\";\n"
            ),
        )?;
        let apt = Self {
            folder: folder.to_owned(),
            config,
        };
        run(apt.command("apt-get").args(["-qq", "update"]))
            .with_context(|| format!("cannot fetch the package list of {suite}"))?;
        Ok(apt)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command
            .env("APT_CONFIG", &self.config)
            .current_dir(&self.folder);
        command
    }

    /// What [`PACKAGE`] stands for now: `linux-image-RELEASE-cloud-amd64`; 7.x keeps the file
    /// itself in `linux-binary-RELEASE-cloud-amd64`.
    fn image_package(&self) -> Result<String> {
        let depends = output(self.command("apt-cache").args([
            "depends",
            "--recurse",
            "--important",
            PACKAGE,
        ]))?;
        let begins = |prefix: &str| {
            depends
                .lines()
                .find(|line| {
                    line.strip_prefix(prefix)
                        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
                })
                .map(str::to_owned)
        };
        begins("linux-binary-")
            .or_else(|| begins("linux-image-"))
            .with_context(|| format!("{PACKAGE} depends on no kernel:\n{depends}"))
    }

    fn unpack(&self, package: &str) -> Result<PathBuf> {
        run(self.command("apt-get").args(["-qq", "download", package]))?;
        let deb = fs::read_dir(&self.folder)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .with_context(|| format!("apt-get download left no file of {package}"))?;
        let unpacked = self.folder.join("unpacked");
        run(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(&unpacked))?;
        Ok(unpacked)
    }
}

/// `boot/vmlinuz-RELEASE`, or `usr/lib/modules/RELEASE/vmlinuz` from 7.x on.
fn find(unpacked: &Path) -> Result<PathBuf> {
    let found = output(
        Command::new("find")
            .arg(unpacked)
            .args(["-type", "f", "-name", "vmlinuz*"]),
    )?;
    match found.lines().collect::<Vec<_>>()[..] {
        [file] => Ok(file.into()),
        _ => bail!("expected one kernel in {}: {found:?}", unpacked.display()),
    }
}
