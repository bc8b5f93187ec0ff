//! Where it runs makes no difference to what is told: no colours where nobody sees them, and nothing else in CI.

use std::path::PathBuf;
use std::process::Command;

use profiler_tests::{Ran, file, profiler, run};

const VERBS: [&str; 11] = [
    "record", "generate", "explain", "merge", "coverage", "verify", "diff", "lint", "floor",
    "harden", "schema",
];

/// All verbs that need no root, and of all the help.
fn commands() -> Vec<Vec<PathBuf>> {
    let recording = file("golden/container.recording.json");
    let again = file("golden/container-again.recording.json");
    let profile = file("golden/lint/by-hand.json");
    let words = |words: &[&str], files: &[&PathBuf]| {
        let words = words.iter().map(PathBuf::from);
        words.chain(files.iter().copied().cloned()).collect()
    };
    let mut commands = vec![
        words(&["explain"], &[&recording]),
        words(&["coverage"], &[&recording]),
        words(&["generate"], &[&recording]),
        words(&["merge", "-o", "/dev/null"], &[&recording, &again]),
        words(&["diff"], &[&recording, &again]),
        words(&["diff", "--format", "markdown"], &[&profile, &recording]),
        words(&["diff", "--format", "sarif"], &[&recording, &profile]),
        words(&["lint"], &[&profile]),
        words(&["lint", "--format", "markdown"], &[&profile]),
        words(&["lint", "--format", "sarif"], &[&profile]),
        words(&["lint", "--rules"], &[]),
        words(&["schema", "lint"], &[]),
        words(&["--help"], &[]),
        words(&["nonsense"], &[]),
        words(&["diff", "--nonsense"], &[]),
    ];
    commands.extend(VERBS.map(|verb| words(&[verb, "--help"], &[])));
    commands
}

fn ran(arguments: &[PathBuf], surround: impl Fn(&mut Command)) -> Ran {
    let mut command = profiler();
    command.env_remove("NO_COLOR").env_remove("TERM");
    surround(&mut command);
    run(command.args(arguments))
}

#[test]
fn a_pipe_gets_no_colours_and_ci_the_same() {
    for arguments in commands() {
        let plain = ran(&arguments, |_| {});
        assert!(
            !(plain.stdout.clone() + &plain.stderr).contains('\x1b'),
            "{plain:?}"
        );
        for (name, value) in [("CI", "true"), ("NO_COLOR", "1"), ("TERM", "dumb")] {
            let other = ran(&arguments, |command| {
                command.env(name, value);
            });
            let both = [&plain, &other].map(|ran| (ran.code, &ran.stdout, &ran.stderr));
            assert_eq!(both[0], both[1], "{name}={value}");
        }
    }
}

/// On a terminal help has colours, unless nobody wants them; results have none anywhere.
#[test]
fn a_terminal_gets_none_where_none_are_wanted() {
    let shown = |arguments: &[PathBuf], no_color: bool| {
        let words = arguments.iter().map(|word| word.display().to_string());
        let line = shell_words::join(
            std::iter::once(profiler_tests::profiler_path().display().to_string()).chain(words),
        );
        let mut command = Command::new("script");
        command
            .args(["-qec", &line, "/dev/null"])
            .env("TERM", "xterm")
            .env_remove("NO_COLOR");
        if no_color {
            command.env("NO_COLOR", "1");
        }
        run(&mut command).stdout
    };
    for arguments in commands() {
        let plain = shown(&arguments, true);
        assert!(!plain.is_empty(), "{arguments:?}");
        assert!(!plain.contains('\x1b'), "{arguments:?}: {plain:?}");
        let is_clap_s = arguments.iter().any(|word| {
            let word = word.to_string_lossy();
            word == "--help" || word.contains("nonsense")
        });
        assert_eq!(
            shown(&arguments, false).contains('\x1b'),
            is_clap_s,
            "{arguments:?}"
        );
    }
}
