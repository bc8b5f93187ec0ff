//! What a container can do without, beside calls and capabilities: worked out from its runs, put
//! together with what trying it came to.
//!
//! Pure. It runs nothing and asks nobody; whether a measure is kept is the test's to say.

mod calls;
mod findings;
mod footprint;
mod listening;
mod look;
mod measure;
mod mounts;
mod plan;
mod report;
mod surface;
mod tables;
mod widen;

pub use calls::{CallTold, Label, Trial, droppable, groups, label, never_drop, untried, without};
pub use findings::{Configuration, Finding, findings};
pub use footprint::{Footprint, differences};
pub use listening::listening;
pub use look::{Look, Peaks, Task, Written};
pub use measure::{Kind, Measure, Tried, Way, is_internal, named_volumes};
pub use mounts::mount_points;
pub use plan::{Evidence, plan};
pub use report::{CapabilityTold, FORMAT, MeasureTold, Report, State, TriedTold, VERSION, Work};
pub use surface::{InReach, Surface};
pub use tables::{LeftOut, left_out};
pub use widen::widen;
