//! What is watched: a command started here, or a container that an engine runs.

pub mod command;
pub mod signals;
