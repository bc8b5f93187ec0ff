//! Clearing away where nobody can wait for it.

use std::io;

use super::EngineError;

/// For a drop, which can only log that it failed. `what`: with its name.
pub(super) fn remove(what: &str, removal: impl Future<Output = Result<(), EngineError>> + Send) {
    match block_on(removal) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log::error!("{error}"),
        Err(error) => log::error!("cannot remove the {what}: {error}"),
    }
}

/// Does the work on a thread and a runtime of its own: the runtime that we are on may be
/// the one that is being torn down. `Err`: it could not begin.
fn block_on<T: Send>(work: impl Future<Output = T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            Ok(runtime.block_on(work))
        });
        let panicked = |_| Err(io::Error::other("it panicked"));
        thread.join().unwrap_or_else(panicked)
    })
}
