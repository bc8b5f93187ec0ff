//! What must hold of every boot.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::kernels::Kernel;
use super::machine::Boot;

/// Architecture, name, phase.
type Call = (String, String, String);
/// With which arguments, of each that are noted, each caller's.
type Calls = BTreeMap<Call, BTreeSet<String>>;

/// What the script showed on this machine.
pub(super) struct Expected {
    pub(super) calls: Calls,
    profile: String,
}

impl Expected {
    pub(super) fn read(recording: &Path, profile: &Path) -> Result<Self> {
        let recording = serde_json::from_str(&fs::read_to_string(recording)?)?;
        Ok(Self {
            calls: calls(&recording)?,
            profile: fs::read_to_string(profile)?,
        })
    }
}

/// What `tests/vm/work.sh` makes by its own account, so that this does not rest on `record` alone.
const WORKLOAD: [(&str, &str); 6] = [
    ("SCMP_ARCH_X86_64", "chroot"),
    ("SCMP_ARCH_X86_64", "symlink"),
    // In a cgroup below the watched one, and nowhere else.
    ("SCMP_ARCH_X86_64", "sync"),
    ("SCMP_ARCH_X86_64", "1000"),
    ("SCMP_ARCH_X86", "stime"),
    // By a child.
    ("SCMP_ARCH_X86", "olduname"),
];
/// With whether the kernel asks without a word to the audit log.
const CAPABILITIES: [(&str, bool); 3] = [
    ("CAP_CHOWN", false),
    ("CAP_SYS_CHROOT", false),
    // <https://github.com/gregkh/linux/blob/v6.12.107/kernel/ksyms_common.c#L36>
    ("CAP_SYSLOG", true),
];
/// Of `needs` in `tests/vm/init.sh`, with whether commoncap asks itself: before 6.17, where
/// cap_capable got its tracepoint, compilers put it into its neighbours, and no hook sees that.
const NEEDED: [(&str, bool); 5] = [
    ("SETPCAP", true),
    ("SYS_MODULE", false),
    ("SYS_RAWIO", true),
    ("SYS_RESOURCE", false),
    ("MAC_ADMIN", false),
];
/// Without a steady clock, which an emulated machine may lack, the vDSO leaves this to the kernel.
const READS_CLOCK: &str = "clock_gettime";
const NOT_OBSERVED: &str = "not observed";
/// That it asks for, by one ABI after another.
const LOW_PORTS: [u64; 4] = [1001, 1002, 1003, 1004];

/// What does not hold, a line each.
pub(super) fn check(
    kernel: &Kernel,
    lockdown: bool,
    boot: &Boot,
    here: &Expected,
) -> Result<Vec<String>> {
    let mut findings = Findings(Vec::new());
    let release = boot.read("release.stdout")?;
    findings.unless(release.starts_with(kernel.release), || {
        format!("booted {release}")
    });
    let modes = boot.read("lockdown.stdout")?;
    findings.unless(modes.contains("[confidentiality]") == lockdown, || {
        format!("/sys/kernel/security/lockdown is {modes}")
    });
    for step in ["record", "generate"] {
        findings.exit(boot, step, 0)?;
    }
    if !findings.0.is_empty() {
        return Ok(findings.0);
    }

    let recording: Value = serde_json::from_str(&boot.read("recording.json")?)?;
    check_calls(&mut findings, &calls(&recording)?, here);
    findings.unless(alike(&boot.read("profile.json")?, &here.profile), || {
        "generates another profile than this machine".to_owned()
    });
    let losses = recording["losses"].as_object().context("no losses")?;
    let is_unshown = |name: &str| ["unshown", "capability_checks"].contains(&name);
    let mut lost = losses.iter().filter(|(_, count)| **count != 0);
    // Lockdown refuses the hooks that nothing preempts.
    let may_miss = kernel.preempts_programs && lockdown;
    findings.unless(lost.all(|(name, _)| may_miss && is_unshown(name)), || {
        format!("lost: {}", recording["losses"])
    });
    check_capabilities(&mut findings, kernel, lockdown, boot)?;
    check_low_ports(&mut findings, lockdown, &recording);
    for (name, by_commoncap) in NEEDED {
        let is_seen = kernel.has_tracepoint || !by_commoncap;
        check_need(&mut findings, boot, name, is_seen)?;
    }
    let stime = &recording["architectures"]["SCMP_ARCH_X86"]["stime"];
    let exe = &in_phase(stime, "workload")
        .next()
        .context("nobody called stime")?["exe"];
    let told = if lockdown {
        // The kernel lets no program read its strings.
        Value::Null
    } else {
        "/programs/i386".into()
    };
    findings.unless(*exe == told, || format!("stime's exe is {exe}, not {told}"));
    Ok(findings.0)
}

