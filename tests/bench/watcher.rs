//! What `cargo xtask bench` cannot do by the command line: an empty program, thousands of scopes,
//! cgroups that come and go. Results are JSON, a line each.
//!
//! watcher empty [both-ends] [count-runs]
//! watcher scopes COUNT CGROUP FOLDER [count-runs]
//! watcher births COUNT FOLDER [unwatched]
//! watcher walks PROCESS CALL ARGUMENT…
//!
//! The first two say what they have set up and stay until their stdin ends. CGROUP is one of the
//! scopes; the others are made in FOLDER, and removed again. With count-runs the kernel's own clock
//! tells how long the program at a call's entry took. The last asks how many instructions of the filter
//! of PROCESS the kernel goes through for a call with these first arguments: 0 where it remembers that
//! it is allowed.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use profiler::collector;
use profiler::kernel::{Boundary, Capacity, Observer, Watch};
use profiler::names;
use profiler::profile::interpret::{self, SeccompData};
use profiler_common::Abi;
use profiler_tests::bpf::{EmptyProgram, count_runs, loaded_programs, maps_memory};
use profiler_tests::filter;
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    let counts_runs = words.pop_if(|last| *last == "count-runs").is_some();
    match words[..] {
        ["empty"] => empty(&["sys_enter"], counts_runs),
        ["empty", "both-ends"] => empty(&["sys_enter", "sys_exit"], counts_runs),
        ["scopes", count, cgroup, folder] => scopes(
            count.parse()?,
            Path::new(cgroup),
            Path::new(folder),
            counts_runs,
        ),
        ["walks", process, call, ref arguments @ ..] => walks(process.parse()?, call, arguments),
        ["births", count, folder] => births(count.parse()?, Path::new(folder), true),
        ["births", count, folder, "unwatched"] => births(count.parse()?, Path::new(folder), false),
        _ => bail!("not so: see the head of tests/bench/watcher.rs"),
    }
}

