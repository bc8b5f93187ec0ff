//! Architectures: names, and what becomes of those that are not listed.

use crate::lint::document::{Document, Located};
use crate::lint::finding::Found;
use crate::lint::place::Bytes;
use crate::lint::rules::RuleId;
use crate::lint::words::{did_you_mean, quoted};

const X86_64: &str = "SCMP_ARCH_X86_64";

/// What a process of x86_64 can make calls of besides.
const OTHERS: [&str; 2] = ["SCMP_ARCH_X86", "SCMP_ARCH_X32"];

/// The specification's
/// (<https://github.com/opencontainers/runtime-spec/blob/v1.2.1/config-linux.md#seccomp>) and runc's.
const KNOWN: [&str; 20] = [
    X86_64,
    "SCMP_ARCH_X86",
    "SCMP_ARCH_X32",
    "SCMP_ARCH_ARM",
    "SCMP_ARCH_AARCH64",
    "SCMP_ARCH_LOONGARCH64",
    "SCMP_ARCH_MIPS",
    "SCMP_ARCH_MIPS64",
    "SCMP_ARCH_MIPS64N32",
    "SCMP_ARCH_MIPSEL",
    "SCMP_ARCH_MIPSEL64",
    "SCMP_ARCH_MIPSEL64N32",
    "SCMP_ARCH_PARISC",
    "SCMP_ARCH_PARISC64",
    "SCMP_ARCH_PPC",
    "SCMP_ARCH_PPC64",
    "SCMP_ARCH_PPC64LE",
    "SCMP_ARCH_RISCV64",
    "SCMP_ARCH_S390",
    "SCMP_ARCH_S390X",
];

/// In conditions, as Docker names them; x32 stands in its own profile, and never holds
/// (<https://github.com/moby/profiles/blob/seccomp/v0.1.0/seccomp/seccomp_linux.go#L31>).
const IN_CONDITIONS: [&str; 17] = [
    "x86",
    "amd64",
    "x32",
    "arm",
    "arm64",
    "loong64",
    "loongarch64",
    "mips64",
    "mips64n32",
    "mipsel64",
    "mips3l64n32",
    "mipsel",
    "ppc",
    "ppc64",
    "ppc64le",
    "s390",
    "s390x",
];
/// Too many for the array above to stay readable.
const ALSO_IN_CONDITIONS: &str = "riscv64";

pub(super) fn check(document: &Document, found: &mut Vec<Found>) {
    let mapped = document.arch_map.iter();
    let mapped = mapped.flat_map(|entry| entry.architecture.iter().chain(&entry.others));
    for name in document.architectures.iter().chain(mapped) {
        if !KNOWN.contains(&name.value.as_str()) {
            let meant = did_you_mean(&name.value, KNOWN);
            let message = format!(
                "no runtime knows the architecture {}{meant}",
                quoted(&name.value)
            );
            found.push(Found::new(RuleId::UnknownArchitecture, &name.at, message));
        }
    }
    for rule in &document.rules {
        let conditions = [&rule.includes, &rule.excludes];
        for name in conditions.iter().flat_map(|c| &c.architectures) {
            found.extend(in_condition(name));
        }
    }
    found.extend(unsaid(document));
}

fn in_condition(name: &Located<String>) -> Option<Found> {
    let mut known = IN_CONDITIONS.into_iter().chain([ALSO_IN_CONDITIONS]);
    if known.any(|known| known == name.value) {
        return None;
    }
    let shown = quoted(&name.value);
    // Of names that are not alike at all.
    let meant = match name.value.as_str() {
        "x86_64" | X86_64 => "; did you mean amd64?".to_owned(),
        "aarch64" | "SCMP_ARCH_AARCH64" => "; did you mean arm64?".to_owned(),
        other => did_you_mean(other, IN_CONDITIONS),
    };
    let message = format!("Docker calls no architecture {shown} in a condition{meant}");
    Some(Found::new(RuleId::UnknownArchitecture, &name.at, message))
}

fn unsaid(document: &Document) -> Option<Found> {
    let (listed, at): (Vec<&str>, Bytes) = if document.arch_map.is_empty() {
        let listed = document.architectures.iter();
        let at = document.architectures_at.as_ref();
        (
            listed.map(|name| name.value.as_str()).collect(),
            at.unwrap_or(&document.rules_at).clone(),
        )
    } else {
        let is_ours = |name: &Located<String>| name.value == X86_64;
        let mut entries = document.arch_map.iter();
        let entry = entries.find(|entry| entry.architecture.as_ref().is_some_and(is_ours))?;
        let others = entry.others.iter().map(|name| name.value.as_str());
        (others.chain([X86_64]).collect(), entry.at.clone())
    };
    // Without a list it is the machine's own.
    if !listed.is_empty() && !listed.contains(&X86_64) {
        return None;
    }
    let missing: Vec<&str> = OTHERS
        .into_iter()
        .filter(|name| !listed.contains(name))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let missing = missing.join(" and ");
    let message = format!(
        "on x86_64 the profile does not say what becomes of {missing}: a process that makes a call of it is killed"
    );
    Some(Found::new(RuleId::AbiUnsaid, &at, message))
}
