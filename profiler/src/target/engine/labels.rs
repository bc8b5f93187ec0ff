//! Labels, and which containers they choose.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::recording::Text;

/// Both versions of Compose set these.
const COMPOSE_PROJECT: &str = "com.docker.compose.project";
const COMPOSE_SERVICE: &str = "com.docker.compose.service";

pub type Labels = BTreeMap<Text, Text>;

/// A service of a Compose project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComposeService {
    pub project: Text,
    pub name: Text,
}

impl ComposeService {
    /// `None` for a container that Compose did not start.
    pub fn of(labels: &Labels) -> Option<Self> {
        Some(Self {
            project: labels.get(&COMPOSE_PROJECT.into())?.clone(),
            name: labels.get(&COMPOSE_SERVICE.into())?.clone(),
        })
    }
}

/// Which of the containers that somebody starts are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    All,
    /// Of any value where none is given.
    Label {
        key: Text,
        value: Option<Text>,
    },
    ComposeProject(Text),
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} names no label; write KEY or KEY=VALUE")]
pub struct NoLabel {
    pub text: Text,
}

impl Selector {
    /// `KEY[=VALUE]`, as `docker ps --filter label=` has it.
    pub fn label(text: &str) -> Result<Self, NoLabel> {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.into())),
            None => (text, None),
        };
        if key.is_empty() {
            return Err(NoLabel { text: text.into() });
        }
        Ok(Self::Label {
            key: key.into(),
            value,
        })
    }

    pub fn matches(&self, labels: &Labels) -> bool {
        match self {
            Self::All => true,
            Self::Label { key, value } => labels
                .get(key)
                .is_some_and(|found| value.as_ref().is_none_or(|value| value == found)),
            Self::ComposeProject(project) => labels.get(&COMPOSE_PROJECT.into()) == Some(project),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all containers"),
            Self::Label { key, value: None } => write!(f, "containers with the label {key}"),
            Self::Label {
                key,
                value: Some(value),
            } => write!(f, "containers with the label {key}={value}"),
            Self::ComposeProject(project) => write!(f, "containers of the project {project}"),
        }
    }
}

pub(super) fn labels(found: HashMap<String, String>) -> Labels {
    found
        .into_iter()
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{COMPOSE_PROJECT, COMPOSE_SERVICE, ComposeService, Labels, Selector};

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let text = |&(key, value): &(&str, &str)| (key.into(), value.into());
        pairs.iter().map(text).collect()
    }

    #[test]
    fn a_label_is_chosen_by_key_or_by_value_too() {
        let has = labels(&[("team", "a=b"), ("empty", "")]);
        for (text, matches) in [
            ("team", true),
            ("team=a=b", true),
            ("team=a", false),
            ("Team", false),
            ("empty", true),
            ("empty=", true),
            ("team=", false),
            ("absent", false),
        ] {
            assert_eq!(
                Selector::label(text).unwrap().matches(&has),
                matches,
                "{text}"
            );
        }
        assert!(Selector::All.matches(&labels(&[])));
    }

    #[test]
    fn an_empty_key_is_refused_in_a_line() {
        for text in ["", "=x\x1b"] {
            let error = Selector::label(text).unwrap_err().to_string();
            assert!(error.ends_with("names no label; write KEY or KEY=VALUE"));
            assert!(!error.contains('\x1b'));
        }
    }

    #[test]
    fn a_compose_project_has_services() {
        let web = labels(&[(COMPOSE_PROJECT, "shop"), (COMPOSE_SERVICE, "web")]);
        assert!(Selector::ComposeProject("shop".into()).matches(&web));
        assert!(!Selector::ComposeProject("Shop".into()).matches(&web));
        let service = ComposeService::of(&web).unwrap();
        assert_eq!(
            (service.project, service.name),
            ("shop".into(), "web".into())
        );
        assert_eq!(
            ComposeService::of(&labels(&[(COMPOSE_PROJECT, "shop")])),
            None
        );
    }
}
