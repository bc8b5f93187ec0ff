//! What each program needs and no more: its list is exactly that, it passes with the list, and the
//! kernel refuses it without any one of the list. Plain `docker run` is the judge.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Command;

use profiler_tests::{Ran, Tag, assert_root, image, profiler, program, recording, run};
use tempfile::TempDir;

use super::{capability_names, generate, json};

/// So that a list which is short is short because it asked for no more. Without SYS_RESOURCE,
/// which an engine that was started without it cannot give.
const EVERYTHING: [&str; 4] = ["--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"];
/// Docker sets it to 0, where no port needs a capability.
const PORTS_AS_THE_KERNEL_HAS_THEM: [&str; 2] =
    ["--sysctl", "net.ipv4.ip_unprivileged_port_start=1024"];

/// A command and what it runs with, but for its capabilities.
struct Subject<'a> {
    command: &'a [&'a str],
    options: &'a [&'a str],
}

struct Recorded {
    folder: TempDir,
    add: Vec<String>,
    refused: Vec<String>,
}

impl Subject<'_> {
    /// Its options, the tests' own programs and a fresh folder for them.
    fn arguments(&self, data: &TempDir) -> Vec<String> {
        let mut arguments = vec!["--network".to_owned(), "none".to_owned()];
        arguments.extend(self.options.iter().map(|&option| option.to_owned()));
        let mount = |name: &str| format!("{}:/{name}:ro", program(name).display());
        let data = format!("{}:/data", data.path().display());
        for volume in [mount("capable"), mount("opportunistic"), data] {
            arguments.extend(["--volume".to_owned(), volume]);
        }
        arguments
    }

    /// With the engine's own capabilities and these changes to them.
    fn record(&self, capabilities: &[&str]) -> Recorded {
        assert_root();
        let tag = Tag::of("busybox");
        let (folder, data) = (tempfile::tempdir().unwrap(), data());
        let at = |name: &str| folder.path().join(name);
        let ran = run(profiler()
            .args(["record", "--image", tag.name(), "-o"])
            .arg(at("r.json"))
            .args(self.arguments(&data))
            .args(capabilities)
            .arg("--")
            .args(self.command));
        assert!(ran.code <= 1, "{}", ran.stderr);
        assert_eq!(recording(&at("r.json")).losses.total(), 0);
        assert_eq!(tag.containers(), Vec::<String>::new(), "left behind");

        generate(&at("r.json"), &[], &at("p.json"));
        generate(&at("r.json"), &["--format", "capabilities"], &at("c.json"));
        let list = json(&at("c.json"));
        assert_eq!(capability_names(&list, "drop"), ["ALL"]);
        let refused = match list.get("refused_when_recorded") {
            Some(_) => capability_names(&list, "refused_when_recorded"),
            None => Vec::new(),
        };
        Recorded {
            add: capability_names(&list, "add"),
            refused,
            folder,
        }
    }

    /// `docker run` with these capabilities alone, under the filter that was generated.
    fn run_with(&self, capabilities: &[&str], recorded: &Recorded) -> Ran {
        let profile = recorded.folder.path().join("p.json");
        self.docker_run(
            capabilities,
            &["--security-opt", &format!("seccomp={}", profile.display())],
        )
    }

    fn docker_run(&self, capabilities: &[&str], options: &[&str]) -> Ran {
        let data = data();
        let mut command = Command::new("docker");
        command.args(["run", "--rm", "--cap-drop", "ALL"]);
        for name in capabilities {
            command.args(["--cap-add", name]);
        }
        run(command
            .args(options)
            .args(self.arguments(&data))
            .arg(image("busybox"))
            .args(self.command))
    }

    /// Its list is this, and each of the list is needed.
    fn expect_needs(&self, names: &[&str]) {
        let recorded = self.record(&EVERYTHING);
        assert_eq!(recorded.add, names);
        self.run_with(names, &recorded).expect_code(0);
        for without in names {
            let others: Vec<_> = names
                .iter()
                .copied()
                .filter(|name| name != without)
                .collect();
            self.run_with(&others, &recorded).expect_code(1);
        }
    }

    /// Asked for what Docker's own capabilities do not have, and nothing else.
    fn expect_refused(&self, names: &[&str]) {
        let recorded = self.record(&[]);
        assert_eq!(recorded.add, Vec::<String>::new());
        assert_eq!(recorded.refused, names);
        self.run_with(&[], &recorded).expect_code(1);
    }
}

