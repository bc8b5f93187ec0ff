//! Which measures there are for a container, by what its runs showed.

use std::collections::BTreeSet;

use super::mounts::{Writable, writable};
use super::tables::{HARDENING, Margin};
use super::{Kind, Look, Measure, Way};
use crate::cli::RunOptions;
use crate::recording::{Phase, Recording, Text};
use crate::words::list;

const MIB: u64 = 1 << 20;
/// AF_UNIX, AF_NETLINK: what stays inside, or asks the kernel of its own network.
const INSIDE: [u32; 2] = [1, 16];
/// RLIMIT_NOFILE
const DESCRIPTORS: u32 = 7;

/// What the unrestricted runs showed.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    pub given: &'a RunOptions,
    /// As the image names it; empty for root.
    pub image_user: &'a str,
    pub look: &'a Look,
    pub recording: &'a Recording,
}

/// One of each kind, in the order in which they are to be tried.
pub fn plan(evidence: &Evidence<'_>) -> Vec<Measure> {
    vec![
        no_new_privileges(evidence),
        read_only(evidence),
        user(evidence),
        memory(evidence),
        processes(evidence),
        descriptors(evidence),
        network(evidence),
        ports(evidence),
    ]
}

fn no_new_privileges(evidence: &Evidence<'_>) -> Measure {
    let of = |because: &str, ways| Measure::new(Kind::NoNewPrivileges, because, ways);
    let asks = |option: &String| option.starts_with("no-new-privileges");
    if evidence.given.security_opt.iter().any(asks) {
        return of("it is given already", Vec::new());
    }
    let gains = evidence.recording.gains.as_deref();
    if gains.is_some_and(|gains| !gains.is_empty()) {
        return of(
            "a program gained privileges by its set-id bit or its file capabilities",
            Vec::new(),
        );
    }
    let options = RunOptions {
        security_opt: vec!["no-new-privileges".into()],
        ..RunOptions::default()
    };
    of(
        "no program gained privileges by a set-id bit or file capabilities",
        vec![options],
    )
}

fn read_only(evidence: &Evidence<'_>) -> Measure {
    let of = |because: String, ways| Measure::new(Kind::ReadOnlyRoot, because, ways);
    if evidence.given.read_only {
        return of("it is given already".into(), Vec::new());
    }
    let folders = match writable(evidence.look) {
        Ok(folders) => folders,
        Err(path) => {
            let path = Text::from(path);
            return of(
                format!("{path} is written, and nothing mounts over the root"),
                Vec::new(),
            );
        }
    };
    let because = if folders.is_empty() {
        "nothing was written to it".to_owned()
    } else {
        let paths = folders
            .iter()
            .map(|folder| Text::from(folder.path.as_str()).to_string());
        format!("written were files in {}", list(paths))
    };
    let way = |is_temporary: &dyn Fn(&Writable) -> bool| {
        let (temporary, lasting): (Vec<_>, Vec<_>) =
            folders.iter().partition(|folder| is_temporary(folder));
        RunOptions {
            read_only: true,
            tmpfs: temporary
                .iter()
                .map(|folder| tmpfs(folder, evidence.recording))
                .collect(),
            volume: lasting.iter().map(|folder| folder.path.clone()).collect(),
            ..RunOptions::default()
        }
    };
    let mut ways = vec![way(&|folder| HARDENING.temporary(&folder.path).is_some())];
    // A volume begins with what the image has there, a tmpfs with nothing.
    if !ways[0].tmpfs.is_empty() {
        ways.push(way(&|_| false));
    }
    of(because, ways)
}

fn tmpfs(folder: &Writable, recording: &Recording) -> String {
    let executed = executables(recording).any(|exe| {
        let exe = exe.to_string();
        std::path::Path::new(&exe).starts_with(&folder.path)
    });
    let exec = if executed { "exec" } else { "noexec" };
    let size = HARDENING.margins.tmpfs_mib.above(folder.size.div_ceil(MIB));
    format!("{}:rw,{exec},nosuid,nodev,size={size}m", folder.path)
}

fn executables(recording: &Recording) -> impl Iterator<Item = &Text> {
    let calls = recording
        .architectures
        .values()
        .flat_map(|calls| calls.values());
    calls
        .flat_map(|call| &call.callers)
        .filter_map(|caller| caller.exe.as_ref())
}

fn user(evidence: &Evidence<'_>) -> Measure {
    let of = |because: String, ways| Measure::new(Kind::User, because, ways);
    let given = evidence
        .given
        .user
        .as_deref()
        .unwrap_or(evidence.image_user);
    if !is_root(given) {
        return of(
            format!("it runs as {} already", Text::from(given)),
            Vec::new(),
        );
    }
    let as_user = |user: String| RunOptions {
        user: Some(user),
        ..RunOptions::default()
    };
    let became: BTreeSet<String> = evidence
        .look
        .tasks
        .iter()
        .filter(|task| task.user != 0)
        .map(|task| format!("{}:{}", task.user, task.group))
        .collect();
    if became.is_empty() {
        let nobody = &HARDENING.nobody;
        let because = format!("it never became another user; {}", nobody.reason);
        return of(because, vec![as_user(nobody.user.clone())]);
    }
    let because = format!("its processes became {}", list(&became));
    of(because, became.into_iter().map(as_user).collect())
}

