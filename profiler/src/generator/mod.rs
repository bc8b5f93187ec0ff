//! Recordings in, a profile and a list of capabilities out: pure, deterministic, the only place
//! where it is decided what to allow.
//!
//! It opens nothing: no file, no kernel. What a table in `profiles/` decides stands there, with
//! its reason. Whatever a recording leaves open comes back as a [`Warning`].

mod about;
mod arguments;
mod base;
mod capabilities;
mod classify;
mod floor;
mod input;
mod notes;
mod portable;
mod refusal;
mod start;
mod syscalls;
mod tables;
mod warning;

pub use about::WAYS_ROUND;
pub use arguments::ArgumentRules;
pub use base::Base;
pub use capabilities::{capabilities, needed_by};
pub use classify::{Judgement, asker, dispensable, judge};
pub use floor::{
    FORMAT, Floor, FloorError, FloorFile, MeasuredCall, Measurement, VERSION, least_of_runc,
};
pub use input::{check_complete, check_one, recorded_with_no_new_privileges};
pub use notes::about_gains;
pub use portable::{Kind, Portable};
pub use refusal::Refusal;
pub use syscalls::{Options, generate, is_always_allowed, kernel_driven};
pub use warning::{GenerateError, Warning};
