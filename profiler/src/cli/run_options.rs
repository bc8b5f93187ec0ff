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

impl RunOptions {
    /// As they would be typed: `docker run`'s own.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut each = |option: &str, values: &[String]| {
            for value in values {
                words.extend([option.to_owned(), value.clone()]);
            }
        };
        let one = |value: &Option<String>| value.clone().into_iter().collect::<Vec<_>>();
        let number = |value: Option<i64>| value.iter().map(i64::to_string).collect::<Vec<_>>();
        let files: Vec<String> = self
            .env_file
            .iter()
            .map(|f| f.display().to_string())
            .collect();
        each("--env", &self.env);
        each("--env-file", &files);
        each("--publish", &self.publish);
        each("--volume", &self.volume);
        each("--user", &one(&self.user));
        each("--workdir", &one(&self.workdir));
        each("--hostname", &one(&self.hostname));
        each("--entrypoint", &one(&self.entrypoint));
        each("--network", &one(&self.network));
        each("--tmpfs", &self.tmpfs);
        each("--cap-drop", &self.cap_drop);
        each("--cap-add", &self.cap_add);
        each("--security-opt", &self.security_opt);
        each("--shm-size", &one(&self.shm_size));
        each("--memory", &one(&self.memory));
        each("--cpus", &one(&self.cpus));
        each("--pids-limit", &number(self.pids_limit));
        each("--ulimit", &self.ulimit);
        each("--sysctl", &self.sysctl);
        each("--stop-signal", &one(&self.stop_signal));
        each("--stop-timeout", &number(self.stop_timeout));
        each("--health-cmd", &one(&self.health_cmd));
        each("--health-interval", &one(&self.health_interval));
        for (switch, is_on) in [
            ("--read-only", self.read_only),
            ("--init", self.init),
            ("--tty", self.tty),
        ] {
            words.extend(is_on.then(|| switch.to_owned()));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::RunOptions;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        options: RunOptions,
    }

    #[test]
    fn what_is_written_can_be_typed() {
        let typed = "--env A=1 --env-file list --publish 80:80 --volume /data --user 1:1 \
            --workdir /srv --hostname box --entrypoint sh --network none --tmpfs /run \
            --cap-drop ALL --cap-add CHOWN --security-opt no-new-privileges --shm-size 1m \
            --memory 32m --cpus 1.5 --pids-limit -1 --ulimit nofile=10:10 --sysctl a=b \
            --stop-signal SIGQUIT --stop-timeout 3 --health-cmd true --health-interval 1s \
            --read-only --init --tty";
        let typed: Vec<&str> = typed.split_whitespace().collect();
        let parse = |words: Vec<String>| {
            let words = std::iter::once("run".to_owned()).chain(words);
            Line::try_parse_from(words).unwrap().options
        };
        let options = parse(typed.iter().map(ToString::to_string).collect());
        assert_eq!(options.words(), typed);
        assert_eq!(parse(options.words()), options);
    }
}
