//! Recordings of one subject as one: nothing that any saw is lost, nothing is judged.
//!
//! Refuses what does not belong together, since subject, machine and confinement say what the
//! calls mean.
//!
//! A union: the order and grouping of the parts are immaterial to the byte, and a part that is
//! there already changes nothing. So a run is known again by its container and its start, to the
//! nanosecond; two that cannot be told apart by these are one run with the evidence of both.

mod differences;
mod numbering;
mod union;

pub use differences::{Difference, MergeError};

use std::collections::VecDeque;
use std::mem;

use indexmap::IndexMap;

use super::{ARCHITECTURES, Capabilities, Gain, LowPort, Recording, Status, Subject, Syscall};
use numbering::number_alike;
use union::{unite, unite_attempts, unite_callers, unite_text, unite_words};

type Architectures = IndexMap<String, IndexMap<String, Syscall>>;

/// Runs that belong together. Where it fails, `into` is as it was.
pub fn merge(into: &mut Recording, other: Recording) -> Result<(), MergeError> {
    differences::check([&*into, &other], &[])?;
    join(into, other);
    Ok(())
}

/// `meant`: in what they may differ. `None` where there are none.
pub fn merge_all(
    recordings: Vec<Recording>,
    meant: &[Difference],
) -> Result<Option<Recording>, MergeError> {
    differences::check(&recordings, meant)?;
    let mut parts = VecDeque::from(recordings);
    // One alone would keep a numbering of its own.
    if let [only] = parts.make_contiguous() {
        let same = only.clone();
        join(only, same);
    }
    // In pairs: the runs of a thousand, one after the other, would each be gone through a thousand
    // times.
    while parts.len() > 1
        && let (Some(mut one), Some(other)) = (parts.pop_front(), parts.pop_front())
    {
        join(&mut one, other);
        parts.push_back(one);
    }
    Ok(parts.pop_front())
}

fn join(into: &mut Recording, mut other: Recording) {
    number_alike(into, &mut other);
    if other.status == Status::Checkpoint {
        into.status = Status::Checkpoint;
    }
    join_provenance(into, &mut other);
    join_calls(&mut into.architectures, other.architectures);
    join_capabilities(&mut into.capabilities, other.capabilities);
    into.gains = joined_gains(into.gains.take(), other.gains);
    // What one closes is closed.
    into.assumptions
        .retain(|assumption| other.assumptions.contains(assumption));
    into.losses = into.losses.largest(other.losses);
}

/// Where there is room for one text, all stand there, with commas.
fn join_provenance(into: &mut Recording, other: &mut Recording) {
    unite_words(&mut into.tool.name, &other.tool.name);
    unite_words(&mut into.tool.version, &other.tool.version);
    join_images(&mut into.subject, &mut other.subject);
    unite_words(&mut into.host.kernel, &other.host.kernel);
    unite_words(&mut into.host.machine, &other.host.machine);
    into.host.cgroup = into.host.cgroup.max(other.host.cgroup);
    into.engine = match (into.engine.take(), other.engine.take()) {
        (Some(mut engine), Some(other)) => {
            for (one, other) in [
                (&mut engine.name, other.name),
                (&mut engine.version, other.version),
                (&mut engine.runtime, other.runtime),
                (&mut engine.cgroup_driver, other.cgroup_driver),
                (&mut engine.storage_driver, other.storage_driver),
            ] {
                unite_words(one, &other);
            }
            union::unite_known_words(&mut engine.runtime_version, other.runtime_version);
            Some(engine)
        }
        (one, other) => one.or(other),
    };
    let (confinement, others) = (&mut into.confinement, &mut other.confinement);
    unite_text(&mut confinement.filter.name, &others.filter.name);
    let hash = others.filter.sha256.take();
    union::unite_known_words(&mut confinement.filter.sha256, hash);
    let bounding_set = others.capabilities.take();
    confinement.capabilities = confinement.capabilities.take().or(bounding_set);
}

fn join_images(into: &mut Subject, other: &mut Subject) {
    if let (
        Subject::Image {
            reference,
            id,
            repo_digests,
            ..
        },
        Subject::Image {
            reference: other_reference,
            id: other_id,
            repo_digests: other_digests,
            ..
        },
    ) = (into, other)
    {
        unite_text(reference, other_reference);
        unite_words(id, other_id);
        repo_digests.append(other_digests);
        repo_digests.sort_unstable();
        repo_digests.dedup();
    }
}

fn join_calls(into: &mut Architectures, other: Architectures) {
    let mut joined = Architectures::new();
    for (architecture, calls) in mem::take(into).into_iter().chain(other) {
        let known = joined.entry(architecture).or_default();
        for (name, call) in calls {
            let known = known.entry(name).or_insert_with(|| Syscall {
                number: call.number,
                callers: Vec::new(),
                tried: Vec::new(),
            });
            known.number = known.number.min(call.number);
            unite_callers(&mut known.callers, call.callers);
            unite_attempts(&mut known.tried, call.tried);
        }
    }
    joined.sort_by_cached_key(|architecture, _| {
        let place = ARCHITECTURES.iter().position(|known| known == architecture);
        (place.unwrap_or(ARCHITECTURES.len()), architecture.clone())
    });
    for calls in joined.values_mut() {
        calls.sort_unstable_keys();
    }
    *into = joined;
}

fn join_capabilities(into: &mut Capabilities, other: Capabilities) {
    into.observed_by = match (into.observed_by.take(), other.observed_by) {
        (Some(mut one), Some(other)) => {
            unite_words(&mut one, &other);
            Some(one)
        }
        // Where one did not look, nobody knows.
        _ => None,
    };
    into.unshown_counted &= other.unshown_counted;
    unite(
        &mut into.checks,
        other.checks,
        |a, b| union::check_identity(a).cmp(&union::check_identity(b)),
        |known, next| unite_callers(&mut known.callers, mem::take(&mut next.callers)),
    );
    into.low_ports = joined_ports(into.low_ports.take(), other.low_ports);
    let checks = into.checks.iter_mut().map(|check| &mut check.callers);
    let ports = into.low_ports.iter_mut().flatten();
    for callers in checks.chain(ports.map(|low| &mut low.callers)) {
        unite_callers(callers, Vec::new());
    }
}

/// Where one could not look, nobody knows which there were.
fn joined_ports(one: Option<Vec<LowPort>>, other: Option<Vec<LowPort>>) -> Option<Vec<LowPort>> {
    let mut known = one?;
    unite(
        &mut known,
        other?,
        |a, b| a.port.cmp(&b.port),
        |known, next| unite_callers(&mut known.callers, mem::take(&mut next.callers)),
    );
    Some(known)
}

/// Where one did not look, nobody knows whether there were none.
fn joined_gains(one: Option<Vec<Gain>>, other: Option<Vec<Gain>>) -> Option<Vec<Gain>> {
    let callers = |gains: Vec<Gain>| gains.into_iter().map(|gain| gain.caller).collect();
    let mut known = callers(one?);
    unite_callers(&mut known, callers(other?));
    Some(known.into_iter().map(|caller| Gain { caller }).collect())
}
