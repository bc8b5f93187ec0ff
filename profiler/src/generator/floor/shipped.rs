//! The floors that come with profiler (`profiles/floors/`).

use std::sync::LazyLock;

use super::FloorFile;

macro_rules! texts {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../../profiles/floors/", $name, ".json")))),*]
    };
}

/// By name, as the engine and the version of its runtime say it.
const TEXTS: &[(&str, &str)] = texts![
    "docker-crun-1.21"
    "docker-crun-1.8.1"
    "docker-runc-1.1.15"
    "docker-runc-1.1.5"
    "docker-runc-1.3.6"
    "podman-runc-1.1.5"
];

static FLOORS: LazyLock<Vec<(&str, FloorFile)>> = LazyLock::new(|| {
    let floors = TEXTS.iter();
    floors
        .map(|&(name, text)| {
            (
                name,
                FloorFile::parse(text.as_bytes()).expect("unit tests parse every floor"),
            )
        })
        .collect()
});

pub(super) fn floors() -> impl Iterator<Item = (&'static str, &'static FloorFile)> {
    FLOORS.iter().map(|(name, file)| (*name, file))
}

/// Whether `part` is a run of whole words of `name`: `runc-1.1` is one of `docker-runc-1.1.5`, and
/// none of `docker-runc-1.15.0`.
pub(super) fn is_part(part: &str, name: &str) -> bool {
    name.match_indices(part).any(|(at, _)| {
        let before = name[..at].chars().next_back();
        let after = name[at + part.len()..].chars().next();
        before.is_none_or(|c| c == '-') && after.is_none_or(|c| matches!(c, '-' | '.'))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{TEXTS, floors, is_part};
    use crate::generator::tables::START_UP;

    #[test]
    fn every_file_of_the_folder_is_here() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/floors");
        let found: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let known = TEXTS.iter().map(|(name, _)| format!("{name}.json"));
        assert_eq!(found, known.collect());
    }

    #[test]
    fn a_floor_s_name_is_its_engine_s_and_its_runtime_s() {
        for (name, file) in floors() {
            let engine = &file.engine;
            assert!(
                is_part(&engine.name, name) && is_part(&engine.runtime, name),
                "{name}"
            );
            let version = name.rsplit('-').next().unwrap();
            let told = engine.runtime_version.as_deref().unwrap();
            assert!(told.contains(version), "{name}: {told}");
        }
    }

    /// A floor tells what was measured; why it is so stands in one table for all.
    #[test]
    fn every_call_has_its_reason() {
        for (name, file) in floors() {
            for (of, reasons) in [
                (&file.plain, &START_UP.runtime),
                (&file.no_new_privileges, &START_UP.runtime),
                (&file.init, &START_UP.init),
            ] {
                let known: BTreeSet<&str> = reasons.iter().map(|call| call.name.as_str()).collect();
                let measured = of.calls.keys().map(String::as_str);
                let unknown: Vec<_> = measured.filter(|call| !known.contains(call)).collect();
                assert!(unknown.is_empty(), "{name}: {unknown:?}");
            }
        }
    }

    #[test]
    fn a_part_ends_where_a_word_does() {
        for (part, fits) in [
            ("docker", true),
            ("runc", true),
            ("runc-1", true),
            ("runc-1.1", true),
            ("docker-runc-1.1.15", true),
            ("runc-1.1.1", false),
            ("run", false),
            ("unc", false),
            ("", false),
        ] {
            assert_eq!(is_part(part, "docker-runc-1.1.15"), fits, "{part}");
        }
        assert!(!is_part("runc", "podman-crun-1.8.1"));
    }
}
