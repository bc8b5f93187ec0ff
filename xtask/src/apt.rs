//! Packages of other Debian suites than the machine's, unpacked and not installed. The sources are a
//! configuration of their own: the machine's apt is not touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell::{run, workspace};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// `part` of a package of another suite, as `target/tools/NAME`; fetched where it is not there.
pub(crate) fn provide(suite: &str, package: &str, part: &str, name: &str) -> Result<PathBuf> {
    let folder = workspace().join("target/tools");
    let provided = folder.join(name);
    if !provided.exists() {
        eprintln!("setup: fetching {package} of {suite}");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let apt = Apt::new(&folder.join("apt"), suite)?;
        let unpacked = apt.unpack(package)?;
        fs::rename(unpacked.join(part), &provided)
            .with_context(|| format!("{package} of {suite} has no {part}"))?;
        apt.remove()?;
    }
    Ok(provided)
}

pub(crate) struct Apt {
    folder: PathBuf,
    config: PathBuf,
}

impl Apt {
    /// Fetches the package list of `suite`; `folder` is made anew.
    pub(crate) fn new(folder: &Path, suite: &str) -> Result<Self> {
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

    /// `apt-get`, `apt-cache`: with these sources.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command
            .env("APT_CONFIG", &self.config)
            .current_dir(&self.folder);
        command
    }

    /// The folder that holds what the package would install, until [`Apt::remove`].
    pub(crate) fn unpack(&self, package: &str) -> Result<PathBuf> {
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

    /// With all that was fetched.
    pub(crate) fn remove(self) -> Result<()> {
        fs::remove_dir_all(self.folder).context("cannot remove what apt fetched")
    }
}
