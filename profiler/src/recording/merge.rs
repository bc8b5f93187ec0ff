//! Two recordings of one subject as one: nothing that either saw is lost, nothing is judged.
//!
//! Refuses what does not belong together: another subject, kind of machine or confinement, since
//! each of these says what the calls mean.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::{
    ARCHITECTURES, Arguments, Attempt, Caller, Capabilities, CapabilityCheck, Confinement,
    ExecSession, Gain, Losses, LowPort, Recording, Status, Syscall, assumptions,
};

/// Why two recordings are not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    #[error("the recordings are not of one subject but of {one} and {other}; keep them apart")]
    Subject { one: String, other: String },
    #[error(
        "the recordings are not of one kind of machine but of {one} and {other}; keep them apart"
    )]
    Machine { one: String, other: String },
    #[error("the recordings were not made alike: {what} is {one} and {other}; keep them apart")]
    Confinement {
        /// `filter`, `no-new-privileges`, `privileged` or `capabilities`.
        what: &'static str,
        one: String,
        other: String,
    },
}

/// The runs of `other` follow those of `into`, as do its exec sessions, but for those that `into`
/// has by kind and command line. What has room for one (the tool, the kernel's release, the engine,
/// the image's name) stays as `into` has it. Where it fails, `into` is as it was.
///
/// The result is in one order whatever the order of the parts; but for the numbering, and for which
/// of two first sightings is the first, so is its content.
pub fn merge(into: &mut Recording, other: Recording) -> Result<(), MergeError> {
    merge_by(into, other, Losses::plus)
}

/// As [`merge`], for runs of one recorder's session: both tell the session's losses, the later of
/// them more, so they do not add up.
pub fn merge_session(into: &mut Recording, other: Recording) -> Result<(), MergeError> {
    merge_by(into, other, Losses::later)
}

fn merge_by(
    into: &mut Recording,
    other: Recording,
    losses: fn(Losses, Losses) -> Losses,
) -> Result<(), MergeError> {
    check(into, &other)?;
    let after_run = into.runs.iter().map(|run| run.id).max().unwrap_or(0);
    let numbers = Numbers {
        after_run,
        sessions: merge_sessions(&mut into.sessions, other.sessions, after_run),
    };
    if other.status == Status::Checkpoint {
        into.status = Status::Checkpoint;
    }
    let bounding_set = &mut into.confinement.capabilities;
    *bounding_set = bounding_set.take().or(other.confinement.capabilities);
    into.runs.extend(other.runs.into_iter().map(|mut run| {
        run.id += numbers.after_run;
        run
    }));
    into.runs.sort_by_key(|run| run.id);
    merge_calls(&mut into.architectures, other.architectures, &numbers);
    merge_capabilities(&mut into.capabilities, other.capabilities, &numbers);
    into.gains = merge_gains(into.gains.take(), other.gains, &numbers);
    into.assumptions = assumptions(&into.subject, &into.confinement, &into.runs);
    into.losses = losses(into.losses, other.losses);
    Ok(())
}

fn check(one: &Recording, other: &Recording) -> Result<(), MergeError> {
    if !one.subject.is_same(&other.subject) {
        return Err(MergeError::Subject {
            one: one.subject.to_string(),
            other: other.subject.to_string(),
        });
    }
    if one.host.machine != other.host.machine {
        return Err(MergeError::Machine {
            one: one.host.machine.clone(),
            other: other.host.machine.clone(),
        });
    }
    let shown = shown(&one.confinement).into_iter();
    for ((what, one), (_, other)) in shown.zip(self::shown(&other.confinement)) {
        if let (Some(one), Some(other)) = (one, other)
            && one != other
        {
            return Err(MergeError::Confinement { what, one, other });
        }
    }
    Ok(())
}

