//! Where it runs makes no difference to what is told: no colours where nobody sees them, and nothing else in CI.

use std::path::PathBuf;
use std::process::Command;

use profiler_tests::{Ran, file, profiler, run};

fn commands() -> Vec<Vec<PathBuf>> {
    let recording = file("golden/container.recording.json");
    let profile = file("golden/lint/by-hand.json");
    let words = |verb: &[&str], file: &PathBuf| {
        let words = verb.iter().map(PathBuf::from);
        words.chain([file.clone()]).collect()
    };
    vec![
        words(&["explain"], &recording),
        words(&["coverage"], &recording),
        words(&["generate"], &recording),
        words(&["lint"], &profile),
        words(&["lint", "--format", "markdown"], &profile),
        words(&["lint", "--format", "sarif"], &profile),
        words(&["--help"], &recording),
        words(&["nonsense"], &recording),
    ]
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

/// On a terminal help has colours, unless nobody wants them.
#[test]
fn a_terminal_gets_none_where_none_are_wanted() {
    let help = |no_color: Option<&str>| {
        let mut command = Command::new("script");
        let line = format!("{} lint --help", profiler_tests::profiler_path().display());
        command
            .args(["-qec", &line, "/dev/null"])
            .env("TERM", "xterm");
        command.env_remove("NO_COLOR");
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        run(&mut command).expect_code(0).stdout
    };
    assert!(help(None).contains('\x1b'), "a terminal shows colours");
    assert!(!help(Some("1")).contains('\x1b'));
}
