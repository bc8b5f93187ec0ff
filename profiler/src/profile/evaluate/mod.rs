//! What a profile means: the answer that the loaded filter gives to a call, without a kernel.
//!
//! For an x86_64 machine. Tests, diff and lint rely on it; it is itself checked against libseccomp's
//! own compiled filter, call by call, and tells where that cannot be relied on ([`Doubt`]). It
//! refuses what runc and libseccomp refuse, and skips what they skip: unknown names, and rules that
//! repeat the default.

mod compare;
mod doubt;
mod filter;
mod places;
mod tree;

use std::collections::HashMap;

use profiler_common::{Abi, X32_BIT};

use self::compare::Ruled;
pub use self::compare::{Pairs, TooMany};
pub use self::doubt::Doubt;
use self::filter::{Filter, Rules};
use self::places::Place;
use self::tree::Known;
use super::interpret::{AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, SeccompData};
use super::{Answer, NATIVE, Profile, Runtime};
use crate::names;

/// libseccomp's answer to calls of an architecture that the filter does not list.
const UNLISTED: Answer = Answer::KillThread;

/// x86_64's uretprobe and uprobe: the kernel makes a program that is probed call them, and asks no
/// filter (`seccomp_uprobe_exception` in
/// <https://github.com/torvalds/linux/blob/v6.18/kernel/seccomp.c>). uretprobe was filtered from
/// Linux 6.11 until 6.14, and until the stable releases that have commit cf6cb56ef244.
const UNFILTERED: [u32; 2] = [335, 336];

/// What a tracer sets to have a call skipped
/// (<https://man7.org/linux/man-pages/man2/seccomp.2.html>, "Caveats").
const SKIPPED: u32 = u32::MAX;

/// A profile, ready to answer.
pub struct Evaluator {
    default: Answer,
    /// The machine's own, and those listed.
    abis: Vec<Abi>,
    rules: HashMap<(Abi, u32), Rules>,
    /// ENOSYS is answered above these numbers, which have x32's bit.
    highest: HashMap<Abi, u32>,
    doubts: Vec<Doubt>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the profile names an unknown architecture {0:?}")]
    UnknownArchitecture(String),
    #[error("architecture {0} cannot be in one filter with x86_64: its bytes have another order")]
    ByteOrder(String),
    #[error("the profile has a rule with an empty name; take it out")]
    EmptyName,
    #[error("the rule for {name} compares argument {index}; a call has arguments 0 to 5")]
    ArgumentIndex { name: String, index: u32 },
    #[error("the rules for {0} contradict each other, and libseccomp refuses them")]
    Contradiction(String),
    #[error("{0} has more rules with comparisons than a filter has instructions, which are 4096")]
    TooMany(String),
}

impl Evaluator {
    pub fn new(profile: &Profile, runtime: Runtime) -> Result<Self, Refusal> {
        Self::without(&[], profile, runtime)
    }

    /// With a libseccomp that does not know the names in `unknown`.
    pub fn without(
        unknown: &[String],
        profile: &Profile,
        runtime: Runtime,
    ) -> Result<Self, Refusal> {
        for name in &profile.architectures {
            check(name)?;
        }
        let is_known = |name: &str| {
            names::libseccomp_since(name).is_some() && !unknown.iter().any(|other| other == name)
        };
        let listed: Vec<&str> = profile.architectures.iter().map(String::as_str).collect();
        let abis = among(&[&listed[..], &[NATIVE]].concat());
        let default = Answer::new(profile.default_action, profile.default_errno_ret);
        let mut filter = Filter::default();
        for rule in &profile.syscalls {
            for name in &rule.names {
                if name.is_empty() {
                    return Err(Refusal::EmptyName);
                }
                if Answer::from(rule) != default && is_known(name) {
                    filter.add(&abis, name, rule)?;
                }
            }
        }

        let highest = |abi: Abi| {
            let names = profile.syscalls.iter().flat_map(|rule| &rule.names);
            let known = names.filter(|name| is_known(name));
            known.filter_map(|name| places::counted(abi, name)).max()
        };
        let stubbed = among(&runtime.stubbed(profile)).into_iter();
        Ok(Self {
            default,
            highest: stubbed
                .filter_map(|abi| Some((abi, highest(abi)?)))
                .collect(),
            doubts: doubt::doubts(&filter, &abis),
            rules: filter
                .rules
                .into_iter()
                .filter_map(|((abi, place), rules)| match place {
                    Place::Number(number) => Some(((abi, number), rules)),
                    Place::Nowhere(_) => None,
                })
                .collect(),
            abis,
        })
    }

