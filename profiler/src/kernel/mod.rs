//! The kernel side: is it able, where are its fields, load the programs, attach, read the maps.
//!
//! Knows nothing of containers or recordings: a cgroup id goes in, [`Facts`] come out.

mod facts;
mod layout;
mod observer;
mod preflight;
mod symbols;

pub use facts::{
    ArgumentFacts, BeganWith, CapabilitySighting, DenialSighting, Facts, LossCounts, ProgramFacts,
    ScopeFacts, SeenCall, SessionFacts,
};
pub use layout::LayoutError;
pub use observer::{Capacity, Observer, ObserverError, ScopeId, Watch, boot_time_ns};
pub use preflight::{PreflightError, kernel_release, may_read_strings, preflight};
pub use profiler_common::Boundary;
pub use symbols::Symbols;

/// The committed object: a plain `cargo build` needs no BPF toolchain.
/// `cargo xtask build-ebpf` makes it.
pub const OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/bpf/profiler-x86_64.o"
));
