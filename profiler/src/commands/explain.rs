//! `profiler explain`

use crate::cli::ExplainArgs;
use crate::{explain, recording};

pub fn explain(args: &ExplainArgs) -> anyhow::Result<u8> {
    let recording = recording::read(&args.recording)?;
    super::print(&explain::explain(&recording, &args.names)?)?;
    Ok(0)
}
