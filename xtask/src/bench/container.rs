//! A container in the background.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::tracer::hierarchy;
use crate::shell::output;

/// Removed in the end.
pub(super) struct Container {
    pub(super) name: String,
}

impl Container {
    /// `words`: options, image and command of `docker run`.
    pub(super) fn start(what: &str, words: &[&str]) -> Result<Self> {
        let container = Self {
            name: format!("profiler-bench-{}-{what}", std::process::id()),
        };
        output(
            Command::new("docker")
                .args(["run", "-d", "--name", &container.name])
                .args(words),
        )?;
        Ok(container)
    }

    pub(super) fn address(&self) -> Result<String> {
        self.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
    }

    /// Its first process, as the host counts.
    pub(super) fn process(&self) -> Result<String> {
        self.inspect("{{.State.Pid}}")
    }

    fn inspect(&self, format: &str) -> Result<String> {
        output(Command::new("docker").args(["inspect", "-f", format, &self.name]))
    }

    /// In the v2 hierarchy.
    pub(super) fn cgroup(&self) -> Result<PathBuf> {
        let groups = std::fs::read_to_string(format!("/proc/{}/cgroup", self.process()?))?;
        let path = groups.lines().find_map(|line| line.strip_prefix("0::/"));
        let path = path.context("the container is in no cgroup of v2")?;
        Ok(hierarchy()?.join(path))
    }

    /// That its processes have had since it was started.
    pub(super) fn processor_microseconds(&self) -> Result<f64> {
        let told = std::fs::read_to_string(self.cgroup()?.join("cpu.stat"))?;
        let time = told
            .lines()
            .find_map(|line| line.strip_prefix("usage_usec "));
        let time = time.context("cpu.stat has no usage_usec")?;
        Ok(time.parse()?)
    }

    pub(super) fn processes(&self) -> Result<Vec<String>> {
        let list = self.cgroup()?.join("cgroup.procs");
        let processes = std::fs::read_to_string(list)?;
        Ok(processes.lines().map(str::to_owned).collect())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = output(Command::new("docker").args(["rm", "-f", "-v", &self.name]));
    }
}