fn is_root(user: &str) -> bool {
    let user = user.split(':').next().unwrap_or(user);
    matches!(user, "" | "0" | "root")
}

fn memory(evidence: &Evidence<'_>) -> Measure {
    limit(
        Kind::Memory,
        evidence.given.memory.is_some(),
        evidence.look.peaks.memory.map(|bytes| bytes.div_ceil(MIB)),
        "MiB",
        &HARDENING.margins.memory_mib,
        |options, limit| options.memory = Some(format!("{limit}m")),
    )
}

fn processes(evidence: &Evidence<'_>) -> Measure {
    limit(
        Kind::Processes,
        evidence.given.pids_limit.is_some(),
        evidence.look.peaks.processes,
        "processes and threads",
        &HARDENING.margins.processes,
        |options, limit| options.pids_limit = i64::try_from(limit).ok(),
    )
}

fn descriptors(evidence: &Evidence<'_>) -> Measure {
    let given = &evidence.given.ulimit;
    // Where it raises its own limit, what it gets decides how many clients it takes.
    if sets_its_limit(evidence.recording) {
        let because = "it sets its own limit, and may take that for how many clients it can serve";
        return Measure::new(Kind::Descriptors, because, Vec::new());
    }
    limit(
        Kind::Descriptors,
        given.iter().any(|limit| limit.starts_with("nofile")),
        evidence.look.peaks.descriptors,
        "descriptors of one process",
        &HARDENING.margins.descriptors,
        |options, limit| options.ulimit.push(format!("nofile={limit}:{limit}")),
    )
}

fn sets_its_limit(recording: &Recording) -> bool {
    arguments(recording, "prlimit64", 1).contains(&DESCRIPTORS)
        || recording
            .architectures
            .values()
            .any(|calls| calls.contains_key("setrlimit"))
}

fn limit(
    kind: Kind,
    is_given: bool,
    peak: Option<u64>,
    of_what: &str,
    margin: &Margin,
    set: impl FnOnce(&mut RunOptions, u64),
) -> Measure {
    if is_given {
        return Measure::new(kind, "it is given already", Vec::new());
    }
    let Some(peak) = peak else {
        return Measure::new(
            kind,
            "this engine does not count it for its containers",
            Vec::new(),
        );
    };
    let mut options = RunOptions::default();
    set(&mut options, margin.above(peak));
    let because = format!(
        "at most {peak} {of_what} were seen; {} times that, and {} at least: {}",
        margin.factor, margin.least, margin.reason
    );
    Measure::new(kind, because, vec![options])
}

fn network(evidence: &Evidence<'_>) -> Measure {
    let of = |because: &str, ways| Measure::new(Kind::Network, because, ways);
    let given = evidence.given;
    if given.network.is_some() {
        return of("what network it has is given", Vec::new());
    }
    if !given.publish.is_empty() {
        return of("it publishes ports, which takes a network", Vec::new());
    }
    let listening = &evidence.look.listening;
    if !listening.is_empty() {
        let because = format!(
            "it listens on {}",
            list(listening.iter().map(ToString::to_string))
        );
        return of(&because, vec![Way::internal()]);
    }
    let none = RunOptions {
        network: Some("none".into()),
        ..RunOptions::default()
    };
    let domains = arguments(evidence.recording, "socket", 0);
    let because = if domains.iter().any(|domain| !INSIDE.contains(domain)) {
        "it opens sockets to a network, and listens on none that others reach"
    } else {
        "it opens no socket to a network"
    };
    of(because, vec![none, Way::internal()])
}

/// With which values of an argument the container's programs made a call. Where that was not noted,
/// one that nobody takes for harmless.
fn arguments(recording: &Recording, call: &str, index: u8) -> BTreeSet<u32> {
    let calls = recording
        .architectures
        .values()
        .filter_map(|calls| calls.get(call));
    let callers = calls.flat_map(|call| &call.callers);
    callers
        .filter(|caller| caller.phase != Phase::Runtime)
        .flat_map(|caller| {
            let noted = caller.arguments.as_ref().filter(|noted| !noted.overflowed);
            let place = |one: &crate::recording::NotedArgument| one.index == index;
            match noted.and_then(|all| Some((all, all.noted.iter().position(place)?))) {
                Some((all, place)) => all
                    .combinations
                    .iter()
                    .map(|values| values[place])
                    .collect(),
                None => vec![u32::MAX],
            }
        })
        .collect()
}

fn ports(evidence: &Evidence<'_>) -> Measure {
    let of = |because: &str, ways| Measure::new(Kind::Ports, because, ways);
    let given = &evidence.given.publish;
    if given.is_empty() {
        return of("none are published", Vec::new());
    }
    let publish: Vec<String> = given.iter().map(|port| on_this_machine(port)).collect();
    if publish == *given {
        return of("each names an address already", Vec::new());
    }
    let options = RunOptions {
        publish,
        ..RunOptions::default()
    };
    of(
        "published on all addresses, they are reachable from other machines",
        vec![options],
    )
}

/// `[[IP:]HOST:]CONTAINER[/PROTOCOL]`
fn on_this_machine(port: &str) -> String {
    match port.matches(':').count() {
        0 => format!("127.0.0.1::{port}"),
        1 => format!("127.0.0.1:{port}"),
        _ => port.to_owned(),
    }
}

#[cfg(test)]
mod tests;