/// What `tests/programs/capable.c` works on.
fn data() -> TempDir {
    const OTHER: Option<u32> = Some(1);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (name, user, group, mode) in [
        ("own", None, None, 0o644),
        ("foreign", None, OTHER, 0o644),
        ("others", OTHER, None, 0o644),
        ("closed", OTHER, None, 0o000),
        ("other", OTHER, None, 0o4755),
    ] {
        if name == "other" {
            fs::copy(program("capable"), at(name)).unwrap();
        } else {
            File::create(at(name)).unwrap();
        }
        // A change of owner takes the set-user-ID bit away.
        chown(at(name), user, group).unwrap();
        fs::set_permissions(at(name), Permissions::from_mode(mode)).unwrap();
    }
    folder
}

/// Those that every engine can give. Tried elsewhere: PERFMON, BPF and CHECKPOINT_RESTORE (`live/`);
/// SYS_RESOURCE, SYS_MODULE and MAC_ADMIN, for which the kernel must have modules and AppArmor
/// (`cargo xtask vm`). Not tried: MAC_OVERRIDE, which only Smack asks for and Debian does not build;
/// NET_BROADCAST, which no kernel code asks for; BLOCK_SUSPEND, which nothing fails without but
/// /sys/power/wake_lock, which Debian does not build either.
mod one {
    macro_rules! each {
        ($($name:ident)*) => {$(
            #[test]
            fn $name() {
                let name = stringify!($name).to_uppercase();
                super::Subject {
                    command: &["/capable", &name],
                    options: &super::PORTS_AS_THE_KERNEL_HAS_THEM,
                }
                .expect_needs(&[&name]);
            }
        )*};
    }

    each! {
        chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
        net_bind_service net_admin net_raw ipc_lock ipc_owner sys_rawio sys_chroot sys_ptrace
        sys_pacct sys_admin sys_boot sys_nice sys_time sys_tty_config mknod lease audit_write
        audit_control audit_read setfcap syslog wake_alarm
    }
}

#[test]
fn what_the_kernel_asks_on_its_own_account_is_in_no_list() {
    let subject = Subject {
        command: &["/opportunistic"],
        options: &[],
    };
    subject.expect_needs(&[]);
}

#[test]
fn a_port_under_1024_is_free_where_the_engine_says_so() {
    let subject = Subject {
        command: &["/capable", "NET_BIND_SERVICE"],
        options: &[],
    };
    subject.expect_needs(&[]);
}

#[test]
fn a_raw_ping_needs_what_the_ping_group_does_not() {
    let raw = Subject {
        command: &["ping", "-c", "1", "127.0.0.1"],
        options: &[],
    };
    raw.expect_needs(&["NET_RAW"]);
    let by_group = Subject {
        command: &["/capable", "ping"],
        options: &["--sysctl", "net.ipv4.ping_group_range=0 0"],
    };
    by_group.expect_needs(&[]);
}

#[test]
fn a_change_of_user_needs_both_ids() {
    let subject = Subject {
        command: &["/capable", "user"],
        options: &[],
    };
    subject.expect_needs(&["SETGID", "SETUID"]);
}

#[test]
fn mounting_is_refused_and_is_no_need() {
    let subject = Subject {
        command: &["mount", "-t", "tmpfs", "none", "/data"],
        options: &[],
    };
    subject.expect_refused(&["SYS_ADMIN"]);
}

#[test]
fn setting_the_time_is_refused_and_is_no_need() {
    let subject = Subject {
        command: &["/capable", "SYS_TIME"],
        options: &[],
    };
    subject.expect_refused(&["SYS_TIME"]);
}

/// What stands in a key's way is the engine's filter.
#[test]
fn a_key_needs_a_call_and_no_capability() {
    let subject = Subject {
        command: &["/capable", "key"],
        options: &[],
    };
    subject.expect_needs(&[]);
    subject.docker_run(&[], &[]).expect_code(1);
}
