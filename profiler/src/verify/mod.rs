//! Whether a subject passes under what was written for it.
//!
//! Pure: what enforced runs showed comes in as [`Observations`], a [`Verdict`] goes out. Nothing
//! is run or watched here, and nothing is judged elsewhere.

mod ablation;
mod facts;
mod finding;
mod judge;
mod observations;

pub use ablation::{Ablated, Ablation};
pub use facts::observe;
pub use finding::{Asker, Finding, RuntimeCause, StartProblem};
pub use judge::{Answered, Verdict, judge};
pub use observations::{
    Answer, CapabilityDenial, CapabilityRules, Denial, Lost, Observations, Start,
};