fn empty(hooks: &[&str], counts_runs: bool) -> anyhow::Result<()> {
    let programs = hooks
        .iter()
        .map(|hook| EmptyProgram::attach(hook).with_context(|| format!("at {hook}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let counting = counts_runs.then(count_runs).transpose()?;
    until_told(&json!({}));
    if counting.is_some() {
        println!("{}", json!({"ns_a_run": mean_run("")?}));
    }
    drop(programs);
    Ok(())
}

fn scopes(count: usize, cgroup: &Path, folder: &Path, counts_runs: bool) -> anyhow::Result<()> {
    let others: Vec<Made> = (1..count)
        .map(|number| Made::new(folder.join(format!("scope-{number}"))))
        .collect::<anyhow::Result<_>>()?;
    let began = Instant::now();
    let mut observer = load(if count < 10 {
        Capacity::Few
    } else {
        Capacity::Many
    })?;
    let loaded = began.elapsed();
    let began = Instant::now();
    let mut watched = vec![observer.watch(id(cgroup)?, Boundary::Exec)?];
    for other in &others {
        watched.push(observer.watch(id(&other.0)?, Boundary::Exec)?);
    }
    let registered = began.elapsed();
    let counting = counts_runs.then(count_runs).transpose()?;
    until_told(&json!({
        "load_ms": ms(loaded),
        "register_ms": ms(registered),
        "kernel_kib": maps_memory() / 1024,
        "user_kib": resident_kib()?,
    }));
    let began = Instant::now();
    let facts = observer.facts_of(&watched)?;
    let programs = facts.values().flat_map(|facts| &facts.programs);
    let mut result = json!({
        "read_ms": ms(began.elapsed()),
        "calls": programs.map(|program| program.calls.len()).sum::<usize>(),
    });
    assert_complete(&observer)?;
    if counting.is_some() {
        result["ns_a_run"] = mean_run("sys_enter")?.into();
    }
    println!("{result}");
    Ok(())
}

/// Cgroups that are made below a watched parent and removed at once, as an engine's are in the end.
fn births(count: u32, folder: &Path, watched: bool) -> anyhow::Result<()> {
    let mut observer = watched.then(|| load(Capacity::Many)).transpose()?;
    if let Some(observer) = &mut observer {
        observer.watch_children(id(folder)?, Boundary::Container)?;
    }
    let (mut seen, began) = (0, Instant::now());
    for number in 1..=count {
        drop(Made::new(folder.join(format!("born-{number}")))?);
        // As often as `record` looks.
        if let Some(observer) = &mut observer
            && (number % 100 == 0 || number == count)
        {
            seen += release(observer)?;
        }
    }
    let took = began.elapsed();
    if let Some(observer) = &observer {
        ensure!(
            u32::try_from(seen)? == count,
            "{seen} of {count} cgroups were seen"
        );
        assert_complete(observer)?;
    }
    println!(
        "{}",
        json!({"us_each": ms(took) * 1000.0 / f64::from(count)})
    );
    Ok(())
}

fn walks(process: i32, call: &str, words: &[&str]) -> anyhow::Result<()> {
    let number = names::number(Abi::X86_64, call);
    let number = number.with_context(|| format!("no call is named {call:?}"))?;
    let mut arguments = [0; 6];
    for (argument, word) in arguments.iter_mut().zip(words) {
        *argument = word.parse()?;
    }
    let data = SeccompData::new(Abi::X86_64, number, arguments);
    let program = filter::of_process(process).context("cannot read its filter")?;
    let instructions = match program {
        Some(program) => {
            let walk = interpret::walk(&program, &data)?;
            ensure!(
                walk.answer == libc::SECCOMP_RET_ALLOW,
                "{call}({words:?}) is answered {:#x}",
                walk.answer
            );
            if walk.looks_further {
                walk.instructions
            } else {
                0
            }
        }
        None => 0,
    };
    println!("{}", json!({"instructions": instructions}));
    Ok(())
}

/// Those that have ended; how many they were.
fn release(observer: &mut Observer) -> anyhow::Result<usize> {
    let scopes = observer.scopes();
    let ended: Vec<_> = scopes
        .iter()
        .filter(|scope| scope.ended_ns.is_some())
        .map(|scope| scope.scope)
        .collect();
    observer.facts_of(&ended)?;
    observer.release(&ended)?;
    Ok(ended.len())
}

fn load(capacity: Capacity) -> anyhow::Result<Observer> {
    Ok(Observer::load(Watch {
        denials: false,
        capacity,
    })?)
}

fn assert_complete(observer: &Observer) -> anyhow::Result<()> {
    let lost = collector::losses(&observer.losses()?, 0);
    match lost.in_words() {
        Some(lost) => bail!("not everything was kept: {lost}"),
        None => Ok(()),
    }
}

/// Nanoseconds that a run of the program took on average, over all calls of the machine.
fn mean_run(program: &str) -> anyhow::Result<u64> {
    let programs = loaded_programs();
    let found = programs.iter().find(|loaded| loaded.name == program);
    let found = found.with_context(|| format!("{program:?} is not loaded"))?;
    Ok(found.run_time_ns / found.runs.max(1))
}

/// Of a cgroup: its folder's inode number.
fn id(folder: &Path) -> anyhow::Result<u64> {
    let metadata = fs::metadata(folder).with_context(|| folder.display().to_string())?;
    Ok(metadata.ino())
}

/// A cgroup, removed again.
struct Made(PathBuf);

impl Made {
    fn new(folder: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self(folder))
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // Nothing ran in it.
        let _ = fs::remove_dir(&self.0);
    }
}

fn until_told(set_up: &Value) {
    println!("{set_up}");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn resident_kib() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let value = line.context("no VmHWM in /proc/self/status")?;
    Ok(value.trim().trim_end_matches(" kB").parse()?)
}
