//! Which architectures a profile lists at a price (`profiles/architectures.json`).

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "about")]
    _about: String,
    architectures: Vec<ArchitectureSince>,
}

/// A runtime that refuses every profile with `name` before its version `since`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchitectureSince {
    name: String,
    pub runtime: String,
    pub since: String,
    #[serde(rename = "source")]
    _source: String,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../profiles/architectures.json"))
        .expect("a unit test parses it")
});

/// `name`: as `SCMP_ARCH_RISCV64`; `None` where every runtime in use takes it.
pub fn architecture_since(name: &str) -> Option<&'static ArchitectureSince> {
    TABLE.architectures.iter().find(|known| known.name == name)
}

#[cfg(test)]
mod tests {
    use super::architecture_since;

    #[test]
    fn an_old_runtime_refuses_the_newest_architecture() {
        let known = architecture_since("SCMP_ARCH_RISCV64").unwrap();
        assert_eq!((&*known.runtime, &*known.since), ("runc", "1.1.8"));
        assert!(architecture_since("SCMP_ARCH_AARCH64").is_none());
    }
}
