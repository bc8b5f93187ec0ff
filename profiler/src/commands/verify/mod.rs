//! `profiler verify`

mod ablate;
mod command;
mod container;

pub(super) use ablate::ablate;
pub(super) use container::{rules, with_only};

use super::BadInput;
use crate::cli::{RunOptions, VerifyArgs};
use crate::generator;
use crate::kernel::{Observer, ObserverError, ScopeId};
use crate::verify::{self, Observations, Verdict};

pub fn verify(args: &VerifyArgs) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (verdict, own_stdout) = match &args.image {
        Some(image) => (runtime.block_on(container::verify(args, image))?, true),
        None if args.options != RunOptions::default() => {
            return Err(BadInput("options of a container need --image".into()).into());
        }
        None => (runtime.block_on(command::verify(args))?, false),
    };
    tell(&verdict, own_stdout);
    Ok(u8::from(!verdict.passed()))
}

/// A reader that has seen enough is no failure: the exit code says the same.
fn tell(verdict: &Verdict, on_stdout: bool) {
    use std::io::Write as _;
    let text = verdict.to_string();
    let _ = if on_stdout {
        writeln!(std::io::stdout(), "{text}")
    } else {
        text.lines()
            .try_for_each(|line| writeln!(std::io::stderr(), "profiler: {line}"))
    };
}

pub(super) fn observations(
    observer: &Observer,
    scope: ScopeId,
) -> Result<Observations, ObserverError> {
    let facts = observer.facts(scope)?;
    Ok(verify::observe(
        &facts,
        observer.symbols(),
        generator::dispensable,
    ))
}
