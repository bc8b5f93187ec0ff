//! strace as the oracle: which calls a program and all that it started made, in one run.
//!
//! strace stands outside of the recorder, so both watch the same run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Output of `strace -ff`: one file a thread, `t.TID`.
pub struct Trace {
    folder: tempfile::TempDir,
    raw: Vec<String>,
}

impl Trace {
    pub fn new() -> Self {
        Self::with_raw(&[])
    }

    /// With the arguments of these calls as the registers have them, for [`Trace::arguments`].
    pub fn with_raw(calls: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        let raw = calls.iter().map(|&call| call.to_owned()).collect();
        Self { folder, raw }
    }

    /// `strace -ff …`, to which the caller adds the command line to watch.
    pub fn command(&self) -> Command {
        let mut command = Command::new("strace");
        command
            .args(["-ff", "--quiet=all", "--string-limit=256", "-o"])
            .arg(self.folder.path().join("t"));
        if !self.raw.is_empty() {
            // A question mark: it may be older than the call.
            let raw: Vec<String> = self.raw.iter().map(|call| format!("?{call}")).collect();
            command.args(["-e", &format!("raw={}", raw.join(","))]);
        }
        command.arg("--");
        command
    }

    /// By the executable that made them, as it was given to exec: the calls of `program` from its
    /// first instruction on, and of all that it started. A call that execs another program is the
    /// one's that makes it.
    #[track_caller]
    pub fn calls_by_program(&self, program: &Path) -> BTreeMap<String, BTreeSet<String>> {
        let lines = self.after_exec(program);
        let mut calls = BTreeMap::new();
        self.collect_by_program(&lines, &program.display().to_string(), &mut calls);
        calls
    }

    fn collect_by_program(
        &self,
        lines: &[String],
        program: &str,
        calls: &mut BTreeMap<String, BTreeSet<String>>,
    ) {
        let mut program = program.to_owned();
        for line in lines {
            let Some(name) = called(line) else { continue };
            if let Some(child) = started(&name, line) {
                self.collect_by_program(&self.thread(child), &program, calls);
            }
            let becomes = execed(line);
            calls.entry(program.clone()).or_default().insert(name);
            program = becomes.unwrap_or(program);
        }
    }

    /// Names of the calls that `program` made from its first instruction on, and all of its
    /// threads and children. A number without a name is given in decimal.
    #[track_caller]
    pub fn calls(&self, program: &Path) -> BTreeSet<String> {
        let mut calls = BTreeSet::new();
        self.walk(&self.after_exec(program), &mut |name, _| {
            calls.insert(name.to_owned());
        });
        calls
    }

    /// The registers of each of the raw calls, by its name: 32 bits of as many as it takes.
    #[track_caller]
    pub fn arguments(&self, program: &Path) -> BTreeMap<String, BTreeSet<Vec<u32>>> {
        let mut calls: BTreeMap<String, BTreeSet<Vec<u32>>> = BTreeMap::new();
        self.walk(&self.after_exec(program), &mut |name, line| {
            if self.raw.iter().any(|raw| raw == name) {
                let known = calls.entry(name.to_owned()).or_default();
                known.insert(registers(line));
            }
        });
        calls
    }

    #[track_caller]
    fn after_exec(&self, program: &Path) -> Vec<String> {
        let needle = format!("execve(\"{}\"", program.display());
        let mut threads = fs::read_dir(self.folder.path())
            .expect("strace writes into the folder")
            .flatten()
            .map(|entry| fs::read_to_string(entry.path()).expect("strace writes text"));
        let from_start = threads.find_map(|text| {
            let start = text
                .lines()
                .position(|line| line.starts_with(&needle) && line.ends_with("= 0"))?;
            Some(
                text.lines()
                    .skip(start + 1)
                    .map(str::to_owned)
                    .collect::<Vec<_>>(),
            )
        });
        from_start.unwrap_or_else(|| panic!("strace saw no execve of {}", program.display()))
    }

    fn thread(&self, id: u32) -> Vec<String> {
        let path = self.folder.path().join(format!("t.{id}"));
        let text = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("strace followed no {id}: {error}"));
        text.lines().map(str::to_owned).collect()
    }

    /// Each call with its line, of all that the thread started too.
    fn walk(&self, lines: &[String], see: &mut impl FnMut(&str, &str)) {
        for line in lines {
            let Some(name) = called(line) else { continue };
            if let Some(child) = started(&name, line) {
                self.walk(&self.thread(child), see);
            }
            see(&name, line);
        }
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::new()
    }
}

/// The name of the call that a line tells of; none for signals and exits (`---`, `+++`).
fn called(line: &str) -> Option<String> {
    let (name, _) = line.split_once('(')?;
    if let Some(number) = name.strip_prefix("syscall_0x") {
        let number = u64::from_str_radix(number, 16).ok()?;
        // The kernel takes the lower half as a signed number.
        #[expect(clippy::cast_possible_truncation, reason = "as the kernel does")]
        return Some((number as i32).to_string());
    }
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| name.to_owned())
}

/// Of a raw line: `socket(0x1, 0xdeadbeef00000002, 0) = 3`.
#[track_caller]
fn registers(line: &str) -> Vec<u32> {
    let (_, rest) = line.split_once('(').expect("it is a call's");
    let (arguments, _) = rest.split_once(')').expect("the call came back");
    let number = |text: &str| {
        let hex = u64::from_str_radix(text.trim_start_matches("0x"), 16);
        #[expect(clippy::cast_possible_truncation, reason = "as the kernel does")]
        let low = hex.unwrap_or_else(|_| panic!("{line} is not raw")) as u32;
        low
    };
    arguments.split(", ").map(number).collect()
}

/// The program that a line's call became.
fn execed(line: &str) -> Option<String> {
    let (path, _) = line.strip_prefix("execve(\"")?.split_once('"')?;
    line.ends_with("= 0").then(|| path.to_owned())
}

/// The thread or process that a line's call made.
fn started(name: &str, line: &str) -> Option<u32> {
    if !matches!(name, "clone" | "clone3" | "fork" | "vfork") {
        return None;
    }
    let (_, result) = line.rsplit_once("= ")?;
    result.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{called, registers, started};

    #[test]
    fn lines_are_read() {
        let name = |line| called(line);
        assert_eq!(name("read(3, \"a(\", 2) = 2").as_deref(), Some("read"));
        assert_eq!(
            name("syscall_0x3e8(0) = -1 ENOSYS").as_deref(),
            Some("1000")
        );
        assert_eq!(
            name("syscall_0xffffffffffffffff(0) = -1 ENOSYS").as_deref(),
            Some("-1")
        );
        assert_eq!(name("--- SIGCHLD {si_signo=SIGCHLD} ---"), None);
        assert_eq!(name("+++ exited with 0 +++"), None);
        assert_eq!(started("vfork", "vfork() = 12"), Some(12));
        assert_eq!(
            started("clone", "clone(child_stack=NULL, flags=SIGCHLD) = 7"),
            Some(7)
        );
        assert_eq!(
            started("clone3", "clone3({flags=0}, 88) = -1 ENOSYS (x)"),
            None
        );
        assert_eq!(started("read", "read(3, \"\", 1) = 1"), None);
        let raw = "socket(0x1, 0xdeadbeef00080001, 0) = 3";
        assert_eq!(registers(raw), [1, 0x80001, 0]);
    }
}
