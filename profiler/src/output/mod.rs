//! The formats in which a result leaves: one file a format. Text only; nothing is decided here.
//!
//! Text ends with a newline, and the same values make the same bytes. What a recording's subject
//! chose (names, images) is quoted or refused, and never ends a comment.

mod capabilities;
mod compose;
pub mod coverage;
pub mod diff;
mod docker_run;
pub mod harden;
mod kubernetes;
pub mod lint;
mod markdown;
mod name;
mod oci;
mod podman;
mod sarif;
mod spo;
mod systemd;
mod text;
mod warning;

pub use capabilities::capabilities;
pub use name::Name;
pub use oci::oci;
pub use warning::{OutputError, Warning};

use std::collections::BTreeSet;

use crate::capabilities::CapabilityList;
use crate::cli::{OutputFormat, RunOptions};
use crate::profile::Profile;
use crate::recording::Subject;

/// What the formats are written from.
#[derive(Clone, Debug)]
pub struct Hardening {
    pub subject: Subject,
    pub name: Name,
    pub profile: Profile,
    /// Where the profile will lie, as a file of [`OutputFormat::Oci`].
    pub profile_path: String,
    /// Absent where they were not observed: the formats leave the capabilities as they are then.
    pub capabilities: Option<CapabilityList>,
    /// It is for use with no-new-privileges, and each format says so in its own way.
    pub no_new_privileges: bool,
    /// It runs in a network of its own that nothing gets out of, and each format that knows networks
    /// says so in its own way.
    pub internal_network: bool,
    /// What it runs with besides, as `docker run` has it; nothing is said of what is left empty.
    /// Filter, capabilities, no-new-privileges and a network of its own do not stand here.
    pub options: RunOptions,
    /// What it runs in place of the image's own command.
    pub arguments: Vec<String>,
}

/// In which [`Hardening`] is written to a folder.
pub const FORMATS: [OutputFormat; 8] = [
    OutputFormat::Oci,
    OutputFormat::Capabilities,
    OutputFormat::DockerRun,
    OutputFormat::Compose,
    OutputFormat::Kubernetes,
    OutputFormat::Spo,
    OutputFormat::Podman,
    OutputFormat::Systemd,
];

/// In a folder of all formats.
pub const fn file_name(format: OutputFormat) -> &'static str {
    match format {
        OutputFormat::Oci => "seccomp.json",
        OutputFormat::Capabilities => "capabilities.json",
        OutputFormat::DockerRun => "docker-run.sh",
        OutputFormat::Compose => "compose.override.yaml",
        OutputFormat::Kubernetes => "kubernetes.yaml",
        OutputFormat::Spo => "spo.yaml",
        OutputFormat::Podman => "podman.container",
        OutputFormat::Systemd => "systemd.conf",
    }
}

/// Whether it holds the filter itself, and not only its place.
pub const fn has_profile(format: OutputFormat) -> bool {
    matches!(
        format,
        OutputFormat::Oci | OutputFormat::Spo | OutputFormat::Systemd
    )
}

pub const fn has_capabilities(format: OutputFormat) -> bool {
    !matches!(format, OutputFormat::Oci | OutputFormat::Spo)
}

/// The text of a format, and what it cannot say.
pub fn write(
    format: OutputFormat,
    hardening: &Hardening,
) -> Result<(String, BTreeSet<Warning>), OutputError> {
    text::check_path(&hardening.profile_path)?;
    let mut warnings = BTreeSet::new();
    let text = match format {
        OutputFormat::Oci => oci(&hardening.profile),
        OutputFormat::Capabilities => {
            let list = hardening.capabilities.as_ref();
            capabilities(list.ok_or(OutputError::CapabilitiesNotObserved)?)
        }
        OutputFormat::DockerRun => docker_run::docker_run(hardening, &mut warnings),
        OutputFormat::Compose => compose::compose(hardening, &mut warnings),
        OutputFormat::Kubernetes => kubernetes::kubernetes(hardening, &mut warnings),
        OutputFormat::Spo => spo::spo(hardening, &mut warnings),
        OutputFormat::Podman => podman::podman(hardening, &mut warnings),
        OutputFormat::Systemd => systemd::systemd(hardening, &mut warnings),
    };
    if has_capabilities(format) && hardening.capabilities.is_none() {
        warnings.insert(Warning::CapabilitiesNotObserved);
    }
    Ok((text, warnings))
}

impl Hardening {
    /// As it was recorded; absent where nobody knows it, or where it is none (only a hostile
    /// recording says such).
    fn image(&self) -> Option<&str> {
        let Subject::Image { reference, .. } = &self.subject else {
            return None;
        };
        let image = std::str::from_utf8(reference.as_bytes()).ok()?;
        text::is_image(image).then_some(image)
    }

    /// What is to be known of the capabilities besides: whoever deploys them sees no other file.
    fn notes(&self) -> impl Iterator<Item = String> {
        let lists = self.capabilities.iter();
        lists.flat_map(|list| list.notes.iter().cloned())
    }

    /// What the network of its own is called.
    fn internal_network(&self) -> Option<String> {
        let name = self.name.as_str();
        self.internal_network.then(|| format!("{name}-internal"))
    }

    /// What it was made from, on one line.
    fn origin(&self) -> String {
        format!(
            "Written by `profiler generate` from a recording of {}.",
            self.subject
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Hardening, Name};
    use crate::cli::RunOptions;
    use crate::profile::Profile;
    use crate::recording::{Service, Subject};

    /// Of a service `web` of `nginx:1`, two calls and one capability.
    pub(super) fn hardening() -> Hardening {
        let profile: Profile = serde_json::from_str(
            r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
                "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
                {"names": ["read", "execve"], "action": "SCMP_ACT_ALLOW", "comment": "seen"},
                {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}"#,
        )
        .unwrap();
        let subject = Subject::Image {
            reference: "nginx:1".into(),
            id: "sha256:0".into(),
            repo_digests: Vec::new(),
            argv: Vec::new(),
            service: Some(Service {
                project: "shop".into(),
                name: "web".into(),
            }),
        };
        Hardening {
            name: Name::of(&subject, None).unwrap(),
            subject,
            profile,
            profile_path: "profile.json".to_owned(),
            capabilities: serde_json::from_str(r#"{"add": ["CHOWN"]}"#).unwrap(),
            no_new_privileges: false,
            internal_network: false,
            options: RunOptions::default(),
            arguments: Vec::new(),
        }
    }
}
