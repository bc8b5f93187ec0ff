//! The folder that the result is written to.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::capabilities::CapabilityList;
use crate::cli::{HardenArgs, OutputFormat, RunOptions};
use crate::file;
use crate::harden::{Report, is_internal, named_volumes};
use crate::output::{self, Hardening, Name};
use crate::profile::Profile;
use crate::recording::{self, Recording, Subject};
use crate::terminal;

pub(super) struct Folder {
    path: PathBuf,
    /// As the formats name it.
    text: String,
}

impl Folder {
    /// Tried out before anything runs.
    pub(super) fn make(path: &Path) -> anyhow::Result<Self> {
        let text = path.to_str().with_context(|| {
            format!(
                "{}: no format can name a path that is not UTF-8; name another with -o",
                path.display()
            )
        })?;
        std::fs::create_dir_all(path)
            .and_then(|()| tempfile::tempfile_in(path).map(drop))
            .with_context(|| {
                format!(
                    "cannot write to the folder {}; name another with -o",
                    path.display()
                )
            })?;
        Ok(Self {
            path: path.to_owned(),
            text: text.trim_end_matches('/').to_owned(),
        })
    }

    pub(super) fn told(&self) -> String {
        format!("{}/report.md", self.text)
    }

    pub(super) fn recording(&self, recording: &Recording) -> anyhow::Result<()> {
        Ok(recording::write(
            &self.path.join("recording.json"),
            recording,
        )?)
    }

    pub(super) fn report(&self, report: &Report) -> anyhow::Result<()> {
        let markdown = output::harden::markdown(report);
        file::replace(&self.path.join("report.md"), markdown.as_bytes())?;
        let json = output::harden::json(report);
        Ok(file::replace(
            &self.path.join("harden.json"),
            json.as_bytes(),
        )?)
    }

    /// All of them, for what passed as a whole.
    pub(super) fn formats(
        &self,
        args: &HardenArgs,
        arguments: &[String],
        subject: Subject,
        profile: Profile,
        capabilities: Option<CapabilityList>,
        options: &RunOptions,
    ) -> anyhow::Result<()> {
        let name = Name::of(&subject, args.name.as_deref())?;
        let mut options = named_volumes(options, &args.options, name.as_str());
        let no_new_privileges = options
            .security_opt
            .iter()
            .any(|option| option.starts_with("no-new-privileges") && !option.ends_with("false"));
        let internal_network = is_internal(&options, &args.options);
        // These have their own places.
        options.security_opt.clear();
        if internal_network {
            options.network = None;
        }
        if capabilities.is_some() {
            options.cap_add.clear();
            options.cap_drop.clear();
        }
        let hardening = Hardening {
            name,
            subject,
            profile,
            profile_path: format!("{}/{}", self.text, output::file_name(OutputFormat::Oci)),
            capabilities,
            no_new_privileges,
            internal_network,
            options,
            arguments: arguments.to_vec(),
        };
        for format in output::FORMATS {
            if format == OutputFormat::Capabilities && hardening.capabilities.is_none() {
                continue;
            }
            let (text, warnings) = output::write(format, &hardening)?;
            for warning in warnings {
                log::debug!("{warning}");
            }
            file::replace(&self.path.join(output::file_name(format)), text.as_bytes())?;
        }
        terminal::say(&format!(
            "try it: sh {}/{}",
            self.text,
            output::file_name(OutputFormat::DockerRun)
        ));
        Ok(())
    }
}
