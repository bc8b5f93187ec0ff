//! `profiler verify --ablate`: which capabilities the test passes without.

use crate::capabilities::{AblationResult, CapabilityList, Confirmation, Outcome, Verdict, apply};
use crate::terminal;
use crate::verify::{Ablated, Ablation};

/// What is left of a list, and how many trials it took.
pub(in crate::commands) struct Left {
    pub(in crate::commands) list: CapabilityList,
    pub(in crate::commands) trials: u32,
}

/// Tells what each trial showed. `suffices`: whether a start with a shorter list passes, and the test in it.
pub(in crate::commands) async fn ablate(
    list: &CapabilityList,
    suffices: impl AsyncFn(&CapabilityList) -> anyhow::Result<bool>,
) -> anyhow::Result<Left> {
    // What is likely to go is tried together.
    let conditional = |name: &String| {
        let asked = list.asked.get(name);
        asked.is_none_or(|asked| asked.verdict != Verdict::Needed)
    };
    let (likely, unlikely) = list.add.iter().cloned().partition(conditional);
    let mut ablation = Ablation::of([likely, unlikely]);
    while let Some(without) = ablation.next() {
        let mut less = list.clone();
        less.add.retain(|name| !without.contains(name));
        let passed = suffices(&less).await?;
        terminal::say(&format!(
            "without {}: {}",
            without.join(", "),
            if passed { "passed" } else { "failed" }
        ));
        ablation.told(passed);
    }
    let ablated = ablation.result();
    tell(&ablated);
    Ok(Left {
        list: apply(list, &results(&ablated)),
        trials: ablated.trials,
    })
}

fn results(ablated: &Ablated) -> Vec<AblationResult> {
    let result = |name: &String, outcome: Outcome, how: &str| AblationResult {
        capability: name.clone(),
        confirmation: Confirmation {
            outcome,
            runs: 1,
            how: how.into(),
        },
    };
    let needed = ablated.needed.iter();
    let needed = needed.map(|name| result(name, Outcome::Needed, "the test failed without it"));
    let gone = ablated.gone.iter();
    let gone = gone.map(|name| {
        result(
            name,
            Outcome::NotNeeded,
            "the test passed without it and all others that can go",
        )
    });
    needed.chain(gone).collect()
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
