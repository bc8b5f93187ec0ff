//! One life of a subject, as a recording of one run.

use std::time::{Duration, SystemTime};

use crate::collector::{self, RunClock};
use crate::commands::here;
use crate::kernel::{self, Facts, Observer, ScopeId};
use crate::recording::{
    self, Capabilities, CgroupMode, Confinement, Engine, FORMAT, Host, Outcome, Recording, Run,
    RunContainer, Status, Subject, Text, VERSION,
};

/// What a subject is, and what it runs under.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::commands) struct About {
    pub(super) subject: Subject,
    pub(super) engine: Option<Engine>,
    pub(super) confinement: Confinement,
}

impl About {
    /// Whether lives of both are runs of one recording.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.subject.is_same(&other.subject) && self.confinement == other.confinement
    }
}

/// One life of a subject: a run, while it is watched.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Life {
    pub(super) scope: ScopeId,
    pub(super) about: About,
    /// Nanoseconds of CLOCK_BOOTTIME.
    pub(super) started_ns: u64,
    pub(super) container: Option<RunContainer>,
    /// The command line that the engine runs as a health check.
    pub(super) health_check: Option<Vec<Text>>,
    pub(super) from_birth: bool,
}

/// How a life ended, or how far it had come.
#[derive(Clone, Debug)]
pub(in crate::commands) struct End {
    /// Nanoseconds of CLOCK_BOOTTIME; `None`: it goes on.
    pub(super) ended_ns: Option<u64>,
    pub(super) outcome: Outcome,
}

impl End {
    pub(in crate::commands) fn now(outcome: Outcome) -> Self {
        Self {
            ended_ns: Some(kernel::boot_time_ns()),
            outcome,
        }
    }
}

/// What all runs of a session have in common.
pub(in crate::commands) struct Provenance {
    host: Host,
    /// Read once, so that a run's start is the same in every checkpoint: it tells a run from others.
    booted: SystemTime,
    capability_hook: Option<&'static str>,
    counts_unshown_checks: bool,
    sees_ports: bool,
}

impl Provenance {
    pub(in crate::commands) fn here(
        cgroup: CgroupMode,
        observer: &Observer,
    ) -> anyhow::Result<Self> {
        let since_boot = Duration::from_nanos(kernel::boot_time_ns());
        Ok(Self {
            booted: SystemTime::now()
                .checked_sub(since_boot)
                .unwrap_or(SystemTime::UNIX_EPOCH),
            host: here::host(cgroup)?,
            capability_hook: observer.capability_hook(),
            counts_unshown_checks: observer.counts_unshown_checks(),
            sees_ports: observer.sees_ports(),
        })
    }

    /// As a recording of its own.
    pub(in crate::commands) fn recording(
        &self,
        observer: &Observer,
        life: &Life,
        facts: &Facts,
        end: End,
    ) -> Recording {
        let clock = RunClock {
            run: 1,
            started_ns: life.started_ns,
        };
        let (sessions, session_ids) =
            collector::sessions(clock, &facts.sessions, life.health_check.as_deref());
        let any_check = facts
            .programs
            .iter()
            .any(|program| !program.capabilities.is_empty());
        let checks = if any_check {
            let symbols = observer.symbols();
            collector::capability_checks(clock, &facts.programs, &session_ids, symbols)
        } else {
            Vec::new()
        };
        let now_ns = kernel::boot_time_ns();
        let started = self.booted + Duration::from_nanos(life.started_ns);
        let until = end.ended_ns.unwrap_or(now_ns);
        let About {
            subject,
            engine,
            confinement,
        } = life.about.clone();
        let runs = vec![Run {
            id: clock.run,
            started: humantime::format_rfc3339_nanos(started).to_string(),
            duration_ms: until.saturating_sub(life.started_ns) / 1_000_000,
            container: life.container.clone(),
            from_birth: life.from_birth,
            to_end: end.ended_ns.is_some(),
            outcome: end.outcome,
        }];
        Recording {
            format: FORMAT.to_owned(),
            version: VERSION,
            status: Status::Complete,
            tool: here::tool(),
            assumptions: recording::assumptions(&subject, &confinement, &runs),
            subject,
            host: self.host.clone(),
            engine,
            confinement,
            runs,
            sessions,
            architectures: collector::architectures(clock, &facts.programs, &session_ids),
            capabilities: Capabilities {
                observed_by: self.capability_hook.map(str::to_owned),
                unshown_counted: self.counts_unshown_checks,
                checks,
                low_ports: self
                    .sees_ports
                    .then(|| collector::low_ports(clock, &facts.programs, &session_ids)),
            },
            gains: Some(collector::gains(clock, &facts.programs, &session_ids)),
            losses: recording::Losses::default(),
        }
    }
}