/// Whether there is a recording, and it says that the kernel did not show all.
pub(super) fn lost_moments(boot: &Boot) -> bool {
    let recording = boot.read("recording.json").unwrap_or_default();
    let recording: Value = serde_json::from_str(&recording).unwrap_or_default();
    recording["losses"]["unshown"]
        .as_u64()
        .is_some_and(|lost| lost != 0)
}

/// The same text, but for the call of [`READS_CLOCK`], which has a line of its own.
fn alike(one: &str, other: &str) -> bool {
    let lines = |text| -> Vec<&str> {
        let lines = str::lines(text);
        lines.filter(|line| !line.contains(READS_CLOCK)).collect()
    };
    lines(one) == lines(other)
}

struct Findings(Vec<String>);

impl Findings {
    fn unless(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(what().trim_end().to_owned());
        }
    }

    fn exit(&mut self, boot: &Boot, step: &str, expected: i32) -> Result<()> {
        let code = boot.read(&format!("{step}.code"))?;
        let said = boot.read(&format!("{step}.stderr"))?;
        self.unless(code.trim() == expected.to_string(), || {
            format!("{step} ended with {}, not {expected}: {said}", code.trim())
        });
        Ok(())
    }
}

fn check_calls(findings: &mut Findings, calls: &Calls, here: &Expected) {
    for (architecture, name) in WORKLOAD {
        let call = (architecture.into(), name.into(), "workload".into());
        findings.unless(calls.contains_key(&call), || {
            format!("{architecture} {name} is missing")
        });
    }
    let all: BTreeSet<&Call> = calls.keys().chain(here.calls.keys()).collect();
    for call in all.into_iter().filter(|call| call.1 != READS_CLOCK) {
        let (architecture, name, phase) = call;
        let (there, here) = (calls.get(call), here.calls.get(call));
        findings.unless(there == here, || {
            format!(
                "{architecture} {name}, {phase}: made {}, here {}",
                told(there),
                told(here)
            )
        });
    }
}

fn told(arguments: Option<&BTreeSet<String>>) -> String {
    arguments.map_or_else(|| "never".to_owned(), |all| format!("with {all:?}"))
}

/// Its list is this one where the check is seen, and the kernel refuses it without.
fn check_need(findings: &mut Findings, boot: &Boot, name: &str, is_seen: bool) -> Result<()> {
    for (step, code) in [
        ("record", 0),
        ("capabilities", 0),
        ("alone", 0),
        ("without", 1),
    ] {
        findings.exit(boot, &format!("{step}-{name}"), code)?;
    }
    let list = boot.read(&format!("capabilities-{name}.stdout"))?;
    let list: Value = serde_json::from_str(&list).unwrap_or_default();
    if is_seen {
        findings.unless(list["add"] == serde_json::json!([name]), || {
            format!("what needs {name} has the list {}", list["add"])
        });
    } else if name == "SETPCAP" {
        let notes = list["notes"].to_string();
        findings.unless(notes.contains("add SETPCAP"), || {
            format!("nothing tells that SETPCAP was not seen: {notes}")
        });
    }
    Ok(())
}

/// Under lockdown nobody could look, and an empty list would say that there were none.
fn check_low_ports(findings: &mut Findings, lockdown: bool, recording: &Value) {
    let found = &recording["capabilities"]["low_ports"];
    let ports: Option<Vec<u64>> = found
        .as_array()
        .map(|all| all.iter().filter_map(|low| low["port"].as_u64()).collect());
    let expected = (!lockdown).then(|| LOW_PORTS.to_vec());
    findings.unless(ports == expected, || {
        format!("low ports are {found}, not {expected:?}")
    });
}

