//! `profiler record`

use crate::cli::RecordArgs;

pub fn record(_args: RecordArgs) -> anyhow::Result<u8> {
    anyhow::bail!("not written yet")
}
