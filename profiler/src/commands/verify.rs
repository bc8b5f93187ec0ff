//! `profiler verify`

use crate::cli::VerifyArgs;

pub fn verify(_args: VerifyArgs) -> anyhow::Result<u8> {
    anyhow::bail!("not written yet")
}
