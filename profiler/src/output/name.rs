//! What the subject is called in formats that need a name.

use super::OutputError;
use crate::recording::Subject;

/// ASCII letters, digits, `.`, `_` and `-`, with a letter or digit among them, at most 63: what a
/// Compose service may be called, and, written as a DNS label, all others
/// (<https://github.com/compose-spec/compose-spec/blob/ca3ea1f/schema/compose-spec.json>,
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    word: String,
    /// Whoever runs it calls it so: `--name` or the recorded Compose service.
    is_known: bool,
}

/// DNS labels are no longer.
const LONGEST: usize = 63;

impl Name {
    /// `given` by the user, else as the subject was recorded.
    pub fn of(subject: &Subject, given: Option<&str>) -> Result<Self, OutputError> {
        if let Some(given) = given {
            let word = given.to_owned();
            return if is_name(given) {
                Ok(Self {
                    word,
                    is_known: true,
                })
            } else {
                Err(OutputError::NoName { given: word })
            };
        }
        let service = match subject {
            Subject::Image { service, .. } => service.as_ref(),
            Subject::Command { .. } | Subject::Cgroup { .. } => None,
        };
        if let Some(service) = service {
            return match std::str::from_utf8(service.name.as_bytes()) {
                Ok(name) if is_name(name) => Ok(Self {
                    word: name.to_owned(),
                    is_known: true,
                }),
                _ => Err(OutputError::HostileService {
                    name: service.name.to_string(),
                }),
            };
        }
        let mut word = subject.word();
        word.truncate(LONGEST);
        if !is_name(&word) {
            "subject".clone_into(&mut word);
        }
        Ok(Self {
            word,
            is_known: false,
        })
    }

    pub fn as_str(&self) -> &str {
        &self.word
    }

    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    /// Lower case, and `-` for all that a DNS label has not.
    pub(super) fn dns_label(&self) -> String {
        let label: String = self
            .word
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '-'
                }
            })
            .collect();
        label.trim_matches('-').to_owned()
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= LONGEST
        && name.contains(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::Name;
    use crate::recording::{Service, Subject};

    fn image(reference: &str, service: Option<&str>) -> Subject {
        Subject::Image {
            reference: reference.into(),
            id: "sha256:0".into(),
            repo_digests: Vec::new(),
            argv: Vec::new(),
            service: service.map(|name| Service {
                project: "p".into(),
                name: name.into(),
            }),
        }
    }

    #[test]
    fn what_is_given_goes_before_the_service_and_that_before_the_image() {
        let service = image("registry.example/nginx:1", Some("web_1"));
        let name = Name::of(&service, Some("front")).unwrap();
        assert_eq!((name.as_str(), name.is_known()), ("front", true));
        let name = Name::of(&service, None).unwrap();
        assert_eq!((name.as_str(), name.is_known()), ("web_1", true));
        let name = Name::of(&image("registry.example/nginx:1", None), None).unwrap();
        assert_eq!((name.as_str(), name.is_known()), ("nginx", false));
    }

    #[test]
    fn a_hostile_service_is_refused_and_a_hostile_image_has_a_plain_name() {
        for hostile in ["a\nb: c", "../x", "", "--", "a b", &"x".repeat(64)] {
            assert!(
                Name::of(&image("x", Some(hostile)), None).is_err(),
                "{hostile:?}"
            );
            assert!(
                Name::of(&image("x", None), Some(hostile)).is_err(),
                "{hostile:?}"
            );
        }
        for (hostile, plain) in [("\n", "subject"), ("x/a\n- b:1", "a_-_b"), ("", "subject")] {
            let name = Name::of(&image(hostile, None), None).unwrap();
            assert_eq!(name.as_str(), plain);
        }
    }

    #[test]
    fn a_dns_label_has_nothing_else() {
        let label = |given: &str| {
            Name::of(&image("x", None), Some(given))
                .unwrap()
                .dns_label()
        };
        assert_eq!(label("Web_1.service"), "web-1-service");
        assert_eq!(label("_-a-_"), "a");
    }
}
