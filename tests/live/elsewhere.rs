//! A profile that was recorded with one libc, under another: it passes where `--portable` was said,
//! and fails where it was not.

use std::path::{Path, PathBuf};

use profiler_tests::{Ran, assert_root, file, profiler, program, run};

/// The program that was recorded, and what makes it run on another libc.
struct Recorded(tempfile::TempDir);

impl Recorded {
    fn of(name: &str) -> Self {
        assert_root();
        let recorded = Self(tempfile::tempdir().unwrap());
        run(profiler()
            .args(["record", "-o"])
            .arg(recorded.file("recording.json"))
            .arg("--")
            .arg(program(name)))
        .expect_code(0);
        recorded
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn verify(&self, options: &[&str], command: &[&Path]) -> Ran {
        let profile = self.file("profile.json");
        run(profiler()
            .arg("generate")
            .arg(self.file("recording.json"))
            .args(options)
            .arg("-o")
            .arg(&profile))
        .expect_code(0);
        run(profiler()
            .arg("verify")
            .arg(&profile)
            .arg("--")
            .args(command))
    }
}

#[test]
fn each_libc_passes_under_the_portable_profile_of_the_other() {
    for (one, other, differs) in [
        ("elsewhere", "elsewhere-musl", "denied: writev (x86_64)"),
        ("elsewhere-musl", "elsewhere", "denied: openat (x86_64)"),
    ] {
        let recorded = Recorded::of(one);
        let other = program(other);
        let plain = recorded.verify(&[], &[&other]).expect_code(1);
        assert!(plain.stderr.contains(differs), "{}", plain.stderr);
        for options in [
            &["--portable=libc"][..],
            &["--portable", "--args", "all"],
            &["--portable=libc", "--args", "off"],
        ] {
            for command in [&other, &program(one)] {
                recorded.verify(options, &[command]).expect_code(0);
            }
        }
    }
}

/// Its new calls are answered ENOSYS, and it falls back to what was seen or is called instead.
#[test]
fn a_newer_libc_falls_back() {
    let recorded = Recorded::of("elsewhere");
    let newer = file("../target/tools/glibc");
    let loader = newer.join("ld-linux-x86-64.so.2");
    let place = Path::new("--library-path");
    let command: [&Path; 4] = [&loader, place, &newer, &program("elsewhere")];
    let ran = recorded
        .verify(&["--portable=libc"], &command)
        .expect_code(0);
    let answered = "answered ENOSYS, as the profile says: clone3 1";
    assert!(ran.stderr.contains(answered), "{}", ran.stderr);
}
