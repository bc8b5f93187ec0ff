//! The printed command, pasted, and what an attacker may try in it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use profiler_tests::{Ran, Tag, docker, program, run, unique, wait_until};

/// The printed command, pasted: it runs until it is dropped.
pub(super) struct Pasted {
    pub(super) name: String,
    volumes: Vec<String>,
    network: Option<String>,
}

impl Pasted {
    pub(super) fn start(folder: &Path) -> Self {
        let line = std::fs::read_to_string(folder.join("hardened/docker-run.sh")).unwrap();
        let name = unique("hardened");
        let network = line.split("create --internal ").nth(1);
        let network = network.and_then(|rest| rest.split(' ').next());
        let network = network.map(str::to_owned);
        let volumes = line.split(' ').filter(|word| !word.starts_with('/'));
        let volumes = volumes.filter_map(|word| Some(word.split_once(":/")?.0.to_owned()));
        let volumes = volumes.filter(|volume| !volume.contains('/')).collect();
        let weapons = folder.join("weapons");
        weapons_into(&weapons);
        let ours = format!(
            "docker run --rm --detach --name {name} --volume {}:/weapons:ro",
            weapons.display()
        );
        let line = line.trim_end().replacen("docker run", &ours, 1);
        run(Command::new("sh").current_dir(folder).args(["-c", &line])).expect_code(0);
        Self {
            name,
            volumes,
            network,
        }
    }

    pub(super) fn test(&self, test: &str) {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = docker(&["inspect", "--format", format, &self.name]);
        let mut command = Command::new("sh");
        command.args(["-c", test]);
        command.env("PROFILER_CONTAINER", &self.name);
        command.env("PROFILER_IP", address);
        run(&mut command).expect_code(0);
    }

    pub(super) fn exec(&self, argv: &[&str]) -> Ran {
        exec(&self.name, "0", argv)
    }

    /// As root in it, which an attacker may have become.
    pub(super) fn expect_refusals(&self) {
        // bpf, mount, ptrace, a raw socket, unshare, each by the kernel.
        let probed = self.exec(&["/weapons/probe"]).expect_code(0).stdout;
        let refused: Vec<&str> = probed.lines().filter(|line| line.ends_with(" 1")).collect();
        assert_eq!(refused.len(), 5, "{probed}");
        assert_eq!(gained(&self.name), "0\n");
    }

    pub(super) fn expect_read_only(&self) {
        let written = self.exec(&["sh", "-c", "echo x > /usr/x"]);
        assert_ne!(written.code, 0);
        assert!(written.stderr.contains("Read-only"), "{}", written.stderr);
    }

    /// The last attack: what is left of it spins until the container is removed.
    pub(super) fn expect_few_processes(&self) {
        let bomb = self.exec(&["/weapons/bomb", "300"]).expect_code(1);
        assert!(bomb.stderr.starts_with("fork: "), "{}", bomb.stderr);
    }
}

fn exec(container: &str, user: &str, argv: &[&str]) -> Ran {
    run(Command::new("docker")
        .args(["exec", "-u", user, container])
        .args(argv))
}

/// Programs for an attack, one of them set-id.
fn weapons_into(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (name, mode) in [
        ("bomb", 0o755),
        ("probe", 0o755),
        ("reach", 0o755),
        ("secure", 0o4755),
    ] {
        let path = folder.join(name);
        fs::copy(program(name), &path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// `1` where root's set-id program gives its user's away to nobody.
fn gained(container: &str) -> String {
    exec(container, "65534", &["/weapons/secure"])
        .expect_code(0)
        .stdout
}

/// A service on a network of its own, that others have no business with: until it is dropped.
pub(super) struct Elsewhere {
    name: String,
    address: String,
}

impl Elsewhere {
    /// It can be reached from its own network, and a set-id program gains there: what is refused
    /// elsewhere is refused by what it was hardened with.
    pub(super) fn start(tag: &Tag, folder: &Path) -> Self {
        let weapons = folder.join("weapons");
        weapons_into(&weapons);
        let name = unique("elsewhere");
        docker(&["network", "create", &name]);
        let volume = format!("{}:/weapons:ro", weapons.display());
        let ours = [
            "run",
            "--rm",
            "--detach",
            "--name",
            &name,
            "--network",
            &name,
        ];
        docker(&[&ours[..], &["--volume", &volume, tag.name()]].concat());
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = docker(&["inspect", "--format", format, &name]);
        let elsewhere = Self { name, address };
        wait_until("it answers", || {
            elsewhere.reached_from(&elsewhere.name).code == 0
        });
        assert_eq!(gained(&elsewhere.name), "1\n");
        elsewhere
    }

    pub(super) fn reached_from(&self, container: &str) -> Ran {
        exec(container, "0", &["/weapons/reach", &self.address, "8080"])
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        for removal in [["rm", "--force"], ["network", "rm"]] {
            let mut command = Command::new("docker");
            let _ = command.args(removal).arg(&self.name).output();
        }
    }
}

impl Drop for Pasted {
    fn drop(&mut self) {
        let _ = Command::new("docker")
            .args(["rm", "--force", &self.name])
            .output();
        for volume in &self.volumes {
            let _ = Command::new("docker")
                .args(["volume", "rm", volume])
                .output();
        }
        if let Some(network) = &self.network {
            let _ = Command::new("docker")
                .args(["network", "rm", network])
                .output();
        }
    }
}
