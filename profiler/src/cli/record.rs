//! `profiler record`

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::RunOptions;

/// Watch a command or a container from the kernel and write down what it asks for.
///
/// With `-- CMD…`, CMD runs in a cgroup of its own; its standard streams and exit code are its
/// own. With --image, a container is started, the test is run against it, and it is stopped and
/// removed; its log is shown on stderr, and the exit code is the test's. With --label,
/// --compose-project or --all-containers, the containers that the test starts are recorded from
/// their birth, whoever starts them; with --container or --cgroup, what runs already.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, override_usage = USAGE)]
pub struct RecordArgs {
    /// The image to start a container from; it must be here already
    #[arg(long, value_name = "IMAGE", conflicts_with = "others")]
    pub image: Option<String>,
    /// Run by `sh -c` on the host once the container is ready, with PROFILER_CONTAINER (its
    /// name), PROFILER_CONTAINER_ID and PROFILER_IP set; without it, the container runs until it
    /// ends or Ctrl-C
    #[arg(long, value_name = "CMD")]
    pub test: Option<String>,
    #[command(flatten)]
    pub others: Others,
    /// Where to write: a file, or a folder where others start or have started what is recorded;
    /// SUBJECT.recording.json in this folder where it is left out
    #[arg(short, long, value_name = "FILE|DIR")]
    pub output: Option<PathBuf>,
    /// What to run under while being recorded: `open` allows all but the two ways round a filter
    /// (clone3, io_uring_setup), `default` is the engine's own profile, or a profile's file
    #[arg(long, value_name = "open|default|FILE", default_value = "open")]
    pub under: String,
    /// What becomes of processes that CMD leaves behind: `stop` sends SIGTERM, and SIGKILL after
    /// --grace; `wait` waits until they end
    #[arg(long, value_enum, default_value_t = LeftoverRule::Stop, conflicts_with_all = ["image", "others"])]
    pub leftovers: LeftoverRule,
    /// How long a process that CMD left behind may take to end
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    pub grace: std::time::Duration,
    #[command(flatten)]
    pub trust: Trust,
    /// A line for each change of state, and no live display
    #[arg(short, long)]
    pub quiet: bool,
    #[command(flatten)]
    pub options: RunOptions,
    /// The command; with --image, what the container is started with in place of the image's CMD
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// What somebody else starts, or has started.
#[derive(Debug, Args)]
#[command(next_help_heading = "What others start or have started")]
pub struct Others {
    /// Containers with this label that are started while the test runs
    #[arg(long, value_name = "KEY[=VALUE]", group = "others")]
    pub label: Option<String>,
    /// Containers of this Compose project that are started while the test runs
    #[arg(long, value_name = "PROJECT", group = "others")]
    pub compose_project: Option<String>,
    /// Every container that is started while the test runs
    #[arg(long, group = "others")]
    pub all_containers: bool,
    /// A container that runs already, and whatever it is restarted as
    #[arg(long, value_name = "NAME", num_args = 1.., group = "others")]
    pub container: Vec<String>,
    /// Whatever runs in a cgroup (v2) and below it, from now on
    #[arg(long, value_name = "PATH", group = "others")]
    pub cgroup: Option<PathBuf>,
    /// How long to record what others start or have started; without it and without --test, until
    /// Ctrl-C
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, requires = "others", conflicts_with = "test")]
    pub duration: Option<std::time::Duration>,
}

impl Others {
    /// Whether containers of others are meant.
    pub fn any_container(&self) -> bool {
        self.all_containers
            || self.label.is_some()
            || self.compose_project.is_some()
            || !self.container.is_empty()
    }
}

/// How much a recording is to be relied on.
#[derive(Debug, Args)]
#[command(next_help_heading = "How much it is to be relied on")]
pub struct Trust {
    /// How often what is known so far is written while recording, so that a recorder that is
    /// killed leaves it; 0s: never
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = humantime::parse_duration)]
    pub checkpoint: std::time::Duration,
    /// Fail where anything was lost; the default where CI=true is in the environment
    #[arg(long, overrides_with = "no_strict")]
    pub strict: bool,
    /// Warn only
    #[arg(long, overrides_with = "strict")]
    pub no_strict: bool,
}

impl Trust {
    /// Whether an incomplete recording is a failure.
    pub fn strict(&self) -> bool {
        let in_ci = || std::env::var_os("CI").is_some_and(|value| value == "true");
        self.strict || (!self.no_strict && in_ci())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LeftoverRule {
    Stop,
    Wait,
}

const USAGE: &str = "\
profiler record [-o FILE] [--under open|default|FILE] -- CMD…
       profiler record [-o FILE] --image IMAGE [--test CMD] [container options] [-- ARGS…]
       profiler record [-o DIR] --label KEY[=VALUE] | --compose-project PROJECT | --all-containers
                       [--test CMD | --duration TIME]
       profiler record [-o DIR] --container NAME… | --cgroup PATH [--test CMD | --duration TIME]";

const EXAMPLES: &str = "\
Examples:
  profiler record -o ls.recording.json -- ls -l /
  profiler record --image nginx -p 8080:80 --test 'curl -fsS http://localhost:8080/'
  profiler record --compose-project shop --test 'make integration-test' -o recordings
  profiler record --container web db --duration 10m -o recordings";
