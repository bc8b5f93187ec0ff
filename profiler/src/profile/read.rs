//! Reading a profile, and telling whether it says all by itself.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Profile;

/// A profile as it was read.
#[derive(Clone, Debug)]
pub struct ProfileFile {
    pub profile: Profile,
    /// For an engine, which takes it as it is.
    pub json: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read {path}: {source}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is no seccomp profile: {source}; `profiler generate` writes one")]
    NotAProfile {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error(
        "{path} leaves {key:?} to the engine; only a profile without it can be loaded here, as `profiler generate` writes them"
    )]
    ForAnEngine { path: PathBuf, key: String },
}

/// What an engine resolves before the runtime sees the profile
/// (<https://github.com/moby/profiles/blob/seccomp/v0.1.0/seccomp/seccomp.go>), or what only a
/// runtime with a listener can do.
const ENGINES_KEYS: [&str; 4] = ["archMap", "flags", "listenerPath", "listenerMetadata"];
const ENGINES_RULE_KEYS: [&str; 2] = ["includes", "excludes"];

pub fn read(path: &Path) -> Result<ProfileFile, ReadError> {
    let json = std::fs::read_to_string(path).map_err(|source| ReadError::Io {
        path: path.to_owned(),
        source,
    })?;
    let profile = serde_json::from_str(&json).map_err(|source| ReadError::NotAProfile {
        path: path.to_owned(),
        source,
    })?;
    Ok(ProfileFile { profile, json })
}

/// For a program of our own making: refuses what [`Profile`] does not hold, rather than dropping
/// it in silence.
pub fn read_whole(path: &Path) -> Result<ProfileFile, ReadError> {
    let file = read(path)?;
    let value: Value =
        serde_json::from_str(&file.json).map_err(|source| ReadError::NotAProfile {
            path: path.to_owned(),
            source,
        })?;
    match key_for_an_engine(&value) {
        None => Ok(file),
        Some(key) => Err(ReadError::ForAnEngine {
            path: path.to_owned(),
            key: key.to_owned(),
        }),
    }
}

fn key_for_an_engine(profile: &Value) -> Option<&'static str> {
    let says = |value: &Value, key: &str| match value.get(key) {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    };
    let rules = profile.get("syscalls").and_then(Value::as_array);
    let in_rules = |key: &&str| rules.is_some_and(|all| all.iter().any(|rule| says(rule, key)));
    ENGINES_KEYS
        .into_iter()
        .find(|key| says(profile, key))
        .or_else(|| ENGINES_RULE_KEYS.into_iter().find(in_rules))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ReadError, read, read_whole};

    fn with<T>(json: &str, look: impl FnOnce(&Path) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.json");
        std::fs::write(&path, json).unwrap();
        look(&path)
    }

    #[test]
    fn a_profile_that_says_all_is_read_whole() {
        let json = r#"{"defaultAction": "SCMP_ACT_ERRNO", "archMap": [], "syscalls":
            [{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {}, "comment": "x"}]}"#;
        let file = with(json, read_whole).unwrap();
        assert_eq!(file.json, json);
        assert_eq!(file.profile.syscalls[0].names, ["read"]);
    }

    #[test]
    fn what_only_an_engine_resolves_is_refused_by_its_name() {
        for (json, key) in [
            (
                r#"{"defaultAction": "SCMP_ACT_ERRNO", "archMap": [{"architecture": "SCMP_ARCH_X86_64"}]}"#,
                "archMap",
            ),
            (
                r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["bpf"],
                    "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"]}}]}"#,
                "includes",
            ),
        ] {
            with(json, |path| {
                let error = read_whole(path).unwrap_err();
                assert!(matches!(&error, ReadError::ForAnEngine { key: k, .. } if k == key));
                assert!(read(path).is_ok(), "an engine may have it");
            });
        }
    }

    #[test]
    fn what_is_no_profile_is_named() {
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
}
