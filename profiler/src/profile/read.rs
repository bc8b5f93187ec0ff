//! Reading a profile: a file, or an engine's default by its name.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use profiler_common::Abi;
use serde_json::Value;

use super::resolve::{Exclusive, Unresolved};
use super::{Action, Container, Profile, engines};
use crate::file::{self, Limit};
use crate::{names, words};

/// A profile as it was read.
#[derive(Clone, Debug)]
pub struct ProfileFile {
    /// For the container that it was read for.
    pub profile: Profile,
    /// For an engine, which takes it as it is.
    pub json: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    File(#[from] file::ReadError),
    #[error("{path} is no seccomp profile: {source}; `profiler generate` writes one")]
    NotAProfile {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{path}: {source}; take one out")]
    Exclusive { path: PathBuf, source: Exclusive },
    #[error(
        "{path} has {key:?}, which only an engine can see to; only a profile without it can be loaded here, as `profiler generate` writes them"
    )]
    ForAnEngine { path: PathBuf, key: String },
    #[error(
        "{path} is for {listed} alone, and what is judged here is x86_64; name a profile that lists SCMP_ARCH_X86_64"
    )]
    ForeignArchitecture { path: PathBuf, listed: String },
    #[error("the default of Docker {version:?} is not among those that are known here: {known}")]
    UnknownEngine { version: String, known: String },
}

/// What only a runtime with a listener can do, or with flags.
const ENGINES_KEYS: [&str; 3] = ["flags", "listenerPath", "listenerMetadata"];

/// As it stands there.
pub fn bytes(path: &Path) -> Result<Cow<'static, [u8]>, ReadError> {
    bytes_within(path, Limit::PROFILE)
}

/// Where a file may be something else than a profile, with a limit of its own.
pub fn bytes_within(path: &Path, limit: Limit) -> Result<Cow<'static, [u8]>, ReadError> {
    match path.to_str().and_then(engines::named) {
        Some(named) => Ok(Cow::Borrowed(named?.as_bytes())),
        None => Ok(Cow::Owned(file::read(path, limit)?)),
    }
}

pub fn read(path: &Path, container: &Container) -> Result<ProfileFile, ReadError> {
    parse(path, &bytes(path)?, container)
}

/// `path`: what the user knows it by.
pub fn parse(path: &Path, bytes: &[u8], container: &Container) -> Result<ProfileFile, ReadError> {
    let unresolved: Unresolved =
        serde_json::from_slice(bytes).map_err(|source| ReadError::NotAProfile {
            path: path.to_owned(),
            source,
        })?;
    let profile = unresolved
        .resolve(container)
        .map_err(|source| ReadError::Exclusive {
            path: path.to_owned(),
            source,
        })?;
    let listed = &profile.architectures;
    let is_ours = |name: &String| Abi::ALL.map(names::architecture).contains(&name.as_str());
    if !listed.is_empty() && !listed.iter().any(is_ours) {
        return Err(ReadError::ForeignArchitecture {
            path: path.to_owned(),
            listed: words::list(listed),
        });
    }
    let json = String::from_utf8_lossy(bytes).into_owned();
    Ok(ProfileFile { profile, json })
}

/// For a program of our own making: refuses what [`Profile`] does not hold, rather than dropping
/// it in silence.
pub fn read_whole(path: &Path, container: &Container) -> Result<ProfileFile, ReadError> {
    let file = read(path, container)?;
    let value: Value =
        serde_json::from_str(&file.json).map_err(|source| ReadError::NotAProfile {
            path: path.to_owned(),
            source,
        })?;
    match key_for_an_engine(&value).or_else(|| asks_an_agent(&file.profile)) {
        None => Ok(file),
        Some(key) => Err(ReadError::ForAnEngine {
            path: path.to_owned(),
            key: key.to_owned(),
        }),
    }
}

/// There is none here: the kernel would answer ENOSYS.
fn asks_an_agent(profile: &Profile) -> Option<&'static str> {
    let mut actions = profile.syscalls.iter().map(|rule| rule.action);
    let asks = profile.default_action == Action::Notify || actions.any(|a| a == Action::Notify);
    asks.then_some("SCMP_ACT_NOTIFY")
}

