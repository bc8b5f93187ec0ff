//! `docker-default`: what is made of it for a container, against the engine's own.

use std::path::Path;

use profiler::profile::compile::compile;
use profiler::profile::evaluate::Evaluator;
use profiler::profile::interpret::SeccompData;
use profiler::profile::{self, Answer, Container, Profile, Runtime};
use profiler_common::Abi;
use profiler_tests::{Tag, docker, file, program};

/// A head, and 600 numbers of three ABIs but for two that no filter is asked about.
const LINES: usize = 1 + 3 * 600 - 2;

/// The engine here, as `docker-default@VERSION`: the two numbers of its version.
fn engine() -> String {
    let version = docker(&["version", "--format", "{{.Server.Version}}"]);
    let mut numbers = version.trim().split('.');
    let (major, minor) = (numbers.next().unwrap(), numbers.next().unwrap());
    format!("docker-default@{major}.{minor}")
}

/// What the filter answers to every call of the three ABIs, as the kernel has it.
fn answers(image: &Tag, options: &[String]) -> String {
    let mount = format!("{}:/answers:ro", program("answers").display());
    let mut arguments = vec![
        "run",
        "--rm",
        "--volume",
        &mount,
        "--entrypoint",
        "/answers",
    ];
    arguments.extend(options.iter().map(String::as_str));
    arguments.push(image.name());
    docker(&arguments)
}

/// The same by the evaluator. The library of this machine is the engine's.
fn evaluated(profile: &Profile, asked: &str) -> String {
    let unknown = compile(profile).unwrap().unknown;
    let evaluator = Evaluator::without(&unknown, profile, Runtime::Runc1_1).unwrap();
    let mut lines = asked.lines();
    let head = lines.next().unwrap();
    let firsts: Vec<u64> = head
        .split(' ')
        .skip(2)
        .map(|first| first.parse::<i64>().unwrap().cast_unsigned())
        .collect();
    let mut said = format!("{head}\n");
    for line in lines {
        let mut words = line.split(' ');
        let (abi, number) = (words.next().unwrap(), words.next().unwrap());
        said.extend([abi, " ", number]);
        let abi = match abi {
            "x86_64" => Abi::X86_64,
            "i386" => Abi::I386,
            "x32" => Abi::X32,
            other => panic!("{other}"),
        };
        for &first in &firsts {
            let call = SeccompData::new(abi, number.parse().unwrap(), [first, 0, 0, 0, 0, 0]);
            match evaluator.answer(&call) {
                Answer::Allow => said.push_str(" passes"),
                Answer::Errno(errno) => said.extend([" ", &errno.to_string()]),
                other => panic!("no engine's default answers {other:?}"),
            }
        }
        said.push('\n');
    }
    said
}

/// `filter`: what the engine is given to resolve; `None`: its own default.
fn expect_as_the_engine_has_it(name: &str, filter: Option<&Path>) {
    let image = Tag::of("busybox");
    let kernel = nix::sys::utsname::uname().unwrap();
    let kernel = kernel.release().to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resolved.json");
    let mut all = Vec::new();
    for (add, drop) in [
        (&[][..], &[][..]),
        (&[], &["ALL"]),
        (&["SYS_ADMIN"], &[]),
        (&["SYS_PTRACE", "SYSLOG"], &["SYS_CHROOT"]),
    ] {
        let owned = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let container = Container::with(&owned(add), &owned(drop)).unwrap();
        let read = profile::read_whole(Path::new(name), &container.on(kernel));
        let profile = read.unwrap_or_else(|error| panic!("{error}")).profile;
        std::fs::write(&path, serde_json::to_string(&profile).unwrap()).unwrap();

        let options = |filter: Option<&Path>| {
            let mut options = Vec::new();
            let of = |option: &str, names: &[&str]| {
                let each = names.iter().map(|name| format!("--{option}={name}"));
                each.collect::<Vec<_>>()
            };
            options.extend(of("cap-add", add));
            options.extend(of("cap-drop", drop));
            options.extend(filter.map(|path| format!("--security-opt=seccomp={}", path.display())));
            options
        };
        let own = answers(&image, &options(filter));
        let resolved = answers(&image, &options(Some(&path)));
        let by_evaluator = evaluated(&profile, &own);
        let each = own.lines().zip(resolved.lines()).zip(by_evaluator.lines());
        for ((own, resolved), evaluated) in each {
            assert_eq!(resolved, own, "{name} {:?}", options(None));
            assert_eq!(evaluated, own, "{name} {:?}", options(None));
        }
        assert_eq!(
            (own.lines().count(), resolved.lines().count()),
            (LINES, LINES)
        );
        assert!(
            !all.contains(&own),
            "{:?} makes no difference",
            options(None)
        );
        all.push(own);
    }
}

#[test]
fn the_engines_own_default_is_known() {
    expect_as_the_engine_has_it(&engine(), None);
}

#[test]
fn a_newer_default_is_resolved_as_the_engine_does() {
    let path = file("../profiles/engines/docker-29.4.json");
    expect_as_the_engine_has_it("docker-default@29.4", Some(&path));
}
