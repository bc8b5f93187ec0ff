//! `profiler generate`

use std::path::PathBuf;

use clap::Args;

/// Write the profile, or the capabilities, with which what was recorded passes again.
///
/// The result goes to stdout, to FILE, or in every format to DIR; warnings go to stderr.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct GenerateArgs {
    /// What `profiler record` wrote; several of one subject are taken together
    #[arg(value_name = "RECORDING", required = true)]
    pub recordings: Vec<PathBuf>,
    /// Write to FILE, whole or not at all; to DIR/ (or a folder that is there) all formats, or the
    /// one of --format, each under its own name
    #[arg(short, long, value_name = "FILE|DIR/")]
    pub output: Option<PathBuf>,
    /// What to write [default: oci]
    #[arg(long, value_enum)]
    pub format: Option<OutputFormat>,
    /// What the subject is called where a format needs a name (a Compose service, a Pod, a unit)
    /// [default: the recorded Compose service, or what was recorded]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub policy: Policy,
    #[command(flatten)]
    pub start: Start,
    /// Where the profile will lie, for docker-run, compose and podman [default: profile.json, or
    /// where -o writes it]
    #[arg(long, value_name = "FILE")]
    pub profile: Option<String>,
}

/// How the containers are started that the profile is for.
#[derive(Debug, Args)]
pub struct Start {
    /// For what no recording shows of a container's start: what was measured of the runtimes that
    /// NAME fits (docker-runc-1.1.5, runc-1.1, docker), or of yours by `profiler floor -o ./FILE`
    #[arg(long, value_name = "NAME|./FILE")]
    pub runtime: Option<String>,
    /// Whether they are run with no-new-privileges; where they were recorded with it and are run
    /// without, the runtime calls more, and --runtime says what
    #[arg(long, value_enum, value_name = "WHETHER", default_value_t = NoNewPrivileges::AsRecorded)]
    pub no_new_privileges: NoNewPrivileges,
    /// They are run with --init, and were not recorded so: --runtime says what that calls
    #[arg(long, requires = "runtime")]
    pub init: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum NoNewPrivileges {
    On,
    Off,
    AsRecorded,
}

/// What the profile is to be.
#[derive(Debug, Args)]
pub struct Policy {
    /// Which calls are allowed with the arguments that were seen only
    #[arg(long, value_enum, default_value_t = ArgumentLevel::Safe)]
    pub args: ArgumentLevel,
    /// What becomes of a call that is not allowed [default: errno, or as the base has it]
    #[arg(long, value_enum, value_name = "ACTION")]
    pub default_action: Option<DefaultAction>,
    /// Refuse nothing: what would be refused passes, and the kernel logs it
    #[arg(long, conflicts_with = "default_action")]
    pub log: bool,
    /// Begin from PROFILE: all of its rules are kept, what was seen is added; docker-default is
    /// Docker's own, for the capabilities that are kept
    #[arg(long, value_name = "PROFILE")]
    pub base: Option<PathBuf>,
    /// Allow besides what is called instead elsewhere: by another libc, on an older kernel or another
    /// machine, on another architecture [default: all three]
    #[arg(
        long,
        value_enum,
        value_name = "KIND",
        num_args = 0..,
        require_equals = true,
        value_delimiter = ',',
        default_missing_values = ["libc", "kernel", "arch"]
    )]
    pub portable: Vec<PortableKind>,
    /// List the architectures NAME too, with what is called there instead
    #[arg(long, value_enum, value_name = "NAME", value_delimiter = ',')]
    pub arch: Vec<Architecture>,
    /// Refuse a recording that lost anything, or that did not come to its end
    #[arg(long)]
    pub strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum PortableKind {
    /// musl where it was glibc, glibc where it was musl, an older or newer one
    Libc,
    /// An older kernel, or a machine whose clock takes a call
    Kernel,
    /// aarch64, ppc64le, riscv64, or those of --arch
    Arch,
}

/// Of our byte order: libseccomp loads no profile of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Architecture {
    #[value(name = "x86_64", alias = "amd64")]
    X86_64,
    #[value(alias = "i386")]
    X86,
    X32,
    #[value(alias = "arm64")]
    Aarch64,
    Arm,
    Ppc64le,
    Riscv64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DefaultAction {
    /// It fails with EPERM
    Errno,
    /// The process is killed
    Kill,
    /// It passes, and the kernel logs it
    Log,
    /// The process is sent SIGSYS
    Trap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ArgumentLevel {
    /// None
    Off,
    /// Those whose arguments decide what they can do (socket, clone, ioctl, prctl, mmap …)
    Safe,
    /// Those on hot paths besides (futex, openat …), at 16 to 25 ns a call
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// The seccomp profile, as Docker and Podman load it
    Oci,
    /// The capabilities to keep, with evidence, as JSON
    Capabilities,
    /// A `docker run` command, on one line
    DockerRun,
    /// An override file for Docker Compose
    Compose,
    /// A Pod with its securityContext
    Kubernetes,
    /// A SeccompProfile of the Security Profiles Operator
    Spo,
    /// A Quadlet unit for Podman
    Podman,
    /// A drop-in for a systemd service
    Systemd,
}

const EXAMPLES: &str = "\
Examples:
  profiler generate nginx.recording.json -o profile.json
  profiler generate nginx.recording.json --format capabilities -o capabilities.json
  profiler generate web.recording.json --format compose -o compose.override.yaml
  profiler generate nginx.recording.json -o hardened/";
