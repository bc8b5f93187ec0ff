//! What real servers lose in throughput and latency while they are watched: attached to, as in
//! production.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Bench;
use super::calls::{bpftrace, stop};
use super::figures::{Comparison, Table, Variant, in_turn};
use super::tracer::{Looker, hierarchy};
use crate::shell::{output, run};

pub(super) fn measure(bench: &Bench) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for server in [redis(bench), nginx(bench)] {
        tables.extend(of_server(bench, &server)?);
    }
    Ok(tables)
}

struct Server<'a> {
    image: &'static str,
    /// Id and title of a table of the throughput, id and title of one of the latency; each load
    /// has both.
    tables: Vec<[(&'static str, &'static str); 2]>,
    load: Load<'a>,
}

/// Throughput and p99 in milliseconds of each load, of the server at this address.
type Load<'a> = Box<dyn Fn(&str) -> Result<Vec<[f64; 2]>> + 'a>;

fn of_server(bench: &Bench, server: &Server<'_>) -> Result<Vec<Table>> {
    let container = Container::start(server.image)?;
    // Warms it up, and shows that it answers.
    (server.load)(&container.address)?;
    let load = || -> Result<Vec<f64>> { Ok((server.load)(&container.address)?.concat()) };
    let recordings = bench.folder.join("servers");
    let rounds = if bench.quick { 3 } else { 9 };
    let variants = vec![
        Variant::ours("untraced", load),
        Variant::ours("profiler", || {
            let mut command = Command::new(&bench.profiler);
            command
                .args(["record", "--container", &container.name, "-o"])
                .arg(&recordings);
            let looker = Looker::start(&mut command, "attached to")?;
            let found = load()?;
            super::recorded(looker)?;
            Ok(found)
        }),
        Variant::peer("bpftrace, counting by call", || {
            let looker = bpftrace(&container.cgroup()?)?;
            let found = load()?;
            stop(looker)?;
            Ok(found)
        }),
        Variant::peer("perf trace", || {
            let processes = container.processes()?.join(",");
            let mut command = Command::new("perf");
            command.args(["trace", "-o", "/dev/null", "-p", &processes]);
            let looker = Looker::start_silent(&mut command, Duration::from_secs(1))?;
            let found = load()?;
            stop(looker)?;
            Ok(found)
        }),
        Variant::peer("strace -f", || {
            let mut command = Command::new("strace");
            command.args(["-f", "-o", "/dev/null"]);
            for process in container.processes()? {
                command.args(["-p", &process]);
            }
            let looker = Looker::start(&mut command, "attached")?;
            let found = load()?;
            stop(looker)?;
            Ok(found)
        }),
    ];
    let rows = in_turn(rounds, 2 * server.tables.len(), variants)?;
    let titles = server.tables.iter().flatten();
    let tables = titles.zip(rows).enumerate().map(|(place, ((id, title), rows))| {
        let is_latency = place % 2 == 1;
        Table {
            id,
            title: (*title).into(),
            unit: if is_latency {
                "ms, 99 in 100 requests"
            } else {
                "requests a second"
            },
            comparison: if is_latency {
                Comparison::Times
            } else {
                Comparison::Share
            },
            about: if is_latency {
                String::new()
            } else {
                "Aimed at: at least 0.97 of the untraced. The load comes from the same machine, from a \
                 process that is not watched."
                    .into()
            },
            rows,
        }
    });
    Ok(tables.collect())
}