/// `None`: not known, which fits everything.
fn shown(confinement: &Confinement) -> [(&'static str, Option<String>); 4] {
    let Confinement {
        filter,
        no_new_privileges,
        privileged,
        capabilities,
    } = confinement;
    let sha256 = filter.sha256.iter().map(|hash| format!(" ({hash})"));
    let filter = filter.name.to_string() + &sha256.collect::<String>();
    [
        ("filter", Some(filter)),
        ("no-new-privileges", Some(no_new_privileges.to_string())),
        ("privileged", Some(privileged.to_string())),
        (
            "capabilities",
            capabilities.as_ref().map(|names| names.join(" ")),
        ),
    ]
}

/// How the other recording's runs and sessions are numbered in the merged one.
struct Numbers {
    after_run: u32,
    sessions: BTreeMap<u32, u32>,
}

impl Numbers {
    fn of(&self, mut caller: Caller) -> Caller {
        for run in &mut caller.runs {
            *run += self.after_run;
        }
        if let Some(first) = &mut caller.first {
            first.run += self.after_run;
        }
        caller.session = caller
            .session
            .and_then(|session| self.sessions.get(&session).copied());
        caller
    }
}

/// The other's session ids to those that they have now.
fn merge_sessions(
    sessions: &mut Vec<ExecSession>,
    other: Vec<ExecSession>,
    after_run: u32,
) -> BTreeMap<u32, u32> {
    let mut ids = BTreeMap::new();
    for session in other {
        let runs = session.runs.iter().map(|run| run + after_run).collect();
        let known = sessions
            .iter_mut()
            .find(|known| (known.kind, &known.argv) == (session.kind, &session.argv));
        let id = if let Some(known) = known {
            unite_runs(&mut known.runs, runs);
            known.id
        } else {
            let id = sessions.iter().map(|known| known.id).max().unwrap_or(0) + 1;
            sessions.push(ExecSession {
                id,
                runs,
                ..session
            });
            id
        };
        ids.insert(session.id, id);
    }
    sessions.sort_by_key(|session| session.id);
    ids
}

fn merge_calls(
    into: &mut IndexMap<String, IndexMap<String, Syscall>>,
    other: IndexMap<String, IndexMap<String, Syscall>>,
    numbers: &Numbers,
) {
    for (architecture, calls) in other {
        let known = into.entry(architecture).or_default();
        for (name, call) in calls {
            let known = known.entry(name).or_insert(Syscall {
                number: call.number,
                callers: Vec::new(),
                tried: Vec::new(),
            });
            unite_callers(&mut known.callers, call.callers, numbers);
            for attempt in call.tried {
                unite_attempt(&mut known.tried, attempt, numbers);
            }
        }
    }
    into.sort_by_cached_key(|architecture, _| {
        let place = ARCHITECTURES.iter().position(|known| known == architecture);
        (place.unwrap_or(ARCHITECTURES.len()), architecture.clone())
    });
    for calls in into.values_mut() {
        calls.sort_unstable_keys();
        for call in calls.values_mut() {
            sort_callers(&mut call.callers);
            call.tried.sort_by(|a, b| {
                (a.caller.identity(), a.errno).cmp(&(b.caller.identity(), b.errno))
            });
        }
    }
}

fn unite_attempt(known: &mut Vec<Attempt>, attempt: Attempt, numbers: &Numbers) {
    let Attempt {
        caller,
        errno,
        count,
    } = attempt;
    let caller = numbers.of(caller);
    let same = known
        .iter_mut()
        .find(|known| (known.caller.identity(), known.errno) == (caller.identity(), errno));
    match same {
        Some(same) => {
            same.count = same.count.saturating_add(count);
            unite(&mut same.caller, caller);
        }
        None => known.push(Attempt {
            caller,
            errno,
            count,
        }),
    }
}

fn merge_capabilities(into: &mut Capabilities, other: Capabilities, numbers: &Numbers) {
    into.observed_by = match (into.observed_by.take(), other.observed_by) {
        (Some(one), Some(other)) => Some(united_hooks(&one, &other)),
        _ => None,
    };
    merge_low_ports(&mut into.low_ports, other.low_ports, numbers);
    for check in other.checks {
        let same = into
            .checks
            .iter_mut()
            .find(|known| identity(known) == identity(&check));
        match same {
            Some(same) => unite_callers(&mut same.callers, check.callers, numbers),
            None => into.checks.push(CapabilityCheck {
                callers: check.callers.into_iter().map(|c| numbers.of(c)).collect(),
                ..check
            }),
        }
    }
    into.checks.sort_by(|a, b| identity(a).cmp(&identity(b)));
    for check in &mut into.checks {
        sort_callers(&mut check.callers);
    }
}

fn merge_low_ports(into: &mut Vec<LowPort>, other: Vec<LowPort>, numbers: &Numbers) {
    for LowPort { port, callers } in other {
        let index = into.iter().position(|known| known.port == port);
        let index = index.unwrap_or_else(|| {
            into.push(LowPort {
                port,
                callers: Vec::new(),
            });
            into.len() - 1
        });
        unite_callers(&mut into[index].callers, callers, numbers);
    }
    into.sort_by_key(|known| known.port);
    for known in into {
        sort_callers(&mut known.callers);
    }
}

/// Where one did not look, nobody knows whether there were none.
fn merge_gains(
    into: Option<Vec<Gain>>,
    other: Option<Vec<Gain>>,
    numbers: &Numbers,
) -> Option<Vec<Gain>> {
    let callers = |gains: Vec<Gain>| gains.into_iter().map(|gain| gain.caller).collect();
    let mut known: Vec<Caller> = callers(into?);
    unite_callers(&mut known, callers(other?), numbers);
    sort_callers(&mut known);
    Some(known.into_iter().map(|caller| Gain { caller }).collect())
}

fn united_hooks(one: &str, other: &str) -> String {
    let mut hooks: Vec<&str> = one.split(", ").chain(other.split(", ")).collect();
    hooks.sort_unstable();
    hooks.dedup();
    hooks.join(", ")
}

/// All but the callers.
fn identity(check: &CapabilityCheck) -> impl Ord {
    (
        &check.capability,
        check.granted,
        &check.syscall,
        &check.architecture,
        &check.stack,
        check.own_namespace,
        check.own_credentials,
        check.no_audit,
    )
}

fn unite_callers(known: &mut Vec<Caller>, others: Vec<Caller>, numbers: &Numbers) {
    for other in others {
        let other = numbers.of(other);
        let same = known
            .iter_mut()
            .find(|known| known.identity() == other.identity());
        match same {
            Some(same) => unite(same, other),
            None => known.push(other),
        }
    }
}

/// Of one identity.
fn unite(known: &mut Caller, other: Caller) {
    unite_runs(&mut known.runs, other.runs);
    known.arguments = Arguments::united(known.arguments.take(), other.arguments);
    known.first = [known.first.take(), other.first]
        .into_iter()
        .flatten()
        .min_by_key(|first| (first.run, first.at_ms));
}

fn unite_runs(known: &mut Vec<u32>, others: Vec<u32>) {
    known.extend(others);
    known.sort_unstable();
    known.dedup();
}

fn sort_callers(callers: &mut [Caller]) {
    callers.sort_by(|a, b| a.identity().cmp(&b.identity()));
}
