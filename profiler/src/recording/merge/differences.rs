//! In what recordings may not differ, or only where that is meant.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::union::words;
use crate::recording::{Confinement, Recording, Subject, Text, command_line};

/// What a profile can be meant to hold for more than one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// By content; its command line and Compose service are the same all the same.
    Image,
    Architecture,
    Kernel,
    /// The seccomp filter that was in force while it was recorded.
    Filter,
}

/// Why recordings are not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    #[error("the recordings are not of one subject but of {}; keep them apart", all(.subjects))]
    Subjects { subjects: BTreeSet<String> },
    #[error("the recordings were not made alike: {what} is {}; keep them apart", all(.values))]
    Confinement {
        /// `no-new-privileges`, `privileged` or `capabilities`.
        what: &'static str,
        values: BTreeSet<String>,
    },
    #[error(
        "the recordings differ in {}; keep them apart, or say that it is meant: --allow {}",
        list(.0, ", ", |(what, values)| format!("{what} ({})", all(values))),
        list(.0, ",", |(what, _)| what.to_string())
    )]
    Differ(Vec<(Difference, BTreeSet<String>)>),
}

pub(super) fn check<'a>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    meant: &[Difference],
) -> Result<(), MergeError> {
    let recordings: Vec<&Recording> = recordings.into_iter().collect();
    let subjects = recordings.iter().map(|r| kind_and_command(&r.subject));
    if subjects.collect::<BTreeSet<_>>().len() > 1 {
        return Err(MergeError::Subjects {
            subjects: recordings.iter().map(|r| told(&r.subject)).collect(),
        });
    }
    let mut confinements: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    for (what, value) in recordings.iter().flat_map(|r| confinement(r)) {
        confinements.entry(what).or_default().extend(value);
    }
    if let Some((what, values)) = confinements.into_iter().find(|(_, v)| v.len() > 1) {
        return Err(MergeError::Confinement { what, values });
    }
    let differences: Vec<_> = Difference::ALL
        .into_iter()
        .filter(|difference| !meant.contains(difference) && !difference.is_settled(&recordings))
        .map(|difference| {
            let values = recordings.iter().map(|r| difference.told(r));
            (difference, values.collect())
        })
        .collect();
    if differences.is_empty() {
        Ok(())
    } else {
        Err(MergeError::Differ(differences))
    }
}

/// `None`: not known, which fits everything.
fn confinement(recording: &Recording) -> [(&'static str, Option<String>); 3] {
    let Confinement {
        filter: _,
        no_new_privileges,
        privileged,
        capabilities,
    } = &recording.confinement;
    let names = capabilities.as_ref();
    [
        ("no-new-privileges", Some(no_new_privileges.to_string())),
        ("privileged", Some(privileged.to_string())),
        ("capabilities", names.map(|names| names.join(" "))),
    ]
}

impl Difference {
    pub const ALL: [Self; 4] = [Self::Image, Self::Architecture, Self::Kernel, Self::Filter];

    /// All alike, or one of them is of all that the others are of: that was meant then.
    fn is_settled(self, recordings: &[&Recording]) -> bool {
        let each: Vec<_> = recordings.iter().map(|r| self.of(r)).collect();
        let all: BTreeSet<&String> = each.iter().flatten().collect();
        each.iter().any(|one| one.len() == all.len()) || each.is_empty()
    }

    fn of(self, recording: &Recording) -> BTreeSet<String> {
        let in_text = |text: &str| words(text).into_iter().map(str::to_owned).collect();
        match (self, &recording.subject) {
            // Where its content is not known, its name decides.
            (Self::Image, Subject::Image { reference, id, .. }) if id.is_empty() => {
                in_text(&reference.encoded())
            }
            (Self::Image, Subject::Image { id, .. }) => in_text(id),
            (Self::Image, _) => BTreeSet::new(),
            (Self::Architecture, _) => in_text(&recording.host.machine),
            (Self::Kernel, _) => in_text(&recording.host.kernel),
            (Self::Filter, _) => {
                let filter = &recording.confinement.filter;
                let mut all: BTreeSet<String> = in_text(&filter.name.encoded());
                let hashes = filter.sha256.iter().flat_map(|hashes| words(hashes));
                all.extend(hashes.map(|hash| format!("sha256:{hash}")));
                all
            }
        }
    }

    fn told(self, recording: &Recording) -> String {
        match self {
            Self::Image => recording.subject.to_string(),
            // Anybody may have written the file.
            Self::Architecture => Text::from(recording.host.machine.as_str()).to_string(),
            Self::Kernel => Text::from(recording.host.kernel.as_str()).to_string(),
            Self::Filter => {
                let filter = &recording.confinement.filter;
                let hash = filter.sha256.as_deref().map(|hash| {
                    let short: String = hash.chars().take(12).collect();
                    format!(" (sha256:{})", Text::from(short))
                });
                filter.name.to_string() + &hash.unwrap_or_default()
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "image",
            Self::Architecture => "architecture",
            Self::Kernel => "kernel",
            Self::Filter => "filter",
        })
    }
}

/// The subject but for the image's content, by which it may be named anew.
fn kind_and_command(subject: &Subject) -> (u8, Vec<&Text>, Option<[&Text; 2]>) {
    match subject {
        Subject::Command { argv } => (0, argv.iter().collect(), None),
        Subject::Image { argv, service, .. } => {
            let service = service.as_ref();
            let service = service.map(|service| [&service.project, &service.name]);
            (1, argv.iter().collect(), service)
        }
        Subject::Cgroup { path } => (2, vec![path], None),
    }
}

fn told(subject: &Subject) -> String {
    match subject {
        Subject::Image { argv, .. } => format!("{subject} as `{}`", command_line(argv)),
        _ => subject.to_string(),
    }
}

fn all(values: &BTreeSet<String>) -> String {
    list(values, " and ", Clone::clone)
}

fn list<T>(
    items: impl IntoIterator<Item = T>,
    between: &str,
    word: impl Fn(T) -> String,
) -> String {
    items
        .into_iter()
        .map(word)
        .collect::<Vec<_>>()
        .join(between)
}
