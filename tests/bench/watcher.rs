//! What `cargo xtask bench` cannot do by the command line: an empty program, thousands of scopes,
//! cgroups that come and go. Results are JSON, a line each.
//!
//! watcher empty
//! watcher scopes COUNT CGROUP FOLDER [count-runs]
//! watcher births COUNT FOLDER [unwatched]
//!
//! The first two say what they have set up and stay until their stdin ends. CGROUP is one of the
//! scopes; the others are made in FOLDER, and removed again.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use profiler::collector;
use profiler::kernel::{Boundary, Capacity, Observer, Watch};
use profiler_tests::bpf::{EmptyProgram, count_runs, loaded_programs, maps_memory};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["empty"] => {
            let program = EmptyProgram::attach().context("cannot attach an empty program")?;
            until_told(&json!({}));
            drop(program);
            Ok(())
        }
        ["scopes", count, cgroup, folder] => scopes(count, cgroup, folder, false),
        ["scopes", count, cgroup, folder, "count-runs"] => scopes(count, cgroup, folder, true),
        ["births", count, folder] => births(count, folder, true),
        ["births", count, folder, "unwatched"] => births(count, folder, false),
        _ => bail!("not so: see the head of tests/bench/watcher.rs"),
    }
}

fn scopes(count: &str, cgroup: &str, folder: &str, counts_runs: bool) -> anyhow::Result<()> {
    let others: Vec<Made> = (1..count.parse()?)
        .map(|number| Made::new(Path::new(folder).join(format!("scope-{number}"))))
        .collect::<anyhow::Result<_>>()?;
    let began = Instant::now();
    let mut observer = load()?;
    let loaded = began.elapsed();
    let began = Instant::now();
    let mut watched = vec![observer.watch(id(Path::new(cgroup))?, Boundary::Exec)?];
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
    let read = began.elapsed();
    let mut result = json!({
        "read_ms": ms(read),
        "calls": facts.values().flat_map(|facts| &facts.programs).map(|one| one.calls.len()).sum::<usize>(),
        "lost": lost(&observer)?,
    });
    if counting.is_some() {
        let programs = loaded_programs();
        let hot = programs.iter().find(|program| program.name == "sys_enter");
        let hot = hot.context("sys_enter is not loaded")?;
        result["ns_a_run"] = (hot.run_time_ns / hot.runs.max(1)).into();
    }
    println!("{result}");
    Ok(())
}

/// Cgroups that are made below a watched parent and removed at once, as an engine's are in the end.
fn births(count: &str, folder: &str, watched: bool) -> anyhow::Result<()> {
    let count: u32 = count.parse()?;
    let folder = Path::new(folder);
    let mut observer = watched.then(load).transpose()?;
    if let Some(observer) = &mut observer {
        observer.watch_children(id(folder)?, Boundary::Container)?;
    }
    let (mut seen, started) = (0, Instant::now());
    for number in 0..count {
        drop(Made::new(folder.join(format!("born-{number}")))?);
        // As often as `record` looks.
        if number % 100 == 99
            && let Some(observer) = &mut observer
        {
            seen += release(observer)?;
        }
    }
    if let Some(observer) = &mut observer {
        seen += release(observer)?;
    }
    let took = started.elapsed();
    println!(
        "{}",
        json!({
            "us_each": ms(took) * 1000.0 / f64::from(count),
            "seen": seen,
            "lost": observer.as_ref().map(lost).transpose()?,
        })
    );
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

fn load() -> anyhow::Result<Observer> {
    Ok(Observer::load(Watch {
        denials: false,
        capacity: Capacity::Many,
    })?)
}

fn lost(observer: &Observer) -> anyhow::Result<u64> {
    Ok(collector::losses(&observer.losses()?, 0).total())
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
