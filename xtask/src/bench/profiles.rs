//! What a profile costs the container that runs under it, as the engine loads it.
//!
//! The kernel remembers the calls that a filter allows by their number alone, and does not run it for
//! those. What a filter can cost least for another call is shown by one that looks at the arguments of
//! these calls and does nothing else; how far ours lie from it, by the instructions that the kernel
//! goes through.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Bench;
use super::container::Container;
use super::figures::{Comparison, Table, Variant};
use crate::shell::output;

const IMAGE: &str = "profiler-test/busybox";
const PROGRAM: &str = "/price";
const DEFAULT: &str = "the engine's default";

/// A mix of `tests/programs/price.c`, and a table of it.
struct Mix {
    name: &'static str,
    id: &'static str,
    what: &'static str,
    /// Its calls with their arguments, of which the filters look at some.
    calls: &'static [&'static [&'static str]],
}

const MIXES: [Mix; 3] = [
    Mix {
        name: "getppid",
        id: "profile-getppid",
        what: "getppid",
        calls: &[&["getppid"]],
    },
    Mix {
        name: "arguments",
        id: "profile-arguments",
        what: "ioctl, fcntl and prctl, whose arguments only ours rules",
        calls: &[
            &["ioctl", "0", "21531"],
            &["fcntl", "0", "1"],
            &["prctl", "3"],
        ],
    },
    Mix {
        name: "personality",
        id: "profile-personality",
        what: "personality, whose argument both rule",
        calls: &[&["personality", "4294967295"]],
    },
];

/// Of a call's arguments, which the filter that does nothing else looks at.
const LOOKED_AT: [(&str, u32); 4] = [("ioctl", 1), ("fcntl", 1), ("prctl", 0), ("personality", 0)];

pub(super) fn measure(bench: &Bench) -> Result<Vec<Table>> {
    let mounted = mounted();
    let filters = filters(bench)?;
    let words = |security: &'_ [String]| -> Vec<String> {
        let options = ["--network", "none", "-v", &mounted];
        let options = options.map(str::to_owned).into_iter();
        let program = [IMAGE, PROGRAM].map(str::to_owned);
        options.chain(security.to_vec()).chain(program).collect()
    };
    let prices = |security: &[String]| -> Result<Vec<f64>> {
        let price = |mix: &Mix| {
            let mut command = Command::new("docker");
            command.args(["run", "--rm"]).args(words(security));
            bench.price(&mut command, mix.name)
        };
        MIXES.iter().map(price).collect()
    };
    let walks = |security: &[String]| -> Result<[f64; MIXES.len()]> {
        let words = words(security);
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.extend(["getppid", "10000"]);
        let container = Container::start("walks", &words)?;
        let process = container.process()?;
        let mut found = [0.0; MIXES.len()];
        for (mean, mix) in found.iter_mut().zip(&MIXES) {
            *mean = walk(bench, &process, mix)?;
        }
        Ok(found)
    };
    let walked = filters
        .iter()
        .map(|(name, security)| walks(security).with_context(|| name.clone()))
        .collect::<Result<Vec<_>>>()?;
    let variants = filters
        .iter()
        .map(|(name, security)| Variant::ours(name.as_str(), || prices(security)))
        .collect();
    let found = bench.rounds(3, 9).measure(MIXES.len(), variants)?;
    let tables = found.into_iter().zip(&MIXES).enumerate();
    let tables = tables.map(|(place, (rows, mix))| {
        let names = filters.iter().map(|(name, _)| name);
        let told: Vec<String> = names
            .zip(&walked)
            .map(|(name, walked)| format!("{name} {:.0}", walked[place]))
            .collect();
        Table {
            id: mix.id,
            title: format!("The profile's own price: {}", mix.what),
            unit: "ns a call",
            comparison: Comparison::Added { by: Some(DEFAULT) },
            about: format!(
                "Aimed at: never dearer than the engine's default. Instructions of the loaded filter that \
                 a call goes through, 0 where the kernel remembers it: {}.",
                told.join(", ")
            ),
            rows,
        }
    });
    Ok(tables.collect())
}

/// Of the filter that the process runs under: instructions for a call of the mix.
fn walk(bench: &Bench, process: &str, mix: &Mix) -> Result<f64> {
    let mut all = 0.0;
    for call in mix.calls {
        let mut command = Command::new(&bench.watcher);
        let told = output(command.args(["walks", process]).args(*call))?;
        let told: Value = serde_json::from_str(&told)?;
        all += told["instructions"].as_f64().context("no instructions")?;
    }
    Ok(all / f64::from(u32::try_from(mix.calls.len())?))
}

/// By name, with the options of `docker run`.
fn filters(bench: &Bench) -> Result<Vec<(String, Vec<String>)>> {
    let of = |profile: String| vec!["--security-opt".to_owned(), format!("seccomp={profile}")];
    let mut filters = vec![
        ("no filter".to_owned(), of("unconfined".into())),
        (DEFAULT.to_owned(), Vec::new()),
    ];
    let generated = ["off", "safe", "all"].map(|arguments| {
        let path = bench.folder.join(format!("price-{arguments}.json"));
        (arguments, path)
    });
    generate(bench, &generated)?;
    for (arguments, path) in generated {
        let name = format!("profiler --args {arguments}");
        filters.push((name, of(path.display().to_string())));
    }
    let least = bench.folder.join("price-least.json");
    fs::write(&least, least_filter().to_string())?;
    filters.push((
        "a filter of one look at an argument".to_owned(),
        of(least.display().to_string()),
    ));
    Ok(filters)
}

/// Allows all that is measured, but not by the call's number alone.
fn least_filter() -> Value {
    const NOBODY_PASSES: u32 = 0x7ab1_e511;
    let rules = LOOKED_AT.map(|(call, index)| {
        json!({
            "names": [call],
            "action": "SCMP_ACT_ERRNO",
            "args": [{
                "index": index,
                "value": u32::MAX,
                "valueTwo": NOBODY_PASSES,
                "op": "SCMP_CMP_MASKED_EQ",
            }],
        })
    });
    json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": rules,
    })
}

/// From a recording of what is measured.
fn generate(bench: &Bench, generated: &[(&str, PathBuf)]) -> Result<()> {
    let calls = MIXES.map(|mix| format!("{PROGRAM} {} 10", mix.name));
    output(
        Command::new(&bench.profiler)
            .args(["record", "--image", IMAGE, "--network", "none"])
            .args(["-v", &mounted(), "-o"])
            .arg(bench.recording())
            .args(["--", "sh", "-c", &calls.join(" && ")]),
    )?;
    for (arguments, path) in generated {
        output(
            Command::new(&bench.profiler)
                .args(["generate", "--args", arguments, "-o"])
                .arg(path)
                .arg(bench.recording()),
        )?;
    }
    Ok(())
}

fn mounted() -> String {
    format!("{}:{PROGRAM}:ro", super::program("price").display())
}
