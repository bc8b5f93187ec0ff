//! `target::command` against the kernel; needs root.
#![expect(clippy::unwrap_used, reason = "tests, and their helpers")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A cgroup and files of a test's own, removed with it.
struct Place {
    cgroup: PathBuf,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let unified = mounts
            .lines()
            .find_map(|line| {
                let fields: Vec<_> = line.split(' ').collect();
                (fields[2] == "cgroup2").then(|| fields[1])
            })
            .expect("no cgroup v2 is mounted");
        let cgroup =
            Path::new(unified).join(format!("profiler-test-{}-{count}", std::process::id()));
        fs::create_dir(&cgroup).expect("these tests need root");
        Self {
            cgroup,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn report(&self) -> String {
        fs::read_to_string(self.file("report")).unwrap()
    }

    fn processes(&self) -> String {
        fs::read_to_string(self.cgroup.join("cgroup.procs")).unwrap()
    }

    /// `argv` under the open filter.
    fn command(&self, argv: &[&str]) -> Command {
        self.with("stop:2000", OPEN, "-", argv)
    }

    fn with(&self, rule: &str, profile: &str, nnp: &str, argv: &[&str]) -> Command {
        let file = self.file("profile.json");
        fs::write(&file, profile).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_run-command"));
        command
            .arg(&self.cgroup)
            .arg(self.file("report"))
            .arg(rule)
            .arg(file)
            .args([nnp, "--"])
            .args(argv)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::write(self.cgroup.join("cgroup.kill"), "1");
        // The kernel lets go of the last process a little later than its parent does.
        let removed = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            fs::remove_dir(&self.cgroup).is_ok()
        });
        assert!(
            removed || std::thread::panicking(),
            "{} stays",
            self.cgroup.display()
        );
    }
}

const OPEN: &str = r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#;

