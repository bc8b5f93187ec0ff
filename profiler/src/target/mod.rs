//! What is watched: a container of our own, or a command, and the cgroup that is its scope.
//!
//! Nothing here knows of BPF: a target hands out a cgroup id, and runs.

pub mod cgroup;
pub mod command;
pub mod engine;
mod interrupt;
mod tail;
mod test_command;

pub use interrupt::{Interrupt, InterruptSender, Interrupts};
pub use tail::Tail;
pub use test_command::{TestError, TestOutcome, run_test, run_test_within};

use std::hash::{BuildHasher as _, RandomState};

/// One run of this program, told apart from every other on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// `PID-RANDOM`
    id: String,
}

impl Session {
    #[expect(clippy::new_without_default, reason = "each one differs")]
    pub fn new() -> Self {
        // The standard library seeds this from the kernel's random numbers.
        let random = RandomState::new().hash_one(());
        Self {
            id: format!("{}-{:08x}", std::process::id(), random >> 32),
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// For the `ordinal`th thing of a kind that this session makes: a container, a cgroup.
    pub fn name(&self, ordinal: u32) -> String {
        format!("profiler-{}-{ordinal}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::Session;

    #[test]
    fn no_two_sessions_are_alike() {
        let (one, other) = (Session::new(), Session::new());
        assert_ne!(one.id(), other.id());
        assert_ne!(one.name(1), one.name(2));
        assert!(one.name(1).starts_with("profiler-"));
    }
}
