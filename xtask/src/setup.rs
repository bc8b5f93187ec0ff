//! `cargo xtask setup`: what the tests need and a fresh Debian 12 lacks.
//!
//! Looks before it installs, so that a second run costs nothing. Never replaces an engine that
//! answers, and never goes on without something: what cannot be had is named.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::apt;
use crate::quadlet;
use crate::shell::{on_path, output, run, succeeds, workspace};

/// Debian packages, and what for.
const PACKAGES: [(&str, &str); 14] = [
    (
        "busybox-static",
        "the smallest test image, and health checks",
    ),
    ("curl", "requests of the nginx test"),
    (
        "docker-compose",
        "a project of several services, started by somebody else",
    ),
    ("gcc", "the tests' own programs"),
    ("gcc-multilib", "programs of the i386 ABI"),
    ("libc6-dev", "static programs"),
    ("libseccomp2", "`verify -- CMD` compiles profiles with it"),
    ("mmdebstrap", "the test images' root file systems"),
    ("musl-tools", "programs of another libc"),
    (
        "podman",
        "another engine: it takes profiles by path, and has states of its own",
    ),
    ("strace", "the oracle that the recorder is held against"),
    ("stress-ng", "load beside the recorder"),
    ("systemd", "`systemd-analyze` reads the drop-ins"),
    ("systemd-container", "a systemd of its own enforces them"),
];

/// A newer glibc than the machine's, by whose loader programs run.
const NEWER_SUITE: &str = "trixie";
const NEWER_LIBC: &str = "usr/lib/x86_64-linux-gnu";

/// Starting containers takes far less; a loaded machine's first start of containerd may not.
const ENGINE_START: Duration = Duration::from_secs(90);

pub(crate) fn setup() -> Result<()> {
    assert_root()?;
    provide(&PACKAGES)?;
    // Others' package of it has the same file.
    if !on_path("kubectl") {
        install(&["kubernetes-client"])?;
    }
    quadlet::provide()?;
    apt::provide(NEWER_SUITE, "libc6", NEWER_LIBC, "glibc")?;
    let engine_answers = engine_answers();
    if !engine_answers && !on_path("dockerd") {
        install(&["docker.io"])?;
    }
    if !on_path("docker") {
        bail!("an engine answers, but there is no `docker` command: install Docker's client");
    }
    if !engine_answers {
        start_engine()?;
    }
    eprintln!(
        "setup: engine {}, packages there",
        output(Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]))?
    );
    Ok(())
}

/// Installs those of the packages (name, what for) that are missing.
pub(crate) fn provide(packages: &[(&str, &str)]) -> Result<()> {
    let missing: Vec<&str> = packages
        .iter()
        .map(|(package, _)| *package)
        .filter(|package| !installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing)
}

pub(crate) fn assert_root() -> Result<()> {
    let uid = output(Command::new("id").arg("-u"))?;
    if uid != "0" {
        bail!(
            "the tests load BPF programs and make cgroups and images: run as root, not uid {uid}"
        );
    }
    Ok(())
}

fn installed(package: &str) -> bool {
    output(Command::new("dpkg-query").args(["-W", "-f", "${db:Status-Status}", package]))
        .is_ok_and(|status| status == "installed")
}

fn install(packages: &[&str]) -> Result<()> {
    eprintln!("setup: installing {}", packages.join(" "));
    if !on_path("apt-get") {
        bail!(
            "this is no Debian (no apt-get): install what gives {} by hand",
            packages.join(", ")
        );
    }
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args([
            "-qq",
            "-y",
            "-o",
            "Dpkg::Use-Pty=0",
        ]);
        command
    };
    let install = || {
        let mut command = apt();
        command
            .args(["install", "--no-install-recommends"])
            .args(packages);
        command
    };
    // The package lists may be there and fresh enough; fetching them is the slow part.
    if !succeeds(&mut install()) {
        run(apt().arg("update"))?;
        run(&mut install())
            .with_context(|| format!("could not install {}", packages.join(", ")))?;
    }
    match packages.iter().find(|package| !installed(package)) {
        Some(package) => bail!("apt-get says it installed {package}, dpkg-query says it did not"),
        None => Ok(()),
    }
}

fn engine_answers() -> bool {
    succeeds(
        Command::new("docker")
            .arg("info")
            .arg("--format={{.ServerVersion}}"),
    )
}

fn start_engine() -> Result<()> {
    if let Some(host) = std::env::var_os("DOCKER_HOST") {
        bail!(
            "no engine answers at DOCKER_HOST={}: start it, or unset DOCKER_HOST",
            host.to_string_lossy()
        );
    }
    let log = workspace().join("target/dockerd.log");
    if Path::new("/run/systemd/system").exists() {
        run(Command::new("systemctl").args(["start", "docker"]))?;
    } else {
        eprintln!("setup: starting dockerd, log in {}", log.display());
        fs::create_dir_all(workspace().join("target"))?;
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        // A session of its own: the engine outlives this command and its terminal.
        Command::new("setsid")
            .arg("dockerd")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("cannot start dockerd")?;
    }
    let started = Instant::now();
    while !engine_answers() {
        if started.elapsed() > ENGINE_START {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            bail!(
                "the engine did not answer within {} s; its last words:\n{}",
                ENGINE_START.as_secs(),
                lines[lines.len().saturating_sub(15)..].join("\n")
            );
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    Ok(())
}
