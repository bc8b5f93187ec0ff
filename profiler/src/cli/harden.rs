//! `profiler harden`

use std::ffi::OsString;
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};

use clap::Args;

use super::RunOptions;

/// From an image and a test to a container that can do nothing else.
///
/// Records the container while the test runs, works out what it can do without (the guides' advice:
/// no new privileges, a read-only root, a user of its own, limits, less of a network), keeps of that
/// what the test passes with, writes a seccomp profile and the capabilities for the rest, and runs it
/// all again under what it wrote. DIR holds the result in each format, with a report that tells the
/// evidence. Exit code 0 where the whole passed, 1 where it did not, 125 where there is no result.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct HardenArgs {
    /// The image to start containers of; it must be here already
    #[arg(long, value_name = "IMAGE")]
    pub image: String,
    /// Run by `sh -c` on the host once the container is ready, with PROFILER_CONTAINER (its name),
    /// PROFILER_CONTAINER_ID and PROFILER_IP set; what it does not try is not kept
    #[arg(long, value_name = "CMD")]
    pub test: String,
    /// The folder to write to
    #[arg(short, long, value_name = "DIR", required_unless_present = "resume")]
    pub output: Option<PathBuf>,
    /// Go on where a run that was to write to this folder was interrupted; image, test and options as
    /// they were
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    pub resume: Option<PathBuf>,
    /// Record at most so often, where each time shows something new
    #[arg(long, value_name = "NUMBER", default_value = "6")]
    pub runs: NonZeroU8,
    /// How often to start the container under the result
    #[arg(long, value_name = "NUMBER", default_value = "10")]
    pub starts: NonZeroU8,
    /// How long one run of the test may take
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    pub timeout: std::time::Duration,
    /// Do not try which capabilities and calls the test passes without
    #[arg(long)]
    pub no_ablate: bool,
    /// Try so many calls at once; the test must bear that (no published ports, no files of its own)
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "1",
        conflicts_with = "no_ablate"
    )]
    pub jobs: NonZeroU8,
    /// Leave out of the profile what fell back silently each time, but for calls that are never
    /// dropped (identity, umask, close, sync …)
    #[arg(long, conflicts_with = "no_ablate")]
    pub drop_silent: bool,
    /// What the subject is called where a format needs a name (a Compose service, a Pod, a volume)
    /// [default: the image's]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub today: Today,
    #[command(flatten)]
    pub options: RunOptions,
    /// What the container runs in place of the image's own
    #[arg(last = true, value_name = "ARGS")]
    pub command: Vec<OsString>,
}

/// As it is run today: told with its risk, and left out here.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "How it is run today; each is told with its risk, and left out")]
pub struct Today {
    /// It has every capability and device, and no filter
    #[arg(long)]
    pub privileged: bool,
    /// It sees the processes of others
    #[arg(long, value_name = "NAMESPACE")]
    pub pid: Option<String>,
    /// It shares the memory of others
    #[arg(long, value_name = "NAMESPACE")]
    pub ipc: Option<String>,
    /// It has the host's name
    #[arg(long, value_name = "NAMESPACE")]
    pub uts: Option<String>,
    /// Its ids are the host's, where the engine maps others'
    #[arg(long, value_name = "NAMESPACE")]
    pub userns: Option<String>,
}

impl Today {
    /// As they were typed.
    pub fn words(&self) -> Vec<String> {
        let namespaces = [
            ("--pid", &self.pid),
            ("--ipc", &self.ipc),
            ("--uts", &self.uts),
            ("--userns", &self.userns),
        ];
        let namespaces = namespaces
            .into_iter()
            .filter_map(|(option, value)| Some(format!("{option} {}", value.as_ref()?)));
        let privileged = self.privileged.then(|| "--privileged".to_owned());
        privileged.into_iter().chain(namespaces).collect()
    }
}

impl HardenArgs {
    pub fn folder(&self) -> &Path {
        let named = self.resume.as_deref().or(self.output.as_deref());
        named.unwrap_or(Path::new("."))
    }
}

const EXAMPLES: &str = "\
Examples:
  profiler harden --image nginx --test 'curl --fail http://$PROFILER_IP/' -o hardened
  profiler harden --image redis --test ./test.sh -v data:/data -o hardened -- redis-server
  profiler harden --image nginx --test 'curl --fail http://$PROFILER_IP/' --resume hardened";
