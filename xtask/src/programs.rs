//! `cargo xtask programs`: the little C programs that the tests record, into `target/programs`.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell::{run, workspace};

/// Source under `tests/programs` without `.c` (but for `-i386`, `-musl`), flags, and what the flags are
/// for.
const PROGRAMS: [(&str, &[&str], &str); 33] = [
    (
        "answers",
        &["-static"],
        "what a filter answers to every call",
    ),
    (
        "arguments",
        &["-static", "-pthread"],
        "arguments that are noted, by threads too",
    ),
    (
        "arguments-i386",
        &["-m32", "-static", "-pthread"],
        "the same by the i386 ABI",
    ),
    ("beyond", &["-static"], "numbers past the set's end"),
    ("bomb", &["-static"], "more processes than it may have"),
    (
        "call",
        &["-static"],
        "few calls besides those that it is told",
    ),
    ("capable", &["-static"], "one capability at a time"),
    ("chain", &["-static"], "a moving target"),
    ("daemonise", &["-static"], "outlives its parent"),
    (
        "filtered",
        &["-static", "-pthread"],
        "a filter before it is attached to",
    ),
    (
        "elsewhere",
        &["-pthread"],
        "what libcs call by different names",
    ),
    (
        "elsewhere-musl",
        &["-pthread"],
        "the same with the other libc",
    ),
    ("forking", &[], "dynamically linked, forks, vforks, execs"),
    (
        "forms",
        &["-static"],
        "calls that are many, harmless or as an attack makes them",
    ),
    (
        "getppid",
        &["-static", "-nostdlib", "-fno-stack-protector"],
        "two calls, no libc",
    ),
    ("hostile", &["-static"], "names that a terminal obeys"),
    ("i386", &["-m32", "-static"], "the i386 ABI, whole"),
    ("nested", &["-static"], "cgroups below its own"),
    ("oom", &["-static"], "killed for its memory"),
    ("only", &["-static"], "one capability and no other"),
    (
        "opportunistic",
        &["-static"],
        "capabilities asked for and not needed",
    ),
    ("port", &["-static"], "a port that may need a capability"),
    (
        "port-i386",
        &["-m32", "-static"],
        "the same, by the i386 ABI",
    ),
    ("price", &["-static"], "what a call costs"),
    ("probe", &["-static"], "runs in any image"),
    ("reach", &["-static"], "an address that may be out of reach"),
    (
        "repeat",
        &["-static", "-pthread"],
        "known calls, for as long as it runs",
    ),
    ("secure", &["-static"], "whether its exec gained anything"),
    ("static", &["-static"], "no dynamic loader"),
    ("storm", &["-static"], "short processes: no loader's calls"),
    ("stray", &["-static"], "numbers that no table has"),
    ("threaded", &["-pthread"], "dynamically linked, threads"),
    ("x32", &["-static"], "the x32 ABI's numbers"),
];

pub(crate) fn programs() -> Result<()> {
    let out = workspace().join("target/programs");
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    for (name, flags, _) in PROGRAMS {
        let (source, compiler) = match name.strip_suffix("-musl") {
            Some(source) => (source, "musl-gcc"),
            None => (name.trim_end_matches("-i386"), "gcc"),
        };
        let source = workspace()
            .join("tests/programs")
            .join(source)
            .with_extension("c");
        // Beside it first: a program that is running cannot be written over.
        let fresh = out.join(format!(".{name}"));
        run(Command::new(compiler)
            .args(["-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror"])
            .args(flags)
            .arg("-o")
            .arg(&fresh)
            .arg(&source))?;
        fs::rename(&fresh, out.join(name))?;
    }
    Ok(())
}
