//! Watches a container from the kernel and writes the least privilege that lets it pass.
//!
//! The flow is kernel → collector → [`recording`] → generator → output; each module imports only
//! from the left of it. See ARCHITECTURE.md.

pub mod arguments;
pub mod capabilities;
pub mod cli;
pub mod collector;
pub mod commands;
pub mod coverage;
pub mod diff;
pub mod explain;
pub mod file;
pub mod generator;
pub mod harden;
pub mod kernel;
pub mod lint;
pub mod names;
pub mod output;
pub mod process_status;
pub mod profile;
pub mod recording;
pub mod risk;
pub mod schema;
pub mod target;
pub mod terminal;
pub mod verify;
pub mod words;
