//! What the user must know beside the result, and why there can be no result.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::LibseccompVersion;
use crate::risk::Class;
use crate::words::{count, list};

/// Something that the recording left open, or that the output cannot say. Ordered as they are
/// shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Warning {
    #[error(
        "{count} of {of} recordings: the recorder did not come to its end, what came after its last checkpoint is missing; record again"
    )]
    Checkpoint { count: usize, of: usize },
    #[error("the recording is not complete ({losses}); record again")]
    Lost { losses: String },
    #[error("{count} of {of} runs did not pass{}; what comes after a failure was never seen", because(.reasons))]
    Failed {
        count: usize,
        of: usize,
        reasons: BTreeSet<String>,
    },
    #[error(
        "recorded with no-new-privileges: use it with no-new-privileges only, as without it the runtime and setuid programs make calls that were never seen"
    )]
    NoNewPrivileges,
    #[error(
        "recorded with no-new-privileges and meant for use without: what programs do that gain privileges then (set-id, file capabilities) was not seen; record without it where there are any"
    )]
    GainsUnseen,
    #[error(
        "recorded under the filter {name}, not the open one: what it refused is missing here too"
    )]
    Filter { name: String },
    #[error(
        "{} tried and refused by the filter it ran under ({}): not allowed; if the subject needs {}, record under the open filter",
        count(.names.len(), "call was", "calls were"),
        list(.names),
        if .names.len() == 1 { "it" } else { "them" }
    )]
    Tried { names: BTreeSet<String> },
    #[error(
        "what the container runtime calls behind the filter before the first program was not seen, and without it no container starts; restart the container under recording, or take what was measured of a runtime: --runtime NAME ({known})"
    )]
    RuntimeTailUnseen { known: String },
    #[error(
        "{count} calls of a container's start were not seen here, and are allowed as they were measured with {runtime}; with another runtime the container may not start"
    )]
    Floor { runtime: String, count: usize },
    #[error(
        "--runtime {runtime} is not needed: the recording shows what the container runtime calls"
    )]
    FloorNotNeeded { runtime: String },
    #[error(
        "what the subject does when it starts was not seen, as no run was watched from its birth; nothing but a restart under recording closes this wholly"
    )]
    StartUpUnseen,
    #[error(
        "what the subject does when it stops was not seen, as no run was watched to its end; record until it has stopped"
    )]
    ShutdownUnseen,
    #[error(
        "for portability {} allowed that {} not seen: {}",
        count(total(.classes), "call is", "calls are"),
        if total(.classes) == 1 { "was" } else { "were" },
        by_risk(.classes)
    )]
    Portable {
        classes: BTreeMap<Class, BTreeSet<String>>,
    },
    #[error(
        "{} seen and allowed, though it is a way round the filter; record under the open filter, which refuses it, to see whether the subject falls back",
        were(.names)
    )]
    WayRound { names: BTreeSet<String> },
    #[error(
        "the arguments of {} were not noted, as by an older profiler: allowed with any; record again",
        list(.names)
    )]
    ArgumentsNotNoted { names: BTreeSet<String> },
    #[error(
        "the arguments of {} were noted as another version of profiler has them: allowed with any; record again",
        list(.names)
    )]
    ArgumentsNotedOtherwise { names: BTreeSet<String> },
    #[error(
        "{} came with more arguments than could be noted: allowed with any",
        list(.names)
    )]
    ArgumentsOverflowed { names: BTreeSet<String> },
    #[error(
        "{} came with more than {most} different arguments, so that the next run will show others: allowed with any",
        list(.names)
    )]
    TooManyArguments {
        names: BTreeSet<String>,
        most: usize,
    },
    #[error(
        "the arguments of what {} for portability are not known: allowed with any",
        match .names.len() { 1 => format!("{} stands for", list(.names)), _ => format!("{} stand for", list(.names)) }
    )]
    ArgumentsOfEquivalent { names: BTreeSet<String> },
    #[error("on {architecture} {why}: {} allowed with any arguments", list(.names))]
    ArgumentsCarried {
        architecture: String,
        why: String,
        names: BTreeSet<String>,
    },
    #[error(
        "{} seen on {architecture}, where {why}: allowed with any arguments",
        were(.names)
    )]
    ArgumentsElsewhere {
        architecture: String,
        why: String,
        names: BTreeSet<String>,
    },
    #[error(
        "the rules for the arguments of {} say nothing on {architecture}: {why}",
        list(.names)
    )]
    ArgumentsIdle {
        architecture: String,
        why: String,
        names: BTreeSet<String>,
    },
    #[error(
        "{architecture}: no call is known by the number {}; the profile cannot name it and refuses it",
        list(.numbers)
    )]
    UnknownNumbers {
        architecture: String,
        numbers: BTreeSet<String>,
    },
    #[error(
        "{runtime} before {since} refuses a profile that lists {architecture}, on every machine: generate one without it where such a {runtime} is in use"
    )]
    NewerRuntime {
        architecture: String,
        runtime: String,
        since: String,
    },
    #[error(
        "{} needs libseccomp {libseccomp} or newer where the profile is loaded: an older one leaves it out, and the call is refused",
        list(.names)
    )]
    NewerLibseccomp {
        libseccomp: LibseccompVersion,
        names: BTreeSet<String>,
    },
    #[error(
        "no call is named {}: libseccomp leaves {} out; mend the name, or take it out",
        list(.names),
        if .names.len() == 1 { "it" } else { "them" }
    )]
    NoSuchCall { names: BTreeSet<String> },
    #[error("allowed by {base} alone, and never seen: {}", list(.names))]
    OnlyInBase {
        base: String,
        names: BTreeSet<String>,
    },
    #[error(
        "{base} refuses {}, which {} seen: allowed",
        list(.names),
        if .names.len() == 1 { "was" } else { "were" }
    )]
    RefusedByBase {
        base: String,
        names: BTreeSet<String>,
    },
    #[error(
        "the profile refuses nothing: what it does not allow passes, and the kernel logs it; generate it again without this for use"
    )]
    RefusesNothing,
    #[error(
        "a profile has one list for all architectures: calls that only {seen} made are allowed to {also} too ({count} of them)"
    )]
    SharedNames {
        seen: String,
        also: String,
        count: usize,
    },
    #[error(
        "kernel symbols could not be read while recording: capability checks are judged by the call alone; record with CAP_SYSLOG and kptr_restrict below 2"
    )]
    NoKernelSymbols,
    #[error(
        "capabilities without a name were used, and no engine can add them: {}",
        list(.numbers)
    )]
    UnknownCapabilities { numbers: BTreeSet<String> },
}

