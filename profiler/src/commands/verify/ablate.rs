//! `profiler verify --ablate`: which capabilities the test passes without.

use std::path::Path;

use super::container::{Stage, options};
use crate::capabilities::CapabilityList;
use crate::cli::RunOptions;
use crate::terminal;
use crate::verify::{Ablated, Ablation, Start};

/// Tells what each trial showed, and writes the list that is left.
pub(super) async fn ablate(
    stage: &mut Stage<'_>,
    given: &RunOptions,
    list: &CapabilityList,
    output: Option<&Path>,
) -> anyhow::Result<()> {
    let mut ablation = Ablation::of([list.add.clone()]);
    while let Some(without) = ablation.next() {
        let mut less = list.clone();
        less.add.retain(|name| !without.contains(name));
        let (start, code) = stage
            .start(&options(given, Some(&less))?, false, true)
            .await?;
        let passed = start == Start::Ready && matches!(code, None | Some(0));
        terminal::say(&format!(
            "without {}: {}",
            without.join(", "),
            if passed { "passed" } else { "failed" }
        ));
        ablation.told(passed);
    }
    let ablated = ablation.result();
    tell(&ablated);
    let _ = output;
    Ok(())
}

fn tell(ablated: &Ablated) {
    for name in &ablated.needed {
        terminal::say(&format!("{name} is needed: without it the test fails"));
    }
    for name in &ablated.gone {
        terminal::say(&format!("{name} can go: the test passes without it"));
    }
    terminal::say(&format!("{} trials", ablated.trials));
}
