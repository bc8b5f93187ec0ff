//! What real servers lose in throughput and latency while they are watched: attached to, as in
//! production.
//!
//! A server has the first processor and its load the last, so that the scheduler does not choose
//! anew in each round; who watches runs where there is room.

use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Bench;
use super::calls::{BOTH_ENDS, EMPTY, bpftrace};
use super::container::Container;
use super::figures::{Comparison, Table, Variant};
use super::tracer::Looker;
use crate::shell::output;

const LISTENS: Duration = Duration::from_secs(30);

/// The server's processor.
const FIRST: &str = "0";

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
    loads: Vec<Load>,
}

struct Load {
    title: &'static str,
    /// Of the tables of throughput, latency and processor time.
    ids: [&'static str; 3],
    run: fn(address: &str, length: Length) -> Result<Told>,
}

/// By what makes the load.
struct Told {
    requests: f64,
    a_second: f64,
    /// 99 in 100 take no longer.
    milliseconds: f64,
}

/// Of a load: shorter in a quick run and under what takes ten times as long, and first of all as a
/// start, which is not measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Start,
    Short,
    Long,
}

fn of_server(bench: &Bench, server: &Server) -> Result<Vec<Table>> {
    let container = started(server)?;
    let address = container.address()?;
    let long = if bench.quick {
        Length::Short
    } else {
        Length::Long
    };
    let load = |length| -> Result<Vec<f64>> {
        let mut values = Vec::new();
        for load in &server.loads {
            (load.run)(&address, Length::Start)?;
            let before = container.processor_microseconds()?;
            let told = (load.run)(&address, length)?;
            let took = container.processor_microseconds()? - before;
            values.extend([told.a_second, told.milliseconds, took / told.requests]);
        }
        Ok(values)
    };
    let beside = |looker: Looker, length| -> Result<Vec<f64>> {
        let found = load(length)?;
        looker.interrupted().map(|_| found)
    };
    let empty = |words: &[&str]| -> Result<Vec<f64>> {
        let looker = bench.empty(words)?;
        let found = load(long)?;
        looker.released().map(|_| found)
    };
    let variants = vec![
        Variant::ours("untraced", || load(long)),
        Variant::ours(EMPTY, || empty(&[])),
        Variant::ours(BOTH_ENDS, || empty(&["both-ends"])),
        Variant::ours("profiler", || {
            let mut command = Command::new(&bench.profiler);
            command
                .args(["record", "--container", &container.name, "-o"])
                .arg(bench.folder.join("attached"));
            let looker = Looker::start(&mut command, "attached to")?;
            let found = load(long)?;
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
    let mut rows = bench
        .rounds(3, 11)
        .measure(3 * server.loads.len(), variants)?
        .into_iter();
    let tables = server.loads.iter().flat_map(|load| {
        let [throughput, latency, processor] = load.ids;
        let mut table = |id, what: &str, unit, comparison, about: &str| Table {
            id,
            title: format!("{}{what}", load.title),
            unit,
            comparison,
            about: about.into(),
            rows: rows.next().unwrap_or_default(),
        };
        [
            table(
                throughput,
                "",
                "requests a second",
                Comparison::Share,
                THROUGHPUT,
            ),
            table(
                latency,
                ": latency",
                "ms, 99 in 100 requests",
                Comparison::Times,
                "",
            ),
            table(
                processor,
                ": processor time of the server",
                "µs a request",
                Comparison::Added {
                    by: Some(BOTH_ENDS),
                },
                "A steadier figure: it does not count what the server waits for.",
            ),
        ]
    });
    Ok(tables.collect())
}

const THROUGHPUT: &str = "Aimed at: at least 0.97 of the untraced. The load comes from the same machine, \
    from a process that is not watched. A container that others started has a filter, so refusals are \
    watched too: what that can cost least is empty programs at both ends.";

fn redis() -> Server {
    Server {
        image: "profiler-test/redis",
        port: 6379,
        loads: vec![
            Load {
                title: "Redis, SET",
                ids: ["redis", "redis-latency", "redis-processor"],
                run: |address, length| redis_benchmark(address, length, 1),
            },
            Load {
                title: "Redis, SET, 16 in a pipeline",
                ids: [
                    "redis-pipelined",
                    "redis-pipelined-latency",
                    "redis-pipelined-processor",
                ],
                run: |address, length| redis_benchmark(address, length, 16),
            },
        ],
    }
}

fn redis_benchmark(address: &str, length: Length, pipeline: u32) -> Result<Told> {
    let batches = match length {
        Length::Start => 5_000,
        Length::Short => 20_000,
        Length::Long => 100_000,
    };
    let requests = batches * pipeline;
    let printed = output(
        load_of("redis-benchmark")?
            .args(["-h", address, "-t", "set", "--csv"])
            .args(["-n", &requests.to_string()])
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
    Ok(Told {
        requests: requests.into(),
        a_second: field(1)?,
        milliseconds: field(6)?,
    })
}

fn nginx() -> Server {
    Server {
        image: "profiler-test/nginx",
        port: 80,
        loads: vec![Load {
            title: "nginx, a small page",
            ids: ["nginx", "nginx-latency", "nginx-processor"],
            run: wrk,
        }],
    }
}

fn wrk(address: &str, length: Length) -> Result<Told> {
    // It knows no less than a second.
    let duration = match length {
        Length::Start | Length::Short => "1s",
        Length::Long => "2s",
    };
    let printed = output(
        load_of("wrk")?
            .args(["--latency", "-t1", "-c16", "-d", duration])
            .arg(format!("http://{address}/")),
    )?;
    if printed.contains("Non-2xx") {
        bail!("nginx refused requests: {printed}");
    }
    let found = |read: &dyn Fn(&str) -> Option<&str>, name: &str| -> Result<&str> {
        let found = printed.lines().map(str::trim).find_map(read);
        found
            .map(str::trim)
            .with_context(|| format!("wrk told no {name}: {printed}"))
    };
    //   12345 requests in 2.00s, 9.99MB read
    let requests = found(
        &|line| Some(line.split_once(" requests in ")?.0),
        "requests",
    )?;
    let a_second = found(&|line| line.strip_prefix("Requests/sec:"), "rate")?;
    let slowest = found(&|line| line.strip_prefix("99%"), "latency")?;
    Ok(Told {
        requests: requests.parse()?,
        a_second: a_second.parse()?,
        milliseconds: milliseconds(slowest)?,
    })
}

/// As wrk has times: `712.00us`, `1.23ms`, `1.02s`.
fn milliseconds(text: &str) -> Result<f64> {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];
    let found = units
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor));
    found.with_context(|| format!("no time: {text:?}"))
}

/// On the last processor.
fn load_of(program: &str) -> Result<Command> {
    let last = std::thread::available_parallelism()?.get() - 1;
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &last.to_string(), program]);
    Ok(command)
}

/// Returns once it listens.
fn started(server: &Server) -> Result<Container> {
    let port = server.port.to_string();
    let container = Container::start(&port, &["--cpuset-cpus", FIRST, server.image])?;
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
