//! `docker run`'s options as the engine's API takes them: pure, but for what [`Surroundings`]
//! looks up.
//!
//! The engine judges what only it can know (capability names, networks, sysctls); what it would
//! take for something else, or the docker command would refuse, is refused here.

mod environment;
mod limits;
mod mounts;
mod ports;

use std::io;
use std::path::{Path, PathBuf};

use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig};

use crate::cli::RunOptions;

/// An option that cannot be meant so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{option} {value:?}: {reason}")]
pub struct OptionError {
    pub option: &'static str,
    pub value: String,
    pub reason: String,
}

impl OptionError {
    fn new(option: &'static str, value: &str, reason: impl Into<String>) -> Self {
        Self {
            option,
            value: value.to_owned(),
            reason: reason.into(),
        }
    }
}

/// What options refer to outside of the command line.
pub(super) trait Surroundings {
    fn variable(&self, name: &str) -> Option<String>;
    fn read(&self, path: &Path) -> io::Result<String>;
    /// Where relative paths start.
    fn folder(&self) -> io::Result<PathBuf>;
}

/// Those of this process.
pub(super) struct Here;

impl Surroundings for Here {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        std::fs::read_to_string(path)
    }

    fn folder(&self) -> io::Result<PathBuf> {
        std::env::current_dir()
    }
}

/// The create request, but for image, arguments, filter, cgroup and labels.
pub(super) fn translate(
    options: &RunOptions,
    surroundings: &dyn Surroundings,
) -> Result<ContainerCreateBody, OptionError> {
    let ports = ports::publish(&options.publish)?;
    let volumes = mounts::volumes(&options.volume, surroundings)?;
    let host = HostConfig {
        port_bindings: Some(ports.bindings),
        binds: Some(volumes.binds),
        tmpfs: Some(mounts::tmpfs(&options.tmpfs)?),
        network_mode: options.network.clone(),
        readonly_rootfs: Some(options.read_only),
        cap_add: Some(options.cap_add.clone()),
        cap_drop: Some(options.cap_drop.clone()),
        security_opt: no_new_privileges(options)?.then(|| vec!["no-new-privileges".to_owned()]),
        // Absent leaves it to the engine's own configuration.
        init: options.init.then_some(true),
        shm_size: size("--shm-size", options.shm_size.as_deref())?,
        memory: size("--memory", options.memory.as_deref())?,
        nano_cpus: options.cpus.as_deref().map(limits::cpus).transpose()?,
        pids_limit: options.pids_limit,
        ulimits: Some(limits::ulimits(&options.ulimit)?),
        sysctls: Some(limits::sysctls(&options.sysctl)?),
        ..HostConfig::default()
    };
    Ok(ContainerCreateBody {
        env: Some(environment::variables(options, surroundings)?),
        exposed_ports: Some(ports.exposed),
        volumes: Some(volumes.anonymous),
        user: options.user.clone(),
        working_dir: options.workdir.clone(),
        hostname: options.hostname.clone(),
        entrypoint: options.entrypoint.clone().map(|program| vec![program]),
        tty: Some(options.tty),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        stop_signal: options.stop_signal.clone(),
        stop_timeout: options.stop_timeout,
        healthcheck: health_check(options)?,
        host_config: Some(host),
        ..ContainerCreateBody::default()
    })
}

/// Whether the options ask for no-new-privileges; the last word counts.
pub fn no_new_privileges(options: &RunOptions) -> Result<bool, OptionError> {
    let mut asked = false;
    for option in &options.security_opt {
        // The colon is the older form, and the one that most manuals show.
        let (name, value) = option.split_once(['=', ':']).unwrap_or((option, "true"));
        let refused = |reason: &str| OptionError::new("--security-opt", option, reason);
        asked = match (name, value) {
            ("no-new-privileges", "true") => true,
            ("no-new-privileges", "false") => false,
            ("no-new-privileges", _) => return Err(refused("it is true or false")),
            ("seccomp", _) => {
                return Err(refused(
                    "the filter to run under is said by --under open|default|FILE",
                ));
            }
            _ => return Err(refused("only no-new-privileges can be set")),
        };
    }
    Ok(asked)
}

fn size(option: &'static str, value: Option<&str>) -> Result<Option<i64>, OptionError> {
    value.map(|value| limits::size(option, value)).transpose()
}

