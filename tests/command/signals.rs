//! Signals and terminals: the command gets its own, and we survive them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

use profiler_tests::wait_until;

use super::{Place, exits, signal, started, text};

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
    wait_until("exec of sleep", || {
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
    wait_until(what, || {
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
