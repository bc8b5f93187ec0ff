//! The printed command, pasted, and what an attacker may try in it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

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
        tested(&self.name, test).expect_code(0);
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

    /// From beside it, without a filter of ours: it is reached, and what lies outside is not, which
    /// another network reaches.
    pub(super) fn expect_nothing_outside(&self, tag: &Tag, folder: &Path) {
        let outside = Outside::open();
        let volume = format!("{}:/weapons:ro", folder.join("weapons").display());
        let reach = |network: &str, address: &str| {
            run(Command::new("docker")
                .args(["run", "--rm", "--network", network, "--volume", &volume])
                .args(["--entrypoint", "/weapons/reach", tag.name(), address])
                .arg("8080"))
        };
        let network = self.network.as_deref().expect("a network of its own");
        reach(network, &address(&self.name)).expect_code(0);
        wait_until("it answers", || reach("bridge", Outside::ADDRESS).code == 0);
        let refused = reach(network, Outside::ADDRESS).expect_code(1).stderr;
        assert!(refused.starts_with("reach:"), "{refused}");
        drop(outside);
    }

    /// The last attack: what is left of it spins until the container is removed.
    pub(super) fn expect_few_processes(&self) {
        let bomb = self.exec(&["/weapons/bomb", "300"]).expect_code(1);
        assert!(bomb.stderr.starts_with("fork: "), "{}", bomb.stderr);
    }
}

/// Against a container that runs.
pub(super) fn tested(container: &str, test: &str) -> Ran {
    run(Command::new("sh")
        .args(["-c", test])
        .env("PROFILER_CONTAINER", container)
        .env("PROFILER_IP", address(container)))
}

fn address(container: &str) -> String {
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    docker(&["inspect", "--format", format, container])
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
        let address = address(&name);
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

/// A machine beyond this one, as far as containers can tell: until it is dropped.
struct Outside {
    name: String,
    server: Child,
}

impl Outside {
    /// TEST-NET-2, which is nobody's (RFC 5737).
    const ADDRESS: &str = "198.51.100.2";

    fn open() -> Self {
        let name = unique("outside");
        let (near, far) = ("198.51.100.1", Self::ADDRESS);
        // No more than 15 signs.
        let link = format!("out{}", std::process::id());
        for line in [
            format!("ip netns add {name}"),
            format!("ip link add {link} type veth peer name eth0 netns {name}"),
            format!("ip address add {near}/30 dev {link}"),
            format!("ip link set {link} up"),
            format!("ip -n {name} address add {far}/30 dev eth0"),
            format!("ip -n {name} link set eth0 up"),
            format!("ip -n {name} route add default via {near}"),
        ] {
            run(Command::new("sh").args(["-c", &line])).expect_code(0);
        }
        let server = Command::new("ip")
            .args(["netns", "exec", &name, "python3", "-m", "http.server"])
            .args(["8080", "--bind", far, "--directory", "/srv"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { name, server }
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        // The link goes with its other end.
        let _ = Command::new("ip")
            .args(["netns", "delete", &self.name])
            .output();
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
