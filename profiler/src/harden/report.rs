//! What came of it, for people and for machines.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::{CallTold, Finding, Kind, LeftOut, Measure, Surface, Tried, mount_points};
use crate::capabilities::{CapabilityList, Decision};
use crate::cli::RunOptions;
use crate::profile::Profile;
use crate::recording::Text;
use crate::target::engine::options::no_new_privileges;

pub const FORMAT: &str = "profiler.harden";
pub const VERSION: u32 = 1;

/// What `profiler harden` writes as harden.json.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// Always `profiler.harden`.
    pub format: &'static str,
    pub version: u32,
    /// Why it is not the whole result; `null`: all that is written passed the test together.
    pub incomplete: Option<String>,
    /// As the user named it.
    pub image: Text,
    pub image_id: String,
    pub test: Text,
    pub before: State,
    /// `null` where it did not come so far.
    pub after: Option<State>,
    /// `null` where it did not come so far.
    pub surface: Option<Surface>,
    pub measures: Vec<MeasureTold>,
    /// Each that was asked for, and those that were added.
    pub capabilities: Vec<CapabilityTold>,
    /// Each that the profile allows or, by --drop-silent, allowed; empty where none was tried.
    pub calls: Vec<CallTold>,
    /// Left out of the profile by --drop-silent.
    pub dropped: Vec<String>,
    /// What is wrong with how it is run, whatever its test says.
    pub findings: Vec<Finding>,
    /// What guides advise besides, and why no run tells it.
    pub left_out: &'static [LeftOut],
    /// What was refused under the first result, and is allowed for that, a sentence each.
    pub widened: Vec<String>,
    /// What the recordings leave open, a sentence each.
    pub warnings: Vec<String>,
    pub work: Work,
}

/// How a container is confined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct State {
    /// How many calls the filter allows; `null`: the engine's own filter.
    pub calls: Option<usize>,
    /// That it can have at most, without `CAP_`; `null`: not known.
    pub capabilities: Option<Vec<String>>,
    /// By --privileged: no filter, all capabilities, all devices.
    pub privileged: bool,
    /// Paths; `/` for all of it.
    pub writable: Vec<String>,
    pub user: String,
    pub no_new_privileges: bool,
    pub network: String,
    pub memory: Option<String>,
    pub processes: Option<i64>,
    /// Of one process; `null`: as the engine has it.
    pub descriptors: Option<String>,
    /// Published ones, as they were named.
    pub ports: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MeasureTold {
    pub measure: Kind,
    /// How it was worked out; where there was nothing to try, why not.
    pub because: String,
    pub tried: TriedTold,
    /// What it adds to the command line; empty where it is not kept.
    pub adds: String,
    /// What was tried and did not pass, and how.
    pub refused: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TriedTold {
    /// The test passes with it.
    Kept,
    /// The test does not pass with it.
    Refused,
    /// There was nothing to try.
    NotApplicable,
    /// Nobody came to it.
    NotTried,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CapabilityTold {
    pub name: String,
    pub is_kept: bool,
    pub because: String,
}

/// How often what was run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Work {
    /// Without any restriction, but those that were given.
    pub unrestricted: usize,
    /// To try a measure.
    pub tried: usize,
    /// Recorded under all measures that are kept.
    pub recorded: usize,
    /// Under the result.
    pub starts: usize,
    /// To try whether a capability can go.
    pub ablated: usize,
    /// To try what comes of a call's refusal.
    pub calls: usize,
}

impl State {
    pub fn of(options: &RunOptions, image_user: &str) -> Self {
        let writable = if options.read_only {
            mount_points(options).into_iter().collect()
        } else {
            vec!["/".to_owned()]
        };
        let user = options.user.as_deref().unwrap_or(image_user);
        let user = if user.is_empty() { "root" } else { user };
        Self {
            calls: None,
            capabilities: None,
            privileged: false,
            writable,
            user: user.to_owned(),
            // What it cannot read starts no container.
            no_new_privileges: no_new_privileges(options).unwrap_or_default(),
            network: options
                .network
                .clone()
                .unwrap_or_else(|| "bridge".to_owned()),
            memory: options.memory.clone(),
            processes: options.pids_limit,
            descriptors: options.ulimit.iter().find_map(|limit| {
                let limit = limit.strip_prefix("nofile=")?;
                Some(limit.split(':').next().unwrap_or(limit).to_owned())
            }),
            ports: options.publish.clone(),
        }
    }

    /// Under this filter and with these capabilities.
    #[must_use]
    pub fn under(mut self, profile: &Profile, capabilities: Option<&CapabilityList>) -> Self {
        self.calls = Some(profile.allowed().len());
        self.capabilities = capabilities.map(|list| list.add.clone());
        self
    }
}

impl MeasureTold {
    pub fn of(measure: &Measure) -> Self {
        let (tried, refused) = match &measure.tried {
            _ if measure.ways.is_empty() => (TriedTold::NotApplicable, Vec::new()),
            Tried::Kept { refused, .. } => (TriedTold::Kept, refused.clone()),
            Tried::Refused(how) => (TriedTold::Refused, how.clone()),
            Tried::Not => (TriedTold::NotTried, Vec::new()),
        };
        let way = |(way, how): (&super::Way, String)| format!("{}: {how}", way.words());
        Self {
            measure: measure.kind,
            because: measure.because.clone(),
            tried,
            adds: measure.kept().map(super::Way::words).unwrap_or_default(),
            refused: measure.ways.iter().zip(refused).map(way).collect(),
        }
    }
}

impl CapabilityTold {
    pub fn all(list: &CapabilityList) -> Vec<Self> {
        let names: BTreeSet<&String> = list.add.iter().chain(list.asked.keys()).collect();
        let told = |name: &String| {
            let asked = list.asked.get(name);
            Self {
                name: name.clone(),
                is_kept: asked.map_or_else(|| list.adds(name), |a| a.decision == Decision::Keep),
                because: asked.map(|asked| asked.because.clone()).unwrap_or_default(),
            }
        };
        names.into_iter().map(told).collect()
    }
}