fn redis(bench: &Bench) -> Server<'_> {
    let count = if bench.quick { 20_000 } else { 200_000 };
    let load = move |address: &str, pipeline: u32| -> Result<[f64; 2]> {
        let requests = (count * pipeline).to_string();
        let printed = output(
            Command::new("redis-benchmark")
                .args(["-h", address, "-t", "set", "--csv", "-n", &requests])
                .args(["-P", &pipeline.to_string()]),
        )?;
        // "test","rps","avg_latency_ms","min_latency_ms","p50_…","p95_…","p99_…","max_…"
        let line = printed.lines().last().unwrap_or_default();
        let field = |place: usize| -> Result<f64> {
            let text = line.split(',').nth(place).unwrap_or_default();
            text.trim_matches('"')
                .parse()
                .with_context(|| line.to_owned())
        };
        Ok([field(1)?, field(6)?])
    };
    Server {
        image: "profiler-test/redis",
        tables: vec![
            [
                ("redis", "Redis, SET"),
                ("redis-latency", "Redis, SET: latency"),
            ],
            [
                ("redis-pipelined", "Redis, SET, 16 in a pipeline"),
                (
                    "redis-pipelined-latency",
                    "Redis, SET, 16 in a pipeline: latency",
                ),
            ],
        ],
        load: Box::new(move |address| Ok(vec![load(address, 1)?, load(address, 16)?])),
    }
}

fn nginx(bench: &Bench) -> Server<'_> {
    let duration = if bench.quick { "1s" } else { "4s" };
    Server {
        image: "profiler-test/nginx",
        tables: vec![[
            ("nginx", "nginx, a small page"),
            ("nginx-latency", "nginx, a small page: latency"),
        ]],
        load: Box::new(move |address| {
            let printed = output(
                Command::new("wrk")
                    .args(["--latency", "-t1", "-c16", "-d", duration])
                    .arg(format!("http://{address}/")),
            )?;
            let field = |name: &str| -> Result<&str> {
                let found = printed
                    .lines()
                    .find_map(|line| line.trim().strip_prefix(name));
                Ok(found
                    .with_context(|| format!("wrk told no {name}: {printed}"))?
                    .trim())
            };
            Ok(vec![[
                field("Requests/sec:")?.parse()?,
                milliseconds(field("99%")?)?,
            ]])
        }),
    }
}

/// As wrk has times: `712.00us`, `1.23ms`, `1.02s`.
fn milliseconds(text: &str) -> Result<f64> {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];
    let found = units
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor));
    found.with_context(|| format!("no time: {text:?}"))
}

/// Removed in the end.
struct Container {
    name: String,
    address: String,
}

impl Container {
    fn start(image: &str) -> Result<Self> {
        let name = format!(
            "profiler-bench-{}-{}",
            image.rsplit('/').next().unwrap_or_default(),
            std::process::id()
        );
        output(Command::new("docker").args(["run", "-d", "--name", &name, image]))?;
        let mut container = Self {
            name,
            address: String::new(),
        };
        container.address =
            container.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")?;
        // Until it listens.
        std::thread::sleep(Duration::from_secs(2));
        Ok(container)
    }

    fn inspect(&self, format: &str) -> Result<String> {
        output(Command::new("docker").args(["inspect", "-f", format, &self.name]))
    }

    /// In the v2 hierarchy.
    fn cgroup(&self) -> Result<PathBuf> {
        let first = self.inspect("{{.State.Pid}}")?;
        let groups = std::fs::read_to_string(format!("/proc/{first}/cgroup"))?;
        let path = groups.lines().find_map(|line| line.strip_prefix("0::/"));
        let path = path.context("the container is in no cgroup of v2")?;
        Ok(hierarchy()?.join(path))
    }

    fn processes(&self) -> Result<Vec<String>> {
        let list = self.cgroup()?.join("cgroup.procs");
        let processes = std::fs::read_to_string(Path::new(&list))?;
        Ok(processes.lines().map(str::to_owned).collect())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = run(Command::new("docker")
            .args(["rm", "-f", &self.name])
            .stdout(std::process::Stdio::null()));
    }
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn times_of_wrk_are_read() {
        for (text, time) in [("1.50ms", 1.5), ("500.00us", 0.5), ("2.00s", 2000.0)] {
            assert!((milliseconds(text).unwrap() - time).abs() < 1e-9, "{text}");
        }
        assert!(milliseconds("fast").is_err());
    }
}
