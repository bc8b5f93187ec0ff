//! Capabilities that not every engine knows: what each program needs and no more, and the kernel's
//! refusal without it.

use std::process::Command;

use profiler::generator;
use profiler::names::CAPABILITIES;
use profiler_tests::{Ran, program, run};

use super::record;

/// Root with these capabilities and no others.
fn run_with(capabilities: &[&str], name: &str) -> Ran {
    let number = |name: &&str| {
        let full = format!("CAP_{name}");
        CAPABILITIES.iter().position(|known| *known == full)
    };
    // By number: setpriv may be older than the name.
    let added = capabilities
        .iter()
        .map(|name| format!(",+cap_{}", number(name).unwrap()));
    let set: String = std::iter::once("-all".to_owned()).chain(added).collect();
    run(Command::new("setpriv")
        .args(["--bounding-set", &set])
        .arg(program("capable"))
        .arg(name))
}

fn expect_needs(name: &str) {
    let recording = record(&[program("capable").to_str().unwrap(), name]);
    let (list, _) = generator::capabilities(&[recording], None).unwrap();
    assert_eq!(list.add, [name]);
    run_with(&[name], name).expect_code(0);
    run_with(&[], name).expect_code(1);
}

#[test]
fn a_queue_for_bpf_programs_needs_bpf() {
    expect_needs("BPF");
}

#[test]
fn measuring_a_processor_needs_perfmon() {
    expect_needs("PERFMON");
}

#[test]
fn following_what_is_mapped_needs_checkpoint_restore() {
    expect_needs("CHECKPOINT_RESTORE");
}
