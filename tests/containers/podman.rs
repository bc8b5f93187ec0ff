//! Podman's service in the place of Docker's: it takes a profile as a path, and has states of its own.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use profiler_tests::{Leftovers, assert_root, docker, image, profiler, recording, run, wait_until};

use super::generate;

/// Below what a process of the test may have: Podman asks for more by itself than a container in
/// which the tests run may give.
const OPTIONS: [&str; 6] = [
    "--network",
    "none",
    "--ulimit",
    "nofile=1024",
    "--ulimit",
    "nproc=1024",
];

/// With a folder, a socket and images of its own; ended on drop.
struct Podman {
    folder: tempfile::TempDir,
    service: Child,
}

impl Podman {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut service = Command::new("podman");
        for (option, name) in [
            ("--root", "root"),
            ("--runroot", "run"),
            ("--tmpdir", "tmp"),
        ] {
            service.arg(option).arg(folder.path().join(name));
        }
        // crun refuses the hybrid cgroups that the tests' machine has; vfs mounts nothing.
        let service = service
            .args(["--runtime", "runc", "--cgroup-manager", "cgroupfs"])
            .args(["--storage-driver", "vfs", "--events-backend", "file"])
            .args(["system", "service", "--time", "0"])
            .arg(host(folder.path()))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("cargo xtask setup installs podman");
        let podman = Self { folder, service };
        wait_until("podman's service comes up", || {
            podman
                .command("docker")
                .arg("version")
                .output()
                .unwrap()
                .status
                .success()
        });
        podman
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DOCKER_HOST", host(self.folder.path()));
        command
    }

    fn profiler(&self) -> Command {
        let mut command = profiler();
        command.env("DOCKER_HOST", host(self.folder.path()));
        command
    }

    /// From Docker's images to its own.
    fn load(&self, image: &str) {
        let saved = self.folder.path().join("image.tar");
        docker(&["save", "--output", saved.to_str().unwrap(), image]);
        run(self.command("docker").arg("load").arg("--input").arg(saved)).expect_code(0);
    }

    fn containers(&self) -> String {
        run(self.command("docker").args(["ps", "--all", "--quiet"])).stdout
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.service.id()).unwrap());
        let _ = kill(pid, Signal::SIGTERM);
        let _ = self.service.wait();
    }
}

fn host(folder: &Path) -> String {
    format!("unix://{}", folder.join("sock").display())
}

#[test]
fn a_profile_is_recorded_and_enforced() {
    assert_root();
    let leftovers = Leftovers::watch();
    let podman = Podman::start();
    let image = image("busybox");
    podman.load(&image);
    let (path, profile) = (
        podman.folder.path().join("r.json"),
        podman.folder.path().join("p.json"),
    );
    let recorded = run(podman
        .profiler()
        .args(["record", "--image", &image, "-o"])
        .arg(&path)
        .args(OPTIONS)
        .args(["--", "ls", "/"]));
    let recorded = recorded.expect_code(0);
    let engine = recording(&path).engine.unwrap();
    assert_eq!(
        (engine.name.as_str(), engine.runtime.as_str()),
        ("podman", "runc")
    );
    assert!(
        recorded.stderr.contains("of the runtime's tail"),
        "{}",
        recorded.stderr
    );

    generate(&path, &[], &profile);
    let verify = |command: &[&str]| {
        run(podman
            .profiler()
            .arg("verify")
            .arg(&profile)
            .args(["--image", &image, "--starts", "2"])
            .args(OPTIONS)
            .arg("--")
            .args(command))
    };
    verify(&["ls", "/"]).expect_code(0);
    let denied = verify(&["unshare", "-n", "true"]).expect_code(1);
    assert!(
        denied.stdout.contains("denied: unshare"),
        "{}",
        denied.stdout
    );
    assert_eq!(podman.containers(), "", "left behind");
    drop(podman);
    leftovers.expect_none();
}
