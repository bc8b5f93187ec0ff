//! The options of `docker run` that matter to what a container asks of the kernel, under the
//! same names. As typed: `target::engine::options` checks and translates them.

use std::path::PathBuf;

use clap::Args;

#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Container options, as `docker run` has them")]
pub struct RunOptions {
    /// Set a variable, or hand on ours of that name
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub env: Vec<String>,
    /// Set the variables that a file lists, one a line
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
    /// Publish a port
    #[arg(short, long, value_name = "[[IP:]HOST:]CONTAINER[/PROTOCOL]")]
    pub publish: Vec<String>,
    /// Mount a folder or a volume
    #[arg(short, long, value_name = "[SOURCE:]PATH[:OPTIONS]")]
    pub volume: Vec<String>,
    /// Run as this user
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub user: Option<String>,
    /// Run in this folder of the container
    #[arg(short, long, value_name = "PATH")]
    pub workdir: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub hostname: Option<String>,
    /// Start this program in place of the image's; an empty one takes the first of ARGS
    #[arg(long, value_name = "PROGRAM")]
    pub entrypoint: Option<String>,
    /// bridge, host, none, container:NAME, or a network's name
    #[arg(long, value_name = "NETWORK")]
    pub network: Option<String>,
    /// Mount a tmpfs
    #[arg(long, value_name = "PATH[:OPTIONS]")]
    pub tmpfs: Vec<String>,
    /// Make the container's root file system read-only
    #[arg(long)]
    pub read_only: bool,
    #[arg(long, value_name = "CAPABILITY")]
    pub cap_add: Vec<String>,
    #[arg(long, value_name = "CAPABILITY")]
    pub cap_drop: Vec<String>,
    /// no-new-privileges; a filter is given otherwise
    #[arg(long, value_name = "OPTION")]
    pub security_opt: Vec<String>,
    /// Run the engine's own init as process 1
    #[arg(long)]
    pub init: bool,
    /// Give it a terminal
    #[arg(short, long)]
    pub tty: bool,
    #[arg(long, value_name = "SIZE")]
    pub shm_size: Option<String>,
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
    /// How many processors, as in 1.5
    #[arg(long, value_name = "NUMBER")]
    pub cpus: Option<String>,
    /// At most so many processes; -1: no limit
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    pub pids_limit: Option<i64>,
    #[arg(long, value_name = "NAME=SOFT[:HARD]")]
    pub ulimit: Vec<String>,
    #[arg(long, value_name = "NAME=VALUE")]
    pub sysctl: Vec<String>,
    /// The signal that asks it to stop
    #[arg(long, value_name = "SIGNAL")]
    pub stop_signal: Option<String>,
    /// Seconds from that signal to SIGKILL; -1: never
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub stop_timeout: Option<i64>,
    /// A shell command in the container that tells whether it is ready
    #[arg(long, value_name = "COMMAND")]
    pub health_cmd: Option<String>,
    /// Time between health checks, as in 500ms
    #[arg(long, value_name = "DURATION")]
    pub health_interval: Option<String>,
}