/// By the best hook, and by each of the others where the kernel has it.
fn check_capabilities(
    findings: &mut Findings,
    kernel: &Kernel,
    lockdown: bool,
    boot: &Boot,
) -> Result<()> {
    let best = if kernel.preempts_programs && !lockdown {
        "kprobe/cap_capable"
    } else {
        "fexit/cap_capable"
    };
    observed(
        findings,
        kernel,
        boot,
        "recording.json",
        "capabilities",
        best,
    )?;
    // Lockdown (confidentiality) refuses kprobes.
    for (hook, is_there) in [
        ("fexit", true),
        ("tp_btf", kernel.has_tracepoint),
        ("kprobe", !lockdown),
    ] {
        let (file, step) = (format!("{hook}.json"), format!("capabilities-{hook}"));
        findings.exit(boot, &format!("record-{hook}"), 0)?;
        if is_there {
            observed(
                findings,
                kernel,
                boot,
                &file,
                &step,
                &format!("{hook}/cap_capable"),
            )?;
        } else {
            not_observed(findings, boot, &file, &step)?;
        }
    }
    Ok(())
}

fn observed(
    findings: &mut Findings,
    kernel: &Kernel,
    boot: &Boot,
    file: &str,
    step: &str,
    hook: &str,
) -> Result<()> {
    let recording: Value = serde_json::from_str(&boot.read(file)?)?;
    let section = &recording["capabilities"];
    findings.unless(section["observed_by"] == hook, || {
        format!("{file}: observed by {}, not {hook}", section["observed_by"])
    });
    findings.exit(boot, step, 0)?;
    // Of kprobes since 6.7.
    let counted = kernel.counts_probes || !hook.starts_with("kprobe");
    findings.unless(section["unshown_counted"] == counted, || {
        format!("{file}: unshown_counted is not {counted}")
    });
    let checks = section["checks"].as_array().context("no checks")?;
    for (capability, no_audit) in CAPABILITIES {
        // The tracepoint does not tell.
        let no_audit = (hook != "tp_btf/cap_capable").then_some(no_audit);
        let granted = checks.iter().any(|check| {
            check["capability"] == capability
                && check["granted"] == true
                && check["no_audit"].as_bool() == no_audit
                && in_phase(check, "workload").next().is_some()
        });
        findings.unless(granted, || {
            format!("{file}: saw no {capability} granted with no_audit {no_audit:?}")
        });
    }
    Ok(())
}

/// Never an empty list: that would say that none is needed.
fn not_observed(findings: &mut Findings, boot: &Boot, file: &str, step: &str) -> Result<()> {
    let recording: Value = serde_json::from_str(&boot.read(file)?)?;
    let section = &recording["capabilities"];
    findings.unless(section["observed_by"].is_null(), || {
        format!("{file}: observed by {}", section["observed_by"])
    });
    let checks = section["checks"].as_array().context("no checks")?;
    findings.unless(checks.is_empty(), || {
        format!("{file}: {} checks, observed by nothing", checks.len())
    });
    findings.exit(boot, step, 125)?;
    let said = boot.read(&format!("{step}.stderr"))?;
    findings.unless(said.contains(NOT_OBSERVED), || {
        format!("{step} does not say that capabilities were {NOT_OBSERVED}: {said}")
    });
    Ok(())
}

/// The callers of a call or a capability check.
fn in_phase<'a>(seen: &'a Value, phase: &'static str) -> impl Iterator<Item = &'a Value> {
    let callers = seen["callers"].as_array().into_iter().flatten();
    callers.filter(move |caller| caller["phase"] == phase)
}

fn calls(recording: &Value) -> Result<Calls> {
    let mut calls = Calls::new();
    let architectures = recording["architectures"].as_object();
    for (architecture, by_name) in architectures.context("no architectures")? {
        for (name, call) in by_name.as_object().context("no calls")? {
            for caller in call["callers"].as_array().context("no callers")? {
                let phase = caller["phase"].as_str().context("no phase")?;
                let call = (architecture.clone(), name.clone(), phase.to_owned());
                calls.entry(call).or_default().extend(combinations(caller));
            }
        }
    }
    Ok(calls)
}

/// With the word that there were more, where there were; none where nothing is noted of the call.
fn combinations(caller: &Value) -> impl Iterator<Item = String> {
    let arguments = &caller["arguments"];
    let all = arguments["combinations"].as_array().into_iter().flatten();
    let more = (arguments["overflowed"] == true).then(|| "more".to_owned());
    all.map(Value::to_string).chain(more)
}
