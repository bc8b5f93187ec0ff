//! What the kernel hands over, with names that a container chose in it.

use profiler::kernel::Symbols;
use profiler::process_status::{capabilities, field, mask};
use profiler::recording::{CgroupMode, Text};
use profiler::target::cgroup::Hierarchies;
use proptest::prelude::*;

use super::config;
use super::mutations::bytes_of;

const STATUS: &str = "Name:\tnginx\nUmask:\t0022\nSigIgn:\t0000000000000003\nCapEff:\t0000020000200001\n\
                      NoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t1\n";

const MOUNTS: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
                      32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                      41 31 0:38 /docker/a\\134b /sys/fs/cgroup/uni\\040fied rw shared:9 - cgroup2 cgroup2 rw\n";
const SYMBOLS: &str = "ffffffff81001000 T cap_capable\nffffffff81001100 T security_capable\n\
                       ffffffff81003000 t __vm_enough_memory.part.0\nffffffff81004000 T __x64_sys_mmap\n\
                       ffffffff81005000 T do_syscall_64\nffffffffc0006000 t hook\t[module]\n";

/// Anything, and what the kernel writes with something in between or exchanged.
fn text(of: &'static str) -> impl Strategy<Value = String> {
    let lines = any::<Vec<String>>().prop_map(|lines| lines.join("\n"));
    let between = (any::<prop::sample::Index>(), any::<String>()).prop_map(|(at, text)| {
        let (before, after) = of.split_at(at.index(of.len()));
        format!("{before}{text}{after}")
    });
    let edited = bytes_of(of).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    prop_oneof![any::<String>(), lines, between, edited]
}

/// Of addresses within the symbols, and of any.
fn stack() -> impl Strategy<Value = Vec<u64>> {
    let near = (0x1000_u64..0x7000).prop_map(|offset| 0xffff_ffff_8100_0000 + offset);
    proptest::collection::vec(prop_oneof![near, any::<u64>(), Just(1)], 0..12)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_process_status(status in text(STATUS)) {
        for name in ["Name", "SigIgn", "CapEff", "Seccomp", ""] {
            if let Some(value) = field(&status, name) {
                prop_assert!(!value.contains('\n'));
            }
            let names = capabilities(&status, name);
            prop_assert_eq!(names.is_some(), mask(&status, name).is_some());
        }
    }

    /// The paths of mounts are whoever mounts them's.
    #[test]
    fn the_mounts(mounts in text(MOUNTS)) {
        match Hierarchies::parse(&mounts) {
            Ok(found) => {
                let is_alone = found.controllers.is_empty();
                prop_assert_eq!(found.mode == CgroupMode::V2, is_alone);
                let shown = mounts.lines().filter(|line| line.contains(" - cgroup "));
                prop_assert!(found.controllers.len() <= shown.count());
                prop_assert!(mounts.contains(" - cgroup2"));
            }
            Err(error) => prop_assert!(!error.to_string().contains('\n'), "{}", error),
        }
    }

    #[test]
    fn the_kernel_s_symbols(symbols in text(SYMBOLS), stack in stack()) {
        let askers = Symbols::parse(&symbols).askers(&stack);
        prop_assert!(askers.len() <= stack.len());
        for name in askers {
            prop_assert!(symbols.contains(&name), "{}", name);
            prop_assert!(!name.contains(['.', ' ', '\n']), "{}", name);
        }
    }

    #[test]
    fn a_name_or_a_command_line(bytes in any::<Vec<u8>>()) {
        if let Some(text) = Text::from_c_bytes(&bytes) {
            let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
            prop_assert_eq!(text.as_bytes(), &bytes[..end]);
            let json = serde_json::to_string(&text).expect("text is valid JSON");
            let again: Text = serde_json::from_str(&json).expect("it was written so");
            prop_assert_eq!(&again, &text);
            let shown = text.to_string();
            prop_assert!(!shown.contains(|c: char| c.is_control()), "{:?}", shown);
        }
    }
}
