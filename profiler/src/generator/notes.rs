//! What the reader of a capability list has to know, as no entry of it can say.

use std::collections::{BTreeMap, BTreeSet};

use super::input;
use crate::recording::{Assumption, Caller, Phase, Recording};
use crate::words::list;

/// `asked_to_bind`: whether CAP_NET_BIND_SERVICE was asked for at all.
pub(super) fn notes(recordings: &[Recording], asked_to_bind: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if !asked_to_bind {
        notes.extend(about_low_ports(recordings));
        notes.extend(about_unseen_ports(recordings));
    }
    notes.extend(about_securebits(recordings));
    notes.extend(about_gains(recordings));
    notes.extend(about_unshown(recordings));
    notes
}

/// Docker since 20.10 (<https://github.com/moby/moby/pull/41030>) and containerd 2 free the low
/// ports of a container with a network of its own.
fn about_low_ports(recordings: &[Recording]) -> Option<String> {
    let mut bound: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    let known = recordings.iter().flat_map(|r| &r.capabilities.low_ports);
    for low in known.flatten() {
        let callers = low.callers.iter().filter(|caller| is_subjects(caller));
        for caller in callers {
            bound.entry(low.port).or_default().insert(program(caller));
        }
    }
    if bound.is_empty() {
        return None;
    }
    let ports: Vec<String> = bound
        .into_iter()
        .map(|(port, programs)| format!("{port} ({})", list(programs)))
        .collect();
    Some(format!(
        "NET_BIND_SERVICE was never asked for, though ports below 1024 were bound: {}. They were free to all, as Docker since 20.10 and containerd 2 make them (net.ipv4.ip_unprivileged_port_start=0); for engines that do not, and for the host's network, add NET_BIND_SERVICE",
        ports.join(", ")
    ))
}

/// `None` where all were seen, and where there were none as nothing was bound at all.
fn about_unseen_ports(recordings: &[Recording]) -> Option<String> {
    let is_unseen = |recording: &Recording| recording.capabilities.low_ports.is_none();
    let may_have_bound = |recording: &Recording| {
        let calls = recording.architectures.values().flatten();
        // i386's socketcall is bind too.
        let mut binding = calls.filter(|(name, _)| matches!(name.as_str(), "bind" | "socketcall"));
        binding.any(|(_, call)| call.callers.iter().any(is_subjects))
    };
    let mut all = recordings.iter();
    let unseen = all.any(|recording| is_unseen(recording) && may_have_bound(recording));
    unseen.then(|| "NET_BIND_SERVICE was never asked for, but which ports were bound could not be seen while recording (lockdown=confidentiality, or an older profiler). Where one is below 1024, add NET_BIND_SERVICE for engines that do not free those ports (net.ipv4.ip_unprivileged_port_start=0, as Docker since 20.10 and containerd 2 have it), and for the host's network".to_owned())
}

/// PR_SET_SECUREBITS
/// (<https://github.com/gregkh/linux/blob/v6.1.176/include/uapi/linux/prctl.h#L82>).
const SET_SECUREBITS: u32 = 28;

/// Before Linux 6.17 compilers put the check into the function that asks, where no hook sees it: the
/// call is in the recording then, and its check is not.
fn about_securebits(recordings: &[Recording]) -> Option<String> {
    let is_unseen = |recording: &Recording| {
        let mut checks = recording.capabilities.checks.iter();
        let is_seen = checks.any(|check| {
            check.capability == "CAP_SETPCAP" && check.syscall.as_deref() == Some("prctl")
        });
        let prctls = recording
            .architectures
            .values()
            .filter_map(|calls| calls.get("prctl"));
        let mut callers = prctls.flat_map(|call| &call.callers);
        !is_seen && callers.any(|caller| is_subjects(caller) && sets_securebits(caller))
    };
    recordings.iter().any(is_unseen).then(|| "securebits were set (prctl PR_SET_SECUREBITS), and the kernel did not show whether it granted SETPCAP for that, as none before Linux 6.17 does: add SETPCAP where that has to succeed".to_owned())
}

fn sets_securebits(caller: &Caller) -> bool {
    let Some(arguments) = &caller.arguments else {
        return false;
    };
    let mut noted = arguments.noted.iter();
    let option = noted.position(|argument| argument.index == 0);
    option.is_some_and(|option| {
        let mut combinations = arguments.combinations.iter();
        combinations.any(|values| values.get(option) == Some(&SET_SECUREBITS))
    })
}

/// What no-new-privileges would change. `None` where nobody looked, or where it was recorded with
/// no-new-privileges, under which nothing can gain.
pub fn about_gains(recordings: &[Recording]) -> Option<String> {
    if input::recorded_with_no_new_privileges(recordings) {
        return None;
    }
    let mut programs = BTreeSet::new();
    for recording in recordings {
        let gains = recording.gains.as_ref()?.iter().map(|gain| &gain.caller);
        programs.extend(gains.filter(|caller| is_subjects(caller)).map(program));
    }
    let so_far = if input::stands(recordings, Assumption::StartUpUnseen) {
        " that was seen (its start was not)"
    } else {
        ""
    };
    Some(if programs.is_empty() {
        format!("no exec{so_far} gained anything: no-new-privileges would change nothing")
    } else {
        format!(
            "exec of {} gained privileges (set-id or file capabilities): under no-new-privileges it runs without them",
            list(programs)
        )
    })
}

/// `None` where the kernel counts them: then they are among what was lost.
fn about_unshown(recordings: &[Recording]) -> Option<String> {
    let mut all = recordings.iter();
    let are_uncounted = all.any(|recording| !recording.capabilities.unshown_counted);
    are_uncounted.then(|| "nobody counted the checks that the kernel did not show while recording (kprobes before Linux 6.7, or an older profiler): one may be missing without a word".to_owned())
}

fn is_subjects(caller: &Caller) -> bool {
    caller.phase != Phase::Runtime
}

fn program(caller: &Caller) -> String {
    let exe = caller.exe.as_ref().map(ToString::to_string);
    exe.unwrap_or_else(|| "an unknown program".to_owned())
}
