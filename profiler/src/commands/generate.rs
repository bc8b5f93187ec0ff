//! `profiler generate`

use crate::cli::GenerateArgs;

pub fn generate(_args: &GenerateArgs) -> anyhow::Result<u8> {
    anyhow::bail!("not written yet")
}
