//! Actions, what belongs to them, and flags.

use crate::lint::document::{Document, Located};
use crate::lint::finding::Found;
use crate::lint::rules::RuleId;
use crate::lint::words::{did_you_mean, quoted};
use crate::profile::Action;

/// The kernel's limit (MAX_ERRNO,
/// <https://github.com/torvalds/linux/blob/v6.18/include/linux/err.h#L18>).
const MAX_ERRNO: u32 = 4095;

const LOG: &str = "SECCOMP_FILTER_FLAG_LOG";
const SPEC_ALLOW: &str = "SECCOMP_FILTER_FLAG_SPEC_ALLOW";
const TSYNC: &str = "SECCOMP_FILTER_FLAG_TSYNC";
/// The specification has it, and runc up to 1.3 refuses it.
const WAIT_KILLABLE: &str = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";

pub(super) fn check(document: &Document, found: &mut Vec<Found>) {
    let default = document.default_action.as_ref();
    errno(
        default,
        document.default_errno.as_ref(),
        "defaultErrnoRet",
        found,
    );
    found.extend(default.and_then(trace));
    for rule in &document.rules {
        errno(rule.action.as_ref(), rule.errno.as_ref(), "errnoRet", found);
        found.extend(rule.action.as_ref().and_then(trace));
    }
    notify(document, found);
    found.extend(document.flags.iter().filter_map(flag));
}

fn trace(action: &Located<Action>) -> Option<Found> {
    (action.value == Action::Trace).then(|| {
        let message = "SCMP_ACT_TRACE leaves the decision to a tracer";
        Found::new(RuleId::TraceAction, &action.at, message)
    })
}

fn errno(
    action: Option<&Located<Action>>,
    errno: Option<&Located<u32>>,
    key: &str,
    found: &mut Vec<Found>,
) {
    let (Some(action), Some(errno)) = (action, errno) else {
        return;
    };
    let value = errno.value;
    if !matches!(action.value, Action::Errno | Action::Trace) {
        let message = format!("{key:?} belongs to SCMP_ACT_ERRNO, and has no effect here");
        found.push(Found::new(RuleId::NoEffect, &errno.at, message).remove(&errno.removal));
    } else if value == 0 {
        let message = "with errno 0 the caller is told that the call was made";
        found.push(Found::new(RuleId::ErrnoValue, &errno.at, message));
    } else if value > MAX_ERRNO {
        let message = format!("{value} is no errno: the highest is {MAX_ERRNO}");
        found.push(Found::new(RuleId::ErrnoValue, &errno.at, message));
    }
}

fn notify(document: &Document, found: &mut Vec<Found>) {
    let is_notify = |action: &&Located<Action>| action.value == Action::Notify;
    if let Some(default) = document.default_action.as_ref().filter(is_notify) {
        let message = "SCMP_ACT_NOTIFY cannot be the default action";
        found.push(Found::new(RuleId::NotifyUnusable, &default.at, message));
    }
    let mut first = None;
    for rule in &document.rules {
        let Some(action) = rule.action.as_ref().filter(is_notify) else {
            continue;
        };
        first = first.or(Some(action));
        for write in rule.names.iter().filter(|name| name.value == "write") {
            let message =
                "SCMP_ACT_NOTIFY cannot be for write: runc itself writes behind the filter";
            found.push(Found::new(RuleId::NotifyUnusable, &write.at, message));
        }
    }
    match (first, &document.listener_path) {
        (Some(action), None) => {
            let message = "SCMP_ACT_NOTIFY needs a \"listenerPath\", where an agent listens";
            found.push(Found::new(RuleId::NotifyUnusable, &action.at, message));
        }
        (None, Some(path)) => {
            let message = "\"listenerPath\" has no effect without a rule with SCMP_ACT_NOTIFY";
            found.push(Found::new(RuleId::NoEffect, &path.at, message).remove(&path.removal));
        }
        _ => {}
    }
    if let (Some(data), None) = (&document.listener_metadata, &document.listener_path) {
        let message = "\"listenerMetadata\" has no effect without a \"listenerPath\"";
        found.push(Found::new(RuleId::NoEffect, &data.at, message).remove(&data.removal));
    }
}

fn flag(flag: &Located<String>) -> Option<Found> {
    match flag.value.as_str() {
        LOG => None,
        SPEC_ALLOW => {
            let message = "SECCOMP_FILTER_FLAG_SPEC_ALLOW switches a guard of the kernel off";
            Some(Found::new(RuleId::WeakeningFlag, &flag.at, message))
        }
        TSYNC => {
            let message = "runc ignores SECCOMP_FILTER_FLAG_TSYNC";
            Some(Found::new(RuleId::IgnoredFlag, &flag.at, message).remove(&flag.removal))
        }
        WAIT_KILLABLE => {
            let message = "runc refuses SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";
            Some(Found::new(RuleId::UnknownFlag, &flag.at, message))
        }
        other => {
            let meant = did_you_mean(other, [LOG, SPEC_ALLOW]);
            let message = format!("runc refuses the flag {}{meant}", quoted(other));
            Some(Found::new(RuleId::UnknownFlag, &flag.at, message))
        }
    }
}
