//! Names for kernel addresses, where /proc/kallsyms may be read.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::thread::{self, JoinHandle};

/// Sorted by address.
#[derive(Default)]
pub struct Symbols(Vec<(u64, String)>);

/// Between the capability tracepoint and the function that asked: left out of stacks. Variants
/// that say how it was asked (ns_capable_noaudit, capable_wrt_inode_uidgid) stay.
const MACHINERY: [&str; 5] = [
    "cap_capable",
    "cap_capable_helper",
    "security_capable",
    "ns_capable",
    "capable",
];
/// The tracing of it, by how the names begin.
const TRACING: [&str; 3] = ["bpf_", "__bpf_", "__traceiter_"];
/// From here on outwards every call looks the same.
const ENTRY: [&str; 4] = [
    "do_syscall_64",
    "x64_sys_call",
    "do_int80",
    "do_fast_syscall",
];

/// Where the functions of the kernel's own end, in /proc/kallsyms too. What comes after it, modules
/// and BPF programs, changes.
const END_OF_KERNEL: &str = "_etext";

/// Symbols of which the kernel's own are being read: it takes tens of milliseconds to write them.
pub(super) struct SymbolsAhead(JoinHandle<Reading<BufReader<File>>>);

impl SymbolsAhead {
    /// `None` where the file cannot be opened.
    pub(super) fn begin() -> Option<Self> {
        let file = File::open("/proc/kallsyms").ok()?;
        Some(Self(thread::spawn(move || {
            let mut reading = Reading::new(BufReader::new(file));
            reading.until(Some(END_OF_KERNEL));
            reading
        })))
    }

    /// With the modules that are there now. Empty where the kernel hides its addresses
    /// (kptr_restrict, no CAP_SYSLOG).
    pub(super) fn finish(self) -> Symbols {
        self.0.join().map(Reading::symbols).unwrap_or_default()
    }
}

struct Reading<R> {
    file: R,
    symbols: Vec<(u64, String)>,
}

impl<R: BufRead> Reading<R> {
    fn new(file: R) -> Self {
        Self {
            file,
            symbols: Vec::new(),
        }
    }

    /// Up to that symbol, or to the end.
    fn until(&mut self, last: Option<&str>) {
        let mut line = String::new();
        while self.file.read_line(&mut line).is_ok_and(|bytes| bytes != 0) {
            if let Some((address, name)) = function(&line) {
                self.symbols.push((address, name.to_owned()));
                if Some(name) == last {
                    return;
                }
            }
            line.clear();
        }
    }

    fn symbols(mut self) -> Symbols {
        self.until(None);
        self.symbols.sort_unstable();
        Symbols(self.symbols)
    }
}

fn function(line: &str) -> Option<(u64, &str)> {
    let mut words = line.split_ascii_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok()?;
    let is_code = matches!(words.next()?, "t" | "T" | "w" | "W");
    let name = words.next()?;
    (address != 0 && is_code).then_some((address, name))
}

impl Symbols {
    /// `text`: proc_kallsyms(5), of which only code is kept.
    pub fn parse(text: &str) -> Self {
        Reading::new(text.as_bytes()).symbols()
    }

    fn name(&self, address: u64) -> Option<&str> {
        let after = self.0.partition_point(|(start, _)| *start <= address);
        self.0[..after].last().map(|(_, name)| name.as_str())
    }

    /// The functions of a capability check's stack, from the one that asked outwards to the call's
    /// own (`__x64_sys_…`). Empty where there are no symbols.
    pub fn askers(&self, stack: &[u64]) -> Vec<String> {
        // A return address lies behind the call, maybe in the next function already.
        let names: Vec<&str> = stack
            .iter()
            .take_while(|&&address| address != 0)
            .map_while(|&address| self.name(address - 1))
            .collect();
        // The kernel's own BPF asks too (bpf_prepare_filter), under names like the tracing's.
        let asker = names
            .iter()
            .rposition(|name| is_machinery(name))
            .map_or_else(
                || names.iter().take_while(|name| is_tracing(name)).count(),
                |last| last + 1,
            );
        names[asker..]
            .iter()
            .take_while(|name| !ENTRY.iter().any(|entry| name.starts_with(entry)))
            .map(|&name| without_suffix(name).to_owned())
            .collect()
    }
}

fn is_machinery(name: &str) -> bool {
    MACHINERY.contains(&without_suffix(name))
}

fn is_tracing(name: &str) -> bool {
    TRACING.iter().any(|prefix| name.starts_with(prefix))
}

/// Compilers split functions: `f.isra.0`, `f.constprop.0`, `f.part.0`.
fn without_suffix(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::{Reading, Symbols};

    const KALLSYMS: &str = "\
0000000000001000 T cap_capable
0000000000001100 T security_capable
0000000000001200 T capable
0000000000002000 T capable_wrt_inode_uidgid
0000000000003000 t __vm_enough_memory.part.0
0000000000004000 T __x64_sys_mmap
0000000000005000 T do_syscall_64
0000000000006000 D jiffies
";

    #[test]
    fn a_stack_begins_with_the_function_that_asked() {
        let symbols = Symbols::parse(KALLSYMS);
        let stack = [0x1010, 0x1110, 0x1200 + 0x10, 0x3010, 0x4010, 0x5010, 0, 0];
        assert_eq!(
            symbols.askers(&stack),
            ["__vm_enough_memory", "__x64_sys_mmap"]
        );
    }

    #[test]
    fn the_kernel_s_own_bpf_is_an_asker_and_no_tracing() {
        let symbols = Symbols::parse(
            "\
0000000000001000 T bpf_get_stack
0000000000001100 T __traceiter_cap_capable
0000000000001200 T cap_capable
0000000000001300 T security_capable
0000000000002000 t do_jit
0000000000002100 T bpf_int_jit_compile
0000000000003000 T sk_attach_filter
",
        );
        let stack = [0x1010, 0x1110, 0x1210, 0x1310, 0x2010, 0x2110, 0x3010];
        assert_eq!(
            symbols.askers(&stack),
            ["do_jit", "bpf_int_jit_compile", "sk_attach_filter"]
        );
    }

    #[test]
    fn what_names_the_question_is_kept() {
        let symbols = Symbols::parse(KALLSYMS);
        assert_eq!(
            symbols.askers(&[0x1010, 0x2010, 0x4010]),
            ["capable_wrt_inode_uidgid", "__x64_sys_mmap"]
        );
    }

    #[test]
    fn what_is_read_ahead_is_all_of_it_in_the_end() {
        let mut ahead = Reading::new(KALLSYMS.as_bytes());
        ahead.until(Some("capable"));
        assert_eq!(ahead.symbols.len(), 3);
        let whole = Symbols::parse(KALLSYMS);
        assert_eq!(ahead.symbols().0, whole.0);
        assert_eq!(whole.0.len(), 7);
    }

    #[test]
    fn without_symbols_there_are_no_names() {
        let hidden = Symbols::parse("0000000000000000 T cap_capable\n");
        assert!(hidden.askers(&[0x1010]).is_empty());
    }
}