    pub fn answer(&self, call: &SeccompData) -> Answer {
        let answer = self.ruled(call).answer(&Known::all(&call.arguments));
        answer.expect("all is known")
    }

    /// Whether its calls are judged by rules at all.
    pub fn judges(&self, abi: Abi) -> bool {
        self.abis.contains(&abi)
    }

    fn ruled(&self, call: &SeccompData) -> Ruled<'_> {
        let has_bit = call.number & X32_BIT != 0;
        let abi = match call.architecture {
            AUDIT_ARCH_I386 => Abi::I386,
            AUDIT_ARCH_X86_64 if has_bit => Abi::X32,
            AUDIT_ARCH_X86_64 => Abi::X86_64,
            _ => return Ruled::Answer(UNLISTED),
        };
        if abi == Abi::X86_64 && UNFILTERED.contains(&call.number) {
            return Ruled::Answer(Answer::Allow);
        }
        if self
            .highest
            .get(&abi)
            .is_some_and(|&last| call.number > last)
        {
            return Ruled::Answer(Answer::ENOSYS);
        }
        // Without x32 in it, a filter takes all from its bit on for x32's, but for one.
        let is_x32 = abi != Abi::I386 && call.number >= X32_BIT;
        let abi = if is_x32 { Abi::X32 } else { abi };
        let is_skipped = is_x32 && call.number == SKIPPED;
        if !(is_skipped || self.abis.contains(&abi)) {
            return Ruled::Answer(UNLISTED);
        }
        match self.rules.get(&(abi, call.number)) {
            Some(Rules::Always(answer)) => Ruled::Answer(*answer),
            Some(Rules::Where(tree)) => Ruled::Where(tree, self.default),
            None => Ruled::Answer(self.default),
        }
    }

    /// By the call's name; `None`: the ABI has no such call.
    pub fn answer_to(&self, abi: Abi, name: &str, arguments: [u64; 6]) -> Option<Answer> {
        let number = names::number(abi, name)?;
        Some(self.answer(&SeccompData::new(abi, number, arguments)))
    }

    /// Where libseccomp may compile something else than the profile says; the answers are what it
    /// says.
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }
}

/// The ABIs of x86 in a list of architectures.
fn among(architectures: &[&str]) -> Vec<Abi> {
    let is_in = |abi: &Abi| architectures.contains(&names::architecture(*abi));
    Abi::ALL.into_iter().filter(is_in).collect()
}

/// Whether libseccomp has the architecture, and in one filter with x86_64
/// (<https://github.com/seccomp/libseccomp/blob/v2.5.4/src/arch.c>).
fn check(architecture: &str) -> Result<(), Refusal> {
    const LITTLE_ENDIAN: [&str; 10] = [
        "X86",
        "X86_64",
        "X32",
        "ARM",
        "AARCH64",
        "MIPSEL",
        "MIPSEL64",
        "MIPSEL64N32",
        "PPC64LE",
        "RISCV64",
    ];
    const BIG_ENDIAN: [&str; 9] = [
        "MIPS",
        "MIPS64",
        "MIPS64N32",
        "PARISC",
        "PARISC64",
        "PPC",
        "PPC64",
        "S390",
        "S390X",
    ];
    match architecture.strip_prefix("SCMP_ARCH_") {
        Some(own) if LITTLE_ENDIAN.contains(&own) => Ok(()),
        Some(own) if BIG_ENDIAN.contains(&own) => Err(Refusal::ByteOrder(architecture.to_owned())),
        _ => Err(Refusal::UnknownArchitecture(architecture.to_owned())),
    }
}

#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
mod tests;