/// Denies `names` with EPERM.
fn without(names: &str) -> String {
    format!(
        r#"{{"defaultAction": "SCMP_ACT_ALLOW",
             "syscalls": [{{"names": ["{names}"], "action": "SCMP_ACT_ERRNO"}}]}}"#
    )
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn exits(place: &Place, output: &Output, code: i32) {
    assert_eq!(
        output.status.code(),
        Some(code),
        "{}: {}",
        place.report(),
        text(&output.stderr)
    );
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn exit_code_and_streams_are_the_commands_own() {
    let place = Place::new();
    let mut child = place
        .command(&["sh", "-c", "cat; echo to stderr >&2; exit 7"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"through stdin\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    exits(&place, &output, 7);
    assert_eq!(text(&output.stdout), "through stdin\n");
    assert_eq!(text(&output.stderr), "to stderr\n");
}

#[test]
fn a_signals_exit_code_is_128_and_its_number() {
    let place = Place::new();
    let output = place
        .command(&["sh", "-c", "kill -SEGV $$"])
        .output()
        .unwrap();
    exits(&place, &output, 128 + libc::SIGSEGV);
}

#[test]
fn it_runs_in_the_cgroup_and_behind_the_filter() {
    let place = Place::new();
    let output = place
        .command(&["cat", "/proc/self/cgroup", "/proc/self/status"])
        .output()
        .unwrap();
    exits(&place, &output, 0);
    let shown = text(&output.stdout);
    let name = place.cgroup.file_name().unwrap().to_str().unwrap();
    assert!(shown.contains(&format!("0::/{name}\n")), "{shown}");
    assert!(shown.contains("Seccomp:\t2\n"), "{shown}");
    assert!(shown.contains("Seccomp_filters:\t1\n"), "{shown}");
    assert!(shown.contains("NoNewPrivs:\t0\n"), "{shown}");
    assert!(
        place.report().contains("no_new_privileges: false"),
        "{}",
        place.report()
    );
}

#[test]
fn the_filter_denies() {
    let place = Place::new();
    let profile = without("getppid");
    let run = |profile: &str| {
        let output = place
            .with("stop:0", profile, "-", &["sh", "-c", "echo $PPID"])
            .output()
            .unwrap();
        exits(&place, &output, 0);
        text(&output.stdout).trim().to_owned()
    };
    assert_eq!(run(&profile), "-1");
    assert_ne!(run(OPEN), "-1");
}

#[test]
fn no_new_privileges_is_set_when_asked_for_and_when_needed() {
    let place = Place::new();
    let argv = ["grep", "NoNewPrivs", "/proc/self/status"];
    let asked = place.with("stop:0", OPEN, "nnp", &argv).output().unwrap();
    assert_eq!(text(&asked.stdout), "NoNewPrivs:\t1\n");
    assert!(place.report().contains("no_new_privileges: true"));

    // CAP_SYS_ADMIN dropped for good.
    let direct = place.with("stop:0", OPEN, "-", &argv);
    let needed = Command::new("setpriv")
        .args(["--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"])
        .arg(direct.get_program())
        .args(direct.get_args())
        .output()
        .unwrap();
    assert_eq!(
        text(&needed.stdout),
        "NoNewPrivs:\t1\n",
        "{}",
        text(&needed.stderr)
    );
    assert!(place.report().contains("no_new_privileges: true"));
}

#[test]
fn a_command_that_cannot_start_is_126_or_127() {
    let place = Place::new();
    let plain = place.file("plain");
    fs::write(&plain, "no program").unwrap();
    let garbage = place.file("garbage");
    fs::write(&garbage, "\x7fno program").unwrap();
    fs::set_permissions(&garbage, fs::Permissions::from_mode(0o755)).unwrap();
    let script = place.file("script");
    fs::write(&script, "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    for (argv0, code, says) in [
        ("no-such-command", 127, "command not found: no-such-command"),
        ("/no/such/command", 127, "/no/such/command"),
        (plain.to_str().unwrap(), 126, "Permission denied"),
        ("/etc", 126, "/etc"),
        (garbage.to_str().unwrap(), 126, "#!/bin/sh"),
        (script.to_str().unwrap(), 126, "interpreter"),
    ] {
        let output = place.command(&[argv0]).output().unwrap();
        exits(&place, &output, code);
        assert!(place.report().contains(says), "{}", place.report());
        assert_eq!(place.processes(), "");
    }
}

#[test]
fn a_cgroup_that_is_not_there_is_ours() {
    let mut place = Place::new();
    let real = place.cgroup.clone();
    place.cgroup = "/sys/fs/cgroup/no-such".into();
    let output = place.command(&["true"]).output().unwrap();
    exits(&place, &output, 125);
    assert!(
        place.report().contains("/sys/fs/cgroup/no-such"),
        "{}",
        place.report()
    );
    place.cgroup = real;
}

#[test]
fn a_filter_that_refuses_exec_has_a_clear_end() {
    let place = Place::new();
    let nothing = |action: &str| format!(r#"{{"defaultAction": "{action}"}}"#);
    for (profile, how) in [
        (without("execve"), "EPERM"),
        (nothing("SCMP_ACT_ERRNO"), "EPERM"),
        (nothing("SCMP_ACT_KILL"), "SIGSYS"),
        (nothing("SCMP_ACT_KILL_PROCESS"), "SIGSYS"),
        (nothing("SCMP_ACT_TRAP"), "SIGSYS"),
    ] {
        let output = place
            .with("stop:0", &profile, "-", &["true"])
            .output()
            .unwrap();
        exits(&place, &output, 126);
        let report = place.report();
        assert!(
            report.contains("refused to start true") && report.contains(how),
            "{report}"
        );
    }
    // Killed after exec: that is the command's own end.
    let profile = r#"{"defaultAction": "SCMP_ACT_KILL_PROCESS",
        "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}"#;
    let output = place
        .with("stop:0", profile, "-", &["true"])
        .output()
        .unwrap();
    exits(&place, &output, 128 + libc::SIGSYS);
}

/// Without signals 32 and 33: glibc keeps them to itself, and its posix_spawn leaves them ignored
/// where its fork does not.
fn signal_sets(status: &str) -> Vec<(String, u64)> {
    let set = |line: &str| {
        let (name, set) = line.split_once(":\t").unwrap();
        let set = u64::from_str_radix(set, 16).unwrap();
        (name.to_owned(), set & !(0b11 << 31))
    };
    status.lines().map(set).collect()
}

#[test]
fn signals_and_masks_do_not_leak() {
    let place = Place::new();
    let argv = ["grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"];
    let mut direct = Command::new(argv[0]);
    direct.args(&argv[1..]);
    let mut under = place.command(&argv);
    let same = |direct: &mut Command, under: &mut Command| {
        let [direct, under] =
            [direct, under].map(|command| signal_sets(text(&command.output().unwrap().stdout)));
        assert_eq!(under, direct);
        direct
    };
    let plain = same(&mut direct, &mut under);

    // As under nohup, and with a mask of the caller's own.
    let odd = || {
        // SAFETY: async-signal-safe calls on a set that lives here.
        unsafe {
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            let mut mask: libc::sigset_t = std::mem::zeroed();
            libc::sigaddset(&raw mut mask, libc::SIGUSR1);
            libc::sigprocmask(libc::SIG_BLOCK, &raw const mask, std::ptr::null_mut());
        }
        Ok(())
    };
    for command in [&mut direct, &mut under] {
        // SAFETY: as above.
        unsafe { command.pre_exec(odd) };
    }
    assert_ne!(same(&mut direct, &mut under), plain);
}

/// Says `ready`, then the name of each signal; ends on the first with code 3.
const TELL_SIGNALS: &str = "
    for s in HUP INT QUIT TERM; do trap \"echo $s; exit 3\" $s; done
    echo ready; while :; do sleep 0.1; done";

fn started(mut command: Command) -> Child {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 6];
    let stdout = child.stdout.as_mut().unwrap();
    stdout.read_exact(&mut ready).unwrap();
    assert_eq!(text(&ready), "ready\n");
    child
}

fn signal(child: &Child, signal: i32) {
    let pid = i32::try_from(child.id()).unwrap();
    // SAFETY: our own child, not yet waited for.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

#[test]
fn signals_sent_to_us_reach_the_command_and_we_survive() {
    for (number, name) in [
        (libc::SIGINT, "INT"),
        (libc::SIGTERM, "TERM"),
        (libc::SIGHUP, "HUP"),
        (libc::SIGQUIT, "QUIT"),
    ] {
        let place = Place::new();
        let child = started(place.command(&["sh", "-c", TELL_SIGNALS]));
        signal(&child, number);
        let output = child.wait_with_output().unwrap();
        exits(&place, &output, 3);
        assert_eq!(text(&output.stdout), format!("{name}\n"));
    }
}

#[test]
fn a_command_that_a_signal_ends_has_its_code_reported() {
    let place = Place::new();
    let child = started(place.command(&["sh", "-c", "echo ready; exec sleep 60"]));
    until("exec of sleep", || {
        place.processes().lines().any(|pid| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm == "sleep\n")
        })
    });
    signal(&child, libc::SIGTERM);
    let output = child.wait_with_output().unwrap();
    exits(&place, &output, 128 + libc::SIGTERM);
}

/// A process group leader with the slave as its controlling terminal.
fn on_a_terminal(mut command: Command) -> (Child, fs::File) {
    let (mut master, mut slave) = (0, 0);
    // SAFETY: the two places outlive the call; the rest is left to the kernel.
    let opened = unsafe {
        libc::openpty(
            &raw mut master,
            &raw mut slave,
            std::ptr::null_mut(),
            std::ptr::null(),
            std::ptr::null(),
        )
    };
    assert_eq!(opened, 0);
    // SAFETY: fresh descriptors.
    let [master, slave] = [master, slave].map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    command
        .stdin(slave.try_clone().unwrap())
        .stdout(slave.try_clone().unwrap())
        .stderr(slave.try_clone().unwrap());
    // SAFETY: async-signal-safe calls.
    unsafe {
        command.pre_exec(|| {
            libc::setsid();
            libc::ioctl(0, libc::TIOCSCTTY, 0);
            Ok(())
        })
    };
    let child = command.spawn().unwrap();
    (child, master.into())
}

fn read_until(terminal: &mut fs::File, what: &str) -> String {
    let mut all = String::new();
    let mut buffer = [0; 256];
    until(what, || {
        let mut poll = libc::pollfd {
            fd: terminal.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one entry that outlives the call.
        if unsafe { libc::poll(&raw mut poll, 1, 100) } == 1
            && let Ok(count) = terminal.read(&mut buffer)
        {
            all.push_str(text(&buffer[..count]));
        }
        all.contains(what)
    });
    all
}

#[test]
fn ctrl_c_reaches_the_command_once() {
    let place = Place::new();
    let counting = "n=0; trap 'n=$((n+1)); echo got $n' INT
        echo ready; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done; echo in all $n; exit $n";
    let (mut child, mut terminal) = on_a_terminal(place.command(&["sh", "-c", counting]));
    read_until(&mut terminal, "ready");
    terminal.write_all(b"\x03").unwrap();
    let shown = read_until(&mut terminal, "in all");
    assert!(shown.contains("in all 1"), "{shown}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(place.report().contains("exit_code: 1"));
}

#[test]
fn ctrl_z_stops_both_and_a_continue_brings_both_back() {
    let place = Place::new();
    // A session leader that is the terminal's only group is never stopped: hence a shell around,
    // with job control.
    let inner = place.command(&["sh", "-c", "echo ready; sleep 1; echo done; exit 5"]);
    let line: Vec<String> = std::iter::once(inner.get_program())
        .chain(inner.get_args())
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        &format!("set -m; {}; echo stopped; fg; echo code $?", line.join(" ")),
    ]);
    let (mut child, mut terminal) = on_a_terminal(shell);
    read_until(&mut terminal, "ready");
    terminal.write_all(b"\x1a").unwrap();
    let shown = read_until(&mut terminal, "code");
    let (before, after) = shown.split_once("stopped").expect("the shell went on");
    assert!(!before.contains("done"), "{shown}");
    assert!(after.contains("done"), "{shown}");
    assert!(
        shown.contains("code 5") || read_until(&mut terminal, "\n").contains('5'),
        "{shown}"
    );
    assert!(child.wait().unwrap().success());
}

const DAEMON: &str = "setsid sleep 60 >/dev/null 2>&1 & setsid sleep 60 >/dev/null 2>&1 & exit 4";

#[test]
fn a_daemon_is_stopped() {
    let place = Place::new();
    let output = place.command(&["sh", "-c", DAEMON]).output().unwrap();
    exits(&place, &output, 4);
    assert!(
        place.report().contains("found: 2, end: Terminated"),
        "{}",
        place.report()
    );
    assert_eq!(place.processes(), "");
}

#[test]
fn a_daemon_that_ignores_sigterm_is_killed() {
    let place = Place::new();
    let deaf = "(trap '' TERM; sleep 60) >/dev/null 2>&1 & exit 0";
    let output = place
        .with("stop:300", OPEN, "-", &["sh", "-c", deaf])
        .output()
        .unwrap();
    exits(&place, &output, 0);
    let report = place.report();
    assert!(report.contains("end: Killed("), "{report}");
    assert_eq!(place.processes(), "");
}

#[test]
fn a_stopped_daemon_is_ended_too() {
    let place = Place::new();
    let stopped = "sleep 60 >/dev/null 2>&1 & kill -STOP $!";
    let output = place.command(&["sh", "-c", stopped]).output().unwrap();
    exits(&place, &output, 0);
    assert!(
        place.report().contains("found: 1, end: Terminated"),
        "{}",
        place.report()
    );
}

#[test]
fn a_daemon_in_a_nested_cgroup_is_found() {
    let place = Place::new();
    let nested = place.cgroup.join("nested");
    let script = format!(
        "mkdir {0}; sh -c 'echo $$ > {0}/cgroup.procs; exec sleep 60' >/dev/null 2>&1 & sleep 0.5",
        nested.display()
    );
    let output = place.command(&["sh", "-c", &script]).output().unwrap();
    exits(&place, &output, 0);
    assert!(
        place.report().contains("found: 1, end: Terminated"),
        "{}",
        place.report()
    );
    fs::remove_dir(nested).unwrap();
}

#[test]
fn a_daemon_is_waited_for() {
    let place = Place::new();
    let daemon = "(sleep 1; echo the daemon wrote) & exit 4";
    let output = place
        .with("wait:100", OPEN, "-", &["sh", "-c", daemon])
        .output()
        .unwrap();
    exits(&place, &output, 4);
    assert_eq!(text(&output.stdout), "the daemon wrote\n");
    assert!(
        place.report().contains("ByThemselves"),
        "{}",
        place.report()
    );
}

#[test]
fn a_signal_ends_the_wait_for_a_daemon() {
    let place = Place::new();
    let command = place.with(
        "wait:2000",
        OPEN,
        "-",
        &["sh", "-c", "sleep 60 & echo ready; exit 4"],
    );
    let child = started(command);
    until("the end of sh", || place.processes().lines().count() == 1);
    std::thread::sleep(Duration::from_millis(500));
    signal(&child, libc::SIGTERM);
    let output = child.wait_with_output().unwrap();
    exits(&place, &output, 4);
    assert!(
        place.report().contains("found: 1, end: Terminated"),
        "{}",
        place.report()
    );
}

#[test]
fn what_ends_by_itself_at_once_is_no_leftover() {
    let place = Place::new();
    let output = place
        .command(&["sh", "-c", "sleep 0.05 & exit 0"])
        .output()
        .unwrap();
    exits(&place, &output, 0);
    assert!(
        place.report().contains("leftovers: None"),
        "{}",
        place.report()
    );
}

#[test]
fn arguments_and_environment_arrive_byte_for_byte() {
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::new();
    let odd = std::ffi::OsStr::from_bytes(b"a b\xff\n*");
    let output = place
        .command(&["sh", "-c", r#"printf '%s|%s' "$1" "$ODD""#, "sh"])
        .arg(odd)
        .env("ODD", odd)
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"a b\xff\n*|a b\xff\n*");
    assert!(output.status.signal().is_none());
}
