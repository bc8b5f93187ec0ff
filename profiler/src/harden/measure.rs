//! One piece of advice for one container: what it adds to the options, why, and what became of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cli::RunOptions;

/// In the order in which they are tried.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    NoNewPrivileges,
    ReadOnlyRoot,
    User,
    Memory,
    Processes,
    Descriptors,
    Network,
    Ports,
}

impl Kind {
    pub fn title(self) -> &'static str {
        match self {
            Self::NoNewPrivileges => "no new privileges",
            Self::ReadOnlyRoot => "a read-only root",
            Self::User => "a user that is not root",
            Self::Memory => "a limit of memory",
            Self::Processes => "a limit of processes",
            Self::Descriptors => "a limit of descriptors",
            Self::Network => "less of a network",
            Self::Ports => "ports on this machine only",
        }
    }
}

/// A network that the engine lets nothing out of, made for the container: in a trial, and where the
/// result is used. Where none was given no other is called so.
const INTERNAL: &str = "internal";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    pub kind: Kind,
    /// How it was worked out; where there is no way, why not.
    pub because: String,
    /// The best first; the first that the test passes with is kept.
    pub ways: Vec<Way>,
    pub tried: Tried,
}

/// What may be added to the options; what is left empty stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way(pub RunOptions);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tried {
    /// There is no way, or nobody came to it.
    #[default]
    Not,
    /// By its place among the ways; what came of those before it.
    Kept { way: usize, refused: Vec<String> },
    /// What came of each way.
    Refused(Vec<String>),
}

impl Measure {
    pub(super) fn new(kind: Kind, because: impl Into<String>, ways: Vec<RunOptions>) -> Self {
        Self {
            kind,
            because: because.into(),
            ways: ways.into_iter().map(Way).collect(),
            tried: Tried::Not,
        }
    }

    /// Where the engine makes no such network.
    pub fn give_up_internal(&mut self, why: &str) {
        self.ways.retain(|way| !way.is_internal());
        self.because = format!("{}; {why}", self.because);
    }

    pub fn kept(&self) -> Option<&Way> {
        match &self.tried {
            Tried::Kept { way, .. } => self.ways.get(*way),
            _ => None,
        }
    }
}

impl Way {
    pub(super) fn internal() -> RunOptions {
        RunOptions {
            network: Some(INTERNAL.into()),
            ..RunOptions::default()
        }
    }

    pub fn is_internal(&self) -> bool {
        self.0.network.as_deref() == Some(INTERNAL)
    }

    #[must_use]
    pub fn added_to(&self, options: &RunOptions) -> RunOptions {
        let way = self.0.clone();
        let mut options = options.clone();
        options.read_only |= way.read_only;
        if let Some(user) = way.user {
            own(&mut options.tmpfs, &user);
            options.user = Some(user);
        }
        options.memory = way.memory.or(options.memory);
        options.pids_limit = way.pids_limit.or(options.pids_limit);
        options.network = way.network.or(options.network);
        // Each of them is there already, and only the address is new.
        if !way.publish.is_empty() {
            options.publish = way.publish;
        }
        options.tmpfs.extend(way.tmpfs);
        options.volume.extend(way.volume);
        options.ulimit.extend(way.ulimit);
        options.security_opt.extend(way.security_opt);
        options
    }

    pub fn words(&self) -> String {
        shell_words::join(self.0.words())
    }
}

/// A tmpfs has the owner of the folder below it, and what was root's must be this user's now.
fn own(tmpfs: &mut [String], user: &str) {
    let (user, group) = user.split_once(':').unwrap_or((user, user));
    for mount in tmpfs.iter_mut().filter(|mount| !mount.contains("uid=")) {
        let flags = if mount.contains(':') { "," } else { ":" };
        *mount = format!("{mount}{flags}uid={user},gid={group}");
    }
}

/// Whether it is to run in a network that is made for it.
pub fn is_internal(options: &RunOptions, given: &RunOptions) -> bool {
    given.network.is_none() && options.network.as_deref() == Some(INTERNAL)
}

/// In a trial a volume goes with its container; where it is to last it has a name.
#[must_use]
pub fn named_volumes(options: &RunOptions, given: &RunOptions, name: &str) -> RunOptions {
    let mut named = options.clone();
    for volume in named.volume.iter_mut().skip(given.volume.len()) {
        let place = volume.trim_start_matches('/').replace('/', "-");
        *volume = format!("{name}-{place}:{volume}");
    }
    named
}

#[cfg(test)]
mod tests {
    use super::{Kind, Measure, RunOptions, Way, is_internal, named_volumes};

    #[test]
    fn a_network_of_that_name_is_somebody_elses() {
        let none = RunOptions::default();
        let given = RunOptions {
            network: Some("internal".into()),
            ..RunOptions::default()
        };
        let added = Way(Way::internal()).added_to(&none);
        assert!(is_internal(&added, &none));
        assert!(!is_internal(&given, &given) && !is_internal(&none, &none));
    }

    #[test]
    fn without_such_a_network_the_other_ways_stay() {
        let none = RunOptions {
            network: Some("none".into()),
            ..RunOptions::default()
        };
        let mut measure = Measure::new(Kind::Network, "x", vec![none, Way::internal()]);
        measure.give_up_internal("no address is left");
        assert_eq!(measure.because, "x; no address is left");
        assert_eq!(measure.ways.len(), 1);
        assert!(!measure.ways[0].is_internal());
    }

    #[test]
    fn what_was_given_stays_and_what_is_added_to_last_has_a_name() {
        let given = RunOptions {
            volume: vec!["/cache".into()],
            env: vec!["A=1".into()],
            ..RunOptions::default()
        };
        let way = Way(RunOptions {
            read_only: true,
            volume: vec!["/var/lib/x".into()],
            ..RunOptions::default()
        });
        let both = way.added_to(&given);
        assert_eq!(both.volume, ["/cache", "/var/lib/x"]);
        assert_eq!(both.env, ["A=1"]);
        assert_eq!(way.words(), "--volume /var/lib/x --read-only");
        let named = named_volumes(&both, &given, "web");
        assert_eq!(named.volume, ["/cache", "web-var-lib-x:/var/lib/x"]);
    }

    #[test]
    fn what_was_roots_becomes_the_users() {
        let given = RunOptions {
            tmpfs: vec!["/run:rw,size=1m".into(), "/tmp".into(), "/x:uid=7".into()],
            ..RunOptions::default()
        };
        let way = Way(RunOptions {
            user: Some("33:44".into()),
            ..RunOptions::default()
        });
        assert_eq!(
            way.added_to(&given).tmpfs,
            [
                "/run:rw,size=1m,uid=33,gid=44",
                "/tmp:uid=33,gid=44",
                "/x:uid=7"
            ]
        );
    }
}