/// Zero and absent leave it to the image's own check, as the engine has it.
fn health_check(options: &RunOptions) -> Result<Option<HealthConfig>, OptionError> {
    let interval = options.health_interval.as_deref().map(|value| {
        let refused = |reason: String| OptionError::new("--health-interval", value, reason);
        let duration = humantime::parse_duration(value).map_err(|e| refused(e.to_string()))?;
        i64::try_from(duration.as_nanos()).map_err(|_| refused("that is too long".into()))
    });
    let interval = interval.transpose()?;
    let test = options
        .health_cmd
        .clone()
        .map(|command| vec!["CMD-SHELL".to_owned(), command]);
    Ok(
        (test.is_some() || interval.is_some()).then(|| HealthConfig {
            test,
            interval,
            ..HealthConfig::default()
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::{RunOptions, Surroundings, no_new_privileges, translate};
    use clap::Parser as _;
    use std::io;
    use std::path::{Path, PathBuf};

    /// One variable, one file, one folder.
    pub(super) struct Known;

    impl Surroundings for Known {
        fn variable(&self, name: &str) -> Option<String> {
            (name == "OURS").then(|| "our own".to_owned())
        }

        fn read(&self, path: &Path) -> io::Result<String> {
            match path.to_str() {
                Some("list") => {
                    Ok("\u{feff}# two\nA=1\n\n  B=x = y\nOURS\nMISSING\nEMPTY=\n".into())
                }
                Some("blank") => Ok("BAD NAME=1\n".into()),
                Some("nameless") => Ok("=1\n".into()),
                _ => Err(io::ErrorKind::NotFound.into()),
            }
        }

        fn folder(&self) -> io::Result<PathBuf> {
            Ok("/here".into())
        }
    }

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        options: RunOptions,
    }

    fn typed(line: &str) -> RunOptions {
        let words = shell_words::split(line).unwrap();
        let line = Line::try_parse_from(std::iter::once("test".to_owned()).chain(words));
        line.unwrap_or_else(|error| panic!("{error}")).options
    }

    #[test]
    fn nothing_said_leaves_all_to_the_image() {
        let body = translate(&typed(""), &Known).unwrap();
        assert_eq!(body.entrypoint, None);
        assert_eq!(body.user, None);
        assert_eq!(body.healthcheck, None);
        assert_eq!(body.stop_timeout, None);
        let host = body.host_config.unwrap();
        assert_eq!(host.security_opt, None);
        assert_eq!(host.init, None);
        assert_eq!(host.memory, None);
    }

    #[test]
    fn each_option_reaches_its_field() {
        let body = translate(
            &typed(
                "-u 33:33 -w /srv --hostname box --entrypoint '' --network none --read-only \
                 --cap-add NET_ADMIN --cap-drop ALL --security-opt no-new-privileges --init -t \
                 --shm-size 64m --memory 1g --cpus 1.5 --pids-limit -1 --stop-signal SIGQUIT \
                 --stop-timeout 3 --health-cmd 'redis-cli ping' --health-interval 200ms \
                 --tmpfs /run:size=1m --sysctl net.core.somaxconn=1024 --ulimit nofile=10:20",
            ),
            &Known,
        )
        .unwrap();
        assert_eq!(body.user.unwrap(), "33:33");
        assert_eq!(body.working_dir.unwrap(), "/srv");
        assert_eq!(body.hostname.unwrap(), "box");
        assert_eq!(body.entrypoint.unwrap(), [""]);
        assert_eq!(body.tty, Some(true));
        assert_eq!(body.stop_signal.unwrap(), "SIGQUIT");
        assert_eq!(body.stop_timeout, Some(3));
        let health = body.healthcheck.unwrap();
        assert_eq!(health.test.unwrap(), ["CMD-SHELL", "redis-cli ping"]);
        assert_eq!(health.interval, Some(200_000_000));
        let host = body.host_config.unwrap();
        assert_eq!(host.network_mode.unwrap(), "none");
        assert_eq!(host.readonly_rootfs, Some(true));
        assert_eq!(host.cap_add.unwrap(), ["NET_ADMIN"]);
        assert_eq!(host.cap_drop.unwrap(), ["ALL"]);
        assert_eq!(host.security_opt.unwrap(), ["no-new-privileges"]);
        assert_eq!(host.init, Some(true));
        assert_eq!(host.shm_size, Some(64 << 20));
        assert_eq!(host.memory, Some(1 << 30));
        assert_eq!(host.nano_cpus, Some(1_500_000_000));
        assert_eq!(host.pids_limit, Some(-1));
        assert_eq!(host.tmpfs.unwrap()["/run"], "size=1m");
        assert_eq!(host.sysctls.unwrap()["net.core.somaxconn"], "1024");
        assert_eq!(host.ulimits.unwrap()[0].hard, Some(20));
    }

    #[test]
    fn security_options_are_ours_or_refused() {
        let asked = |line: &str| no_new_privileges(&typed(line)).map_err(|e| e.to_string());
        assert_eq!(asked("--security-opt no-new-privileges:true"), Ok(true));
        assert_eq!(asked("--security-opt no-new-privileges=false"), Ok(false));
        for (option, part) in [
            ("seccomp=unconfined", "--under"),
            ("no-new-privileges=maybe", "true or false"),
            ("apparmor=unconfined", "only no-new-privileges"),
            ("", "only no-new-privileges"),
        ] {
            let error = asked(&format!("--security-opt '{option}'")).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn an_interval_is_a_duration() {
        let error = translate(&typed("--health-interval soon"), &Known).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("--health-interval \"soon\": ")
        );
    }
}
