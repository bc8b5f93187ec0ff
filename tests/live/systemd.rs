//! What `--format systemd` writes, enforced by a systemd of its own: the first process of a container
//! that has this machine's files, read-only but for what it writes itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use profiler_tests::{Leftovers, assert_confined, assert_root, profiler, program, run};

use super::record_command;

/// Arguments: a folder to mount at, the folder with `units` and all that they name. The mounts go
/// with the shell's name space.
const BOOT: &str = r#"
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
exec systemd-nspawn --quiet --register=no --keep-unit --private-network --directory="$1/root" \
    --bind="$2:/probe" --bind-ro="$2/units:/run/systemd/system" \
    /lib/systemd/systemd --unit=end.service
"#;

/// After it the machine stops, whatever came of the others.
const END: &str = "\
[Unit]
DefaultDependencies=no
Wants=status.service call.service
After=status.service call.service
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
ExecStart=/bin/true
";

const GETPID: &str = "39";
const GETSID: &str = "124";
const MOUNT: &str = "165";
const UNSHARE: &str = "272";
const CLONE3: &str = "435";

/// A service, and a drop-in made from what the command shows while it is recorded.
fn service(folder: &Path, name: &str, recorded: &[&str], runs: &[&str]) {
    let recording = folder.join(format!("{name}.recording.json"));
    run(record_command(&mut profiler(), &recording).args(recorded)).expect_code(0);
    let drop_in = folder.join(format!("units/{name}.service.d"));
    fs::create_dir_all(&drop_in).unwrap();
    run(profiler()
        .arg("generate")
        .arg(&recording)
        .args(["--format", "systemd", "-o"])
        .arg(drop_in.join("profiler.conf")))
    .expect_code(0);
    let unit = format!(
        "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart={}\n\
         StandardOutput=file:/probe/{name}.out\nStandardError=file:/probe/{name}.err\n",
        runs.join(" ")
    );
    fs::write(folder.join(format!("units/{name}.service")), unit).unwrap();
}

#[test]
fn a_service_passes_under_its_drop_in_and_gets_nothing_else() {
    assert_root();
    let leftovers = Leftovers::watch();
    let (folder, mounts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    let call = folder.join("call");
    fs::copy(program("call"), &call).unwrap();

    let status = ["busybox", "cat", "/proc/self/status"];
    let in_service = ["/usr/bin/busybox", "cat", "/proc/self/status"];
    service(folder, "status", &status, &in_service);
    // getsid is one of those that systemd allows by itself.
    let tried = [GETPID, GETSID, MOUNT, UNSHARE, CLONE3];
    let in_service: Vec<&str> = ["/probe/call"].into_iter().chain(tried).collect();
    service(
        folder,
        "call",
        &[call.to_str().unwrap(), GETPID],
        &in_service,
    );
    fs::write(folder.join("units/end.service"), END).unwrap();

    let booted = run(Command::new("timeout")
        .args([
            "--kill-after=5",
            "60",
            "unshare",
            "--mount",
            "sh",
            "-c",
            BOOT,
            "sh",
        ])
        .args([mounts.path(), folder]))
    .expect_code(0);
    let read = |name: &str| {
        let text = fs::read_to_string(folder.join(name));
        text.unwrap_or_else(|error| panic!("{name}: {error}\n{}", booted.stdout))
    };
    assert_eq!(read("status.err") + &read("call.err"), "");

    assert_confined(&read("status.out"), "0");

    let errnos = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    let free = run(Command::new(&call).args(tried)).expect_code(0);
    assert_eq!(
        errnos(&free.stdout),
        ["39 0", "124 0", "165 14", "272 0", "435 22"],
        "without a filter"
    );
    assert_eq!(
        errnos(&read("call.out")),
        ["39 0", "124 1", "165 1", "272 1", "435 38"]
    );
    leftovers.expect_none();
}
