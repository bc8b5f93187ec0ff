//! What ends a recording of what others start or have started.

use crate::cli::RecordArgs;
use crate::target::{Interrupts, run_test};

/// The test's exit code (128 + N where signal N cut it short); `None` where there is no test: then
/// the time is over, or it was interrupted, which is the ordinary end.
pub(super) async fn goal(
    args: &RecordArgs,
    interrupts: &Interrupts,
) -> anyhow::Result<Option<i32>> {
    if let Some(test) = &args.test {
        let outcome = run_test(test, &[], interrupts).await?;
        let cut_short = outcome.interrupted.map(|interrupt| 128 + interrupt.signal);
        return Ok(Some(cut_short.unwrap_or(outcome.exit_code)));
    }
    let over = async {
        match args.others.duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    let _ = interrupts.unless(over).await;
    Ok(None)
}
