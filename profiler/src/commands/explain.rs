//! `profiler explain`

use crate::cli::ExplainArgs;
use crate::{capabilities, explain, recording};

pub fn explain(args: &ExplainArgs) -> anyhow::Result<u8> {
    let recording = recording::read(&args.recording)?;
    let list = args.capabilities.as_deref();
    let list = list.map(capabilities::read).transpose()?;
    let told = explain::explain(&recording, &args.names, list.as_ref())?;
    super::print(&told)?;
    Ok(0)
}