fn key_for_an_engine(profile: &Value) -> Option<&'static str> {
    let says = |key: &&str| match profile.get(key) {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    };
    ENGINES_KEYS.into_iter().find(says)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ReadError, bytes, read, read_whole};
    use crate::profile::Container;
    use crate::profile::evaluate::Evaluator;
    use crate::profile::{Action, Answer, Runtime};
    use profiler_common::Abi;

    fn with<T>(json: &str, look: impl FnOnce(&Path) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.json");
        std::fs::write(&path, json).unwrap();
        look(&path)
    }

    #[test]
    fn a_profile_is_read_as_it_is_meant_for_the_container() {
        let json = r#"{"defaultAction": "SCMP_ACT_ERRNO", "archMap": [], "syscalls":
            [{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {}, "comment": "x"},
             {"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"]}}]}"#;
        let file = with(json, |path| read_whole(path, &Container::default())).unwrap();
        assert_eq!(file.json, json);
        let [rule] = &file.profile.syscalls[..] else {
            panic!("{:?}", file.profile);
        };
        assert_eq!(rule.names, ["read"]);
    }

    #[test]
    fn what_only_an_engine_sees_to_is_refused_by_its_name() {
        let json = r#"{"defaultAction": "SCMP_ACT_ERRNO", "flags": ["SECCOMP_FILTER_FLAG_LOG"]}"#;
        with(json, |path| {
            let container = Container::default();
            let error = read_whole(path, &container).unwrap_err();
            assert!(matches!(&error, ReadError::ForAnEngine { key, .. } if key == "flags"));
            assert!(read(path, &container).is_ok(), "an engine may have it");
        });
        let json = r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls":
            [{"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}]}"#;
        with(json, |path| {
            let error = read_whole(path, &Container::default()).unwrap_err();
            assert!(
                matches!(&error, ReadError::ForAnEngine { key, .. } if key == "SCMP_ACT_NOTIFY")
            );
        });
    }

    #[test]
    fn what_is_no_profile_is_named() {
        let read = |path: &Path| read(path, &Container::default());
        for json in ["", "[]", "{}", r#"{"defaultAction": "ALLOW"}"#] {
            let error = with(json, |path| read(path).unwrap_err().to_string());
            assert!(
                error.contains("profile.json is no seccomp profile"),
                "{error}"
            );
        }
        let missing = read(Path::new("/no/such/profile.json")).unwrap_err();
        assert!(missing.to_string().contains("/no/such/profile.json"));
    }

    #[test]
    fn engines_defaults_have_names() {
        assert_eq!(
            bytes(Path::new("docker-default")).unwrap(),
            bytes(Path::new("docker-default@29.4")).unwrap()
        );
        let unknown = bytes(Path::new("docker-default@1.0")).unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "the default of Docker \"1.0\" is not among those that are known here: 29.4, 20.10"
        );
        for file in ["./docker-default", "docker-default.json"] {
            assert!(matches!(bytes(Path::new(file)), Err(ReadError::File(_))));
        }
    }

    /// What the conditions of the committed defaults come to; the containers' tests hold all of it
    /// against an engine.
    #[test]
    fn engines_defaults_follow_the_capabilities() {
        let added = Container::with(&["SYS_ADMIN".to_owned()], &[]).unwrap();
        for name in ["docker-default", "docker-default@20.10"] {
            let answers = |container: &Container| {
                let profile = read_whole(Path::new(name), container).unwrap().profile;
                assert_eq!(profile.default_action, Action::Errno);
                let evaluator = Evaluator::new(&profile, Runtime::Runc1_1).unwrap();
                assert_eq!(evaluator.doubts(), []);
                ["mount", "clone3", "ptrace", "chroot"]
                    .map(|call| evaluator.answer_to(Abi::X86_64, call, [0; 6]).unwrap())
            };
            let (allow, eperm) = (Answer::Allow, Answer::Errno(1));
            assert_eq!(
                answers(&Container::default()),
                [eperm, Answer::ENOSYS, allow, allow]
            );
            assert_eq!(answers(&added), [allow; 4]);
            let old = Container::default().on("4.4.0");
            assert_eq!(answers(&old)[2], eperm);
        }
    }
}
