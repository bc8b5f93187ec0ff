//! The smallest program around `profiler::target::command`: a process of its own for each test,
//! so that signals sent to one reach no other.
//!
//! `run-command CGROUP REPORT RULE PROFILE NNP -- CMD…`: RULE is `stop:MS` or `wait:MS`, PROFILE a
//! file, NNP `nnp` or `-`. Writes the outcome to REPORT and exits as the command did.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use profiler::profile::{Profile, compile};
use profiler::target::Interrupts;
use profiler::target::command::{CommandSpec, Leftovers, run};

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [cgroup, report, rule, profile, nnp, dashes, argv @ ..] = arguments.as_slice() else {
        bail!("too few arguments");
    };
    anyhow::ensure!(dashes == "--", "no --");
    let profile: Profile = serde_json::from_slice(&std::fs::read(profile)?)?;
    let (rule, grace) = rule
        .to_str()
        .and_then(|rule| rule.split_once(':'))
        .context("no rule")?;
    let grace = Duration::from_millis(grace.parse()?);
    let filter = compile::compile(&profile)?.program;
    let spec = CommandSpec {
        argv,
        filter: &filter,
        cgroup: Path::new(cgroup),
        no_new_privileges: nnp == "nnp",
        leftovers: match rule {
            "stop" => Leftovers::Stop { grace },
            _ => Leftovers::Wait { grace },
        },
    };
    let interrupts = Interrupts::of_this_process()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    Ok(match runtime.block_on(run(spec, &interrupts)) {
        Ok(outcome) => {
            std::fs::write(report, format!("{outcome:?}"))?;
            ExitCode::from(u8::try_from(outcome.exit_code)?)
        }
        Err(error) => {
            std::fs::write(report, error.to_string())?;
            ExitCode::from(error.exit_code())
        }
    })
}
