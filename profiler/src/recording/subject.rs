//! What a recording is of.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Subject {
    Command {
        argv: Vec<Text>,
    },
    Image {
        /// As the user named it.
        reference: Text,
        /// `sha256:…`; empty where the container was gone before the engine could tell.
        id: String,
        repo_digests: Vec<String>,
        /// Entrypoint and command as they ran.
        argv: Vec<Text>,
        /// Absent for a container that Compose did not start.
        service: Option<Service>,
    },
    /// Whatever runs in a cgroup and below it.
    Cgroup {
        /// In the cgroup v2 tree, from its root: `/system.slice/nginx.service`.
        path: Text,
    },
}

/// A service of a Compose project, by the labels that Compose gives its containers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub project: Text,
    pub name: Text,
}

impl Subject {
    /// Whether runs of both are runs of one subject. An image may be named twice: its content
    /// decides, with what it was started as; its name, where the content is not known.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Image {
                    reference,
                    id,
                    argv,
                    service,
                    ..
                },
                Self::Image {
                    reference: other_reference,
                    id: other_id,
                    argv: other_argv,
                    service: other_service,
                    ..
                },
            ) => {
                (id, argv, service) == (other_id, other_argv, other_service)
                    && (!id.is_empty() || reference == other_reference)
            }
            _ => self == other,
        }
    }

    /// What it is called for short, by ASCII letters, digits, `.`, `_` and `-` alone: fit for a
    /// file's name, with no separators, nothing hidden, nothing that a terminal or shell takes for
    /// something else.
    pub fn word(&self) -> String {
        let name = match self {
            Self::Image {
                service: Some(service),
                ..
            } => lossy(&service.name),
            Self::Image { reference, .. } => image_word(&lossy(reference)).to_owned(),
            Self::Command { argv } => argv.first().map(last).unwrap_or_default(),
            Self::Cgroup { path } => last(path),
        };
        let name: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "._-".contains(c) {
                    c
                } else {
                    '_'
                }
            })
            .take(100)
            .collect();
        match name.trim_start_matches('.') {
            "" => "subject".to_owned(),
            name => name.to_owned(),
        }
    }
}

fn lossy(text: &Text) -> String {
    String::from_utf8_lossy(text.as_bytes()).into_owned()
}

fn last(path: &Text) -> String {
    let path = lossy(path);
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// `nginx` of `registry.example/team/nginx:1.22@sha256:…`
pub fn image_word(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    let name = name.rsplit('/').next().unwrap_or(name);
    name.split(':').next().unwrap_or(name)
}

/// For people, escaped.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { argv } => write!(f, "command `{}`", command_line(argv)),
            Self::Image {
                reference,
                id,
                service,
                ..
            } => {
                write!(f, "image {reference} ({id})")?;
                service
                    .as_ref()
                    .map_or(Ok(()), |Service { project, name }| {
                        write!(f, ", service {name} of {project}")
                    })
            }
            Self::Cgroup { path } => write!(f, "cgroup {path}"),
        }
    }
}

/// For people: escaped, and quoted so that it can be told where a word ends.
pub fn command_line(argv: &[Text]) -> String {
    let words: Vec<String> = argv
        .iter()
        .map(|word| shell_words::quote(&word.to_string()).into_owned())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Service, Subject, image_word};

    #[test]
    fn an_image_is_called_by_its_last_word() {
        assert_eq!(image_word("nginx"), "nginx");
        assert_eq!(
            image_word("registry.example:5000/team/nginx:1.22@sha256:00"),
            "nginx"
        );
    }

    #[test]
    fn a_command_and_a_cgroup_are_called_by_the_end_of_their_path() {
        let argv = vec!["/usr/sbin/nginx".into(), "-t".into()];
        assert_eq!(Subject::Command { argv }.word(), "nginx");
        let path = "/system.slice/web.service".into();
        assert_eq!(Subject::Cgroup { path }.word(), "web.service");
    }

    #[test]
    fn a_hostile_name_leaves_the_folder_by_no_way() {
        let of = |name: &str| {
            let service = Some(Service {
                project: "p".into(),
                name: name.into(),
            });
            Subject::Image {
                reference: "nginx".into(),
                id: "sha256:0".into(),
                repo_digests: Vec::new(),
                argv: Vec::new(),
                service,
            }
            .word()
        };
        assert_eq!(of("web"), "web");
        assert_eq!(of("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(of("a\x1b[31m\n<b>"), "a__31m__b_");
        assert_eq!(of("…"), "_");
        assert_eq!(of(".."), "subject");
    }
}
