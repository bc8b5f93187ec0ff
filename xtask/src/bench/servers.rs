//! What real servers lose in throughput and latency while they are watched: attached to, as in
//! production.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Bench;
use super::calls::bpftrace;
use super::figures::{Comparison, Table, Variant};
use super::tracer::{Looker, hierarchy};
use crate::shell::output;

const LISTENS: Duration = Duration::from_secs(30);

pub(super) fn measure(bench: &Bench) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for server in [redis(), nginx()] {
        tables.extend(of_server(bench, &server)?);
    }
    Ok(tables)
}

struct Server {
    image: &'static str,
    port: u16,
    /// Id and title of a table of the throughput, id and title of one of the latency; each load
    /// has both.
    tables: Vec<[(&'static str, &'static str); 2]>,
    load: fn(address: &str, length: Length) -> Result<Vec<f64>>,
}

/// Of a load: shorter under what takes ten times as long.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Short,
    Long,
}

fn of_server(bench: &Bench, server: &Server) -> Result<Vec<Table>> {
    let container = Container::start(server)?;
    let address = container.address()?;
    let long = if bench.quick {
        Length::Short
    } else {
        Length::Long
    };
    // Warms it up, and shows that it answers.
    (server.load)(&address, long)?;
    let beside = |looker: Looker, length| -> Result<Vec<f64>> {
        let found = (server.load)(&address, length)?;
        looker.interrupted().map(|_| found)
    };
    let variants = vec![
        Variant::ours("untraced", || (server.load)(&address, long)),
        Variant::ours("profiler", || {
            let mut command = Command::new(&bench.profiler);
            command
                .args(["record", "--container", &container.name, "-o"])
                .arg(bench.folder.join("attached"));
            let looker = Looker::start(&mut command, "attached to")?;
            let found = (server.load)(&address, long)?;
            super::recorded(looker).map(|()| found)
        }),
        Variant::peer("bpftrace, counting by call", || {
            beside(bpftrace(&container.cgroup()?)?, long)
        }),
        Variant::peer("perf trace", || {
            let processes = container.processes()?.join(",");
            let mut command = Command::new("perf");
            command.args(["trace", "-o", "/dev/null", "-p", &processes]);
            let looker = Looker::start_silent(&mut command, Duration::from_secs(1))?;
            beside(looker, Length::Short)
        }),
        Variant::peer("strace -f", || {
            let mut command = Command::new("strace");
            command.args(["-f", "-o", "/dev/null"]);
            for process in container.processes()? {
                command.args(["-p", &process]);
            }
            beside(Looker::start(&mut command, "attached")?, Length::Short)
        }),
    ];
    let rows = bench
        .rounds(2, 5)
        .measure(2 * server.tables.len(), variants)?;
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

fn redis() -> Server {
    Server {
        image: "profiler-test/redis",
        port: 6379,
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
        load: |address, length| {
            let plain = redis_benchmark(address, length, 1)?;
            let pipelined = redis_benchmark(address, length, 16)?;
            Ok([plain, pipelined].concat())
        },
    }
}

/// Requests a second, and p99 in milliseconds.
fn redis_benchmark(address: &str, length: Length, pipeline: u32) -> Result<[f64; 2]> {
    let batches = match length {
        Length::Short => 10_000,
        Length::Long => 100_000,
    };
    let printed = output(
        Command::new("redis-benchmark")
            .args(["-h", address, "-t", "set", "--csv"])
            .args(["-n", &(batches * pipeline).to_string()])
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
}

fn nginx() -> Server {
    Server {
        image: "profiler-test/nginx",
        port: 80,
        tables: vec![[
            ("nginx", "nginx, a small page"),
            ("nginx-latency", "nginx, a small page: latency"),
        ]],
        load: |address, length| {
            let duration = match length {
                Length::Short => "1s",
                Length::Long => "3s",
            };
            let printed = output(
                Command::new("wrk")
                    .args(["--latency", "-t1", "-c16", "-d", duration])
                    .arg(format!("http://{address}/")),
            )?;
            let field = |name: &str| -> Result<&str> {
                let mut lines = printed.lines();
                let found = lines.find_map(|line| line.trim().strip_prefix(name));
                found
                    .map(str::trim)
                    .with_context(|| format!("wrk told no {name}: {printed}"))
            };
            if printed.contains("Non-2xx") {
                bail!("nginx refused requests: {printed}");
            }
            let requests = field("Requests/sec:")?.parse()?;
            Ok(vec![requests, milliseconds(field("99%")?)?])
        },
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
}

impl Container {
    /// Returns once it listens.
    fn start(server: &Server) -> Result<Self> {
        let container = Self {
            name: format!("profiler-bench-{}-{}", std::process::id(), server.port),
        };
        output(Command::new("docker").args([
            "run",
            "-d",
            "--name",
            &container.name,
            server.image,
        ]))?;
        let address = container.address()?;
        let began = Instant::now();
        while let Err(error) = TcpStream::connect((address.as_str(), server.port)) {
            if began.elapsed() > LISTENS {
                bail!("{} does not listen: {error}", server.image);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(container)
    }

    fn address(&self) -> Result<String> {
        self.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
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
        let processes = std::fs::read_to_string(list)?;
        Ok(processes.lines().map(str::to_owned).collect())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = output(Command::new("docker").args(["rm", "-f", "-v", &self.name]));
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
