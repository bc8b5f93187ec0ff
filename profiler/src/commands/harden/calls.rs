//! Which calls the test passes without: each trial a container under a profile without some.

use std::cell::RefCell;
use std::time::Duration;

use futures_util::future::try_join_all;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::bench::Bench;
use crate::cli::RunOptions;
use crate::harden::{self, CallTold, Footprint, Label, Trial, differences};
use crate::output;
use crate::profile::Profile;
use crate::terminal::LiveLine;
use crate::verify::Ablation;

/// Fewer do not tell what differs by itself.
const SAME: usize = 3;

pub(super) struct Calls<'a> {
    bench: &'a Bench<'a>,
    options: &'a RunOptions,
    profile: &'a Profile,
    /// How many containers at once.
    jobs: usize,
    /// What the runs under the whole profile left.
    same: Vec<Footprint>,
    pace: RefCell<Pace>,
}

impl<'a> Calls<'a> {
    /// `Err`: the test does not pass under the profile as it is.
    pub(super) async fn new(
        bench: &'a Bench<'a>,
        options: &'a RunOptions,
        profile: &'a Profile,
        jobs: usize,
    ) -> anyhow::Result<Result<Self, String>> {
        let mut same = Vec::new();
        for _ in 0..SAME {
            match bench.leave(options, &output::oci(profile)).await?.value {
                Ok(footprint) => same.push(footprint),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok(Self {
            bench,
            options,
            profile,
            jobs,
            same,
            pace: RefCell::default(),
        }))
    }

    /// Labels them, as far as it comes; how many trials it took.
    pub(super) async fn label(&self, calls: &mut [CallTold]) -> anyhow::Result<usize> {
        self.pace.borrow_mut().begin(calls.len());
        let silent = self.silent(harden::groups(calls)).await?;
        let others = calls.iter().filter(|call| !silent.contains(&call.name));
        let others: Vec<String> = others.map(|call| call.name.clone()).collect();
        let mut labelled = futures_util::stream::iter(others)
            .map(|name| async move { Ok::<_, anyhow::Error>((self.alone(&name).await?, name)) })
            .buffer_unordered(self.jobs);
        while let Some(((label, how), name)) = labelled.try_next().await? {
            if let Some(call) = calls.iter_mut().find(|call| call.name == name) {
                (call.label, call.how) = (label, how);
            }
        }
        drop(labelled);
        let label = if self.repeats(&silent).await? {
            Label::Silent
        } else {
            Label::Unknown
        };
        for call in calls.iter_mut().filter(|call| silent.contains(&call.name)) {
            call.label = label;
        }
        Ok(self.pace.borrow().done)
    }

    /// Those that can go all at once without a difference.
    async fn silent(&self, groups: Vec<Vec<String>>) -> anyhow::Result<Vec<String>> {
        let mut lanes = vec![Vec::new(); self.jobs];
        for (ordinal, group) in groups.into_iter().enumerate() {
            lanes[ordinal % self.jobs].push(group);
        }
        let lanes = lanes
            .into_iter()
            .map(|lane| self.ablate(Ablation::of(lane)));
        let gone: Vec<Vec<String>> = try_join_all(lanes).await?;
        let gone = gone.concat();
        // Each lane has tried its own at once.
        if self.jobs == 1 || gone.is_empty() || self.trial(&gone).await? == Trial::Same {
            return Ok(gone);
        }
        self.ablate(Ablation::of([gone])).await
    }

    async fn ablate(&self, mut ablation: Ablation) -> anyhow::Result<Vec<String>> {
        while let Some(without) = ablation.next() {
            ablation.told(self.trial(&without).await? == Trial::Same);
        }
        Ok(ablation.result().gone)
    }

    async fn alone(&self, name: &str) -> anyhow::Result<(Label, Vec<String>)> {
        let name = [name.to_owned()];
        let mut alone = vec![self.trial(&name).await?];
        // With others it was not the same.
        if alone[0] == Trial::Same {
            alone.push(self.trial(&name).await?);
        }
        Ok(harden::label(&alone))
    }

    async fn repeats(&self, silent: &[String]) -> anyhow::Result<bool> {
        for _ in 1..SAME {
            if !silent.is_empty() && self.trial(silent).await? != Trial::Same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn trial(&self, without: &[String]) -> anyhow::Result<Trial> {
        let less = output::oci(&harden::without(self.profile, without));
        let left = self.bench.leave(self.options, &less).await?;
        self.pace.borrow_mut().one(left.took, self.jobs);
        Ok(match left.value {
            Err(why) => Trial::Failed(why),
            Ok(footprint) => match differences(&self.same, &footprint) {
                differences if differences.is_empty() => Trial::Same,
                differences => Trial::Differs(differences),
            },
        })
    }
}

/// How far it is, for a person who watches.
#[derive(Default)]
struct Pace {
    live: Option<LiveLine>,
    done: usize,
    expected: usize,
    spent: Duration,
}

impl Pace {
    /// Two for each call is what most profiles take.
    fn begin(&mut self, calls: usize) {
        self.expected = 2 * calls;
        self.live = LiveLine::show();
    }

    fn one(&mut self, took: Duration, jobs: usize) {
        self.done += 1;
        self.spent += took;
        self.expected = self.expected.max(self.done + 1);
        if let (Some(live), Ok(done), Ok(left), Ok(jobs)) = (
            &self.live,
            u32::try_from(self.done),
            u32::try_from(self.expected - self.done),
            u32::try_from(jobs),
        ) {
            let time = Duration::from_secs((self.spent / done * left / jobs).as_secs());
            live.draw(format!(
                "trying calls: {done} of about {} trials, about {} left",
                self.expected,
                humantime::format_duration(time)
            ));
        }
    }
}
