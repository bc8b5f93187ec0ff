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
        /// `sha256:…`
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
    /// decides, with what it was started as.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Image {
                    id, argv, service, ..
                },
                Self::Image {
                    id: other_id,
                    argv: other_argv,
                    service: other_service,
                    ..
                },
            ) => (id, argv, service) == (other_id, other_argv, other_service),
            _ => self == other,
        }
    }
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