/// Why there is nothing to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    #[error("no recording was given; name at least one")]
    NoRecording,
    #[error("nothing ran while recording; record again")]
    NoRuns,
    #[error("the recording is not complete ({losses}); record again, or do without --strict")]
    Lost { losses: String },
    #[error(
        "the recorder did not come to its end, what came after its last checkpoint is missing; record again, or do without --strict"
    )]
    Checkpoint,
    #[error(
        "{name} allows by default, so that a profile that begins from it refuses nothing; name one that refuses by default"
    )]
    BaseAllows { name: String },
    #[error(
        "no call was recorded, and a profile that refuses everything starts nothing; record again"
    )]
    NoCalls,
    #[error("the recordings are not of one subject but of {}; generate a profile for each", .subjects.join(" and "))]
    DifferentSubjects { subjects: Vec<String> },
    #[error("the recordings are not of one kind of machine but of {}; generate a profile for each", .machines.join(" and "))]
    DifferentMachines { machines: Vec<String> },
    #[error(
        "no runtime {name:?} was measured; the known ones are: {known}; `profiler floor -o FILE` measures the one that is here, and a file is named with its folder: ./FILE"
    )]
    UnknownRuntime { name: String, known: String },
    #[error(
        "recorded with no-new-privileges, under which the container runtime calls less behind the filter: for use without it say what was measured of the runtime by --runtime NAME ({known}), or record without"
    )]
    RuntimeUnknown { known: String },
    #[error(
        "capabilities: not observed while recording, so there is nothing to tell which are needed; record again where the kernel lets them be observed"
    )]
    CapabilitiesNotObserved,
}

fn total(classes: &BTreeMap<Class, BTreeSet<String>>) -> usize {
    classes.values().map(BTreeSet::len).sum()
}

/// The gravest first; those of low risk are many, and count only.
fn by_risk(classes: &BTreeMap<Class, BTreeSet<String>>) -> String {
    list(classes.iter().rev().map(|(class, names)| match class {
        Class::Low => format!("{} of {class} risk", names.len()),
        _ => format!("{} of {class} risk ({})", names.len(), list(names)),
    }))
}

fn were(names: &BTreeSet<String>) -> String {
    let were = if names.len() == 1 { "was" } else { "were" };
    format!("{} {were}", list(names))
}

fn because(reasons: &BTreeSet<String>) -> String {
    if reasons.is_empty() {
        String::new()
    } else {
        format!(" ({})", list(reasons))
    }
}
