//! `cargo xtask build-ebpf`: makes the committed BPF object again, byte for byte.
//!
//! Installs the pinned toolchain where it is missing. Only this needs it: a plain `cargo build`
//! takes the object as it is committed. The stable compiler builds core for the BPF target
//! itself (RUSTC_BOOTSTRAP), so that no nightly is involved.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::shell::{on_path, output, run, succeeds, workspace};

const RUST: &str = "1.95.0";
const BPF_LINKER: &str = "0.13.0";
/// The LLVM that Rust 1.95's bitcode is of, as Debian packages it.
const LLVM: &str = "22";
const TARGET: &str = "bpfel-unknown-none";

const OBJECT: &str = "profiler/bpf/profiler-x86_64.o";
const SOURCES: &str = "profiler/bpf/sources.sha256";
/// What the object is made of, and what a changed dependency or flag would show in.
const INPUTS: [&str; 3] = [
    "profiler-common",
    "profiler-ebpf",
    "xtask/src/build_ebpf.rs",
];

/// With `check` nothing is written: an object that differs from the committed one is an error.
pub(crate) fn build_ebpf(check: bool) -> Result<()> {
    install_toolchain()?;
    let object = build(&workspace())?;
    let sources = sources_hash(&workspace())?;
    if !check {
        fs::write(workspace().join(OBJECT), object)?;
        fs::write(workspace().join(SOURCES), sources)?;
        eprintln!("build-ebpf: wrote {OBJECT}");
        return Ok(());
    }
    let committed = fs::read(workspace().join(OBJECT)).context(OBJECT)?;
    if committed != object {
        bail!(
            "{OBJECT} is not what its sources make (LLVM here: {}): run `cargo xtask build-ebpf` and commit it",
            llvm_version()?
        );
    }
    eprintln!("build-ebpf: {OBJECT} is what its sources make");
    Ok(())
}

fn install_toolchain() -> Result<()> {
    let rustc = output(rustc().arg("--version"));
    if !rustc
        .as_deref()
        .is_ok_and(|v| v.starts_with(&format!("rustc {RUST} ")))
    {
        run(Command::new("rustup").args(["toolchain", "install", RUST, "--profile", "minimal"]))?;
    }
    let sysroot = sysroot()?;
    if !sysroot.join("lib/rustlib/src/rust/library/core").is_dir() {
        run(Command::new("rustup").args(["component", "add", "rust-src", "--toolchain", RUST]))?;
    }
    if !Path::new(&llvm_prefix()).join("include/llvm-c").is_dir() {
        // libzstd and zlib: what LLVM's own libraries are linked with.
        let packages = [
            &format!("llvm-{LLVM}-dev"),
            &format!("libpolly-{LLVM}-dev"),
            "libzstd-dev",
            "zlib1g-dev",
        ];
        if !on_path("apt-get") {
            bail!("this is no Debian (no apt-get): install LLVM {LLVM} with its headers by hand");
        }
        let install = || {
            succeeds(
                Command::new("apt-get")
                    .env("DEBIAN_FRONTEND", "noninteractive")
                    .args(["install", "-y", "--no-install-recommends"])
                    .args(packages),
            )
        };
        if !install() {
            run(Command::new("apt-get").arg("update"))?;
            if !install() {
                bail!("apt-get cannot install {}", packages.join(" "));
            }
        }
    }
    if !linker_is_right() {
        eprintln!("build-ebpf: building bpf-linker {BPF_LINKER}, some two minutes");
        run(Command::new("cargo")
            .args([
                "install",
                "bpf-linker",
                "--locked",
                "--force",
                "--version",
                BPF_LINKER,
            ])
            .args([
                "--no-default-features",
                "--features",
                &format!("llvm-{LLVM}"),
            ])
            .arg("--root")
            .arg(tools())
            .env("LLVM_PREFIX", llvm_prefix())
            .env("RUSTUP_TOOLCHAIN", RUST))?;
    }
    Ok(())
}

fn build(checkout: &Path) -> Result<Vec<u8>> {
    let flags = [
        "--cfg=bpf_target_arch=\"x86_64\"".to_owned(),
        // The linker makes BTF out of it; the rest is stripped below.
        "-Cdebuginfo=2".to_owned(),
        "-Clink-arg=--btf".to_owned(),
        format!("-Clinker={}", tools().join("bin/bpf-linker").display()),
        // v4 does not load before Linux 6.6.
        "-Ctarget-cpu=v3".to_owned(),
        // The BTF names source files.
        format!("--remap-path-prefix={}=/profiler", checkout.display()),
        format!("--remap-path-prefix={}=/cargo", cargo_home()?.display()),
        format!("--remap-path-prefix={}=/rust", sysroot()?.display()),
    ];
    let target_dir = checkout.join("target/ebpf");
    run(Command::new("cargo")
        .current_dir(checkout)
        .args([
            "build",
            "--quiet",
            "--locked",
            "--release",
            "--package",
            "profiler-ebpf",
        ])
        .args(["-Z", "build-std=core", "--target", TARGET])
        .arg("--target-dir")
        .arg(&target_dir)
        .env("RUSTUP_TOOLCHAIN", RUST)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        // The calling cargo's own; RUSTFLAGS would otherwise be read before the encoded ones.
        .env_remove("RUSTC")
        .env_remove("RUSTFLAGS"))?;
    let linked = target_dir.join(TARGET).join("release/profiler-ebpf");
    let stripped = linked.with_extension("stripped");
    run(
        Command::new(Path::new(&llvm_prefix()).join("bin/llvm-strip"))
            .arg("--strip-debug")
            .arg(&linked)
            .arg("-o")
            .arg(&stripped),
    )?;
    fs::read(&stripped).with_context(|| stripped.display().to_string())
}

/// One line: of every input file's path and content, in order of path.
fn sources_hash(checkout: &Path) -> Result<String> {
    let mut files = Vec::new();
    for input in INPUTS {
        collect(&checkout.join(input), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let name = file.strip_prefix(checkout)?.to_string_lossy().into_owned();
        let content = fs::read(&file).with_context(|| name.clone())?;
        hash.update(format!("{name}\0{}\0", content.len()));
        hash.update(content);
    }
    let mut line = String::new();
    for byte in hash.finalize() {
        write!(line, "{byte:02x}")?;
    }
    line.push('\n');
    Ok(line)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| path.display().to_string())? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}

fn rustc() -> Command {
    let mut command = Command::new("rustc");
    command.env("RUSTUP_TOOLCHAIN", RUST);
    command
}

fn sysroot() -> Result<PathBuf> {
    Ok(output(rustc().args(["--print", "sysroot"]))?.into())
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    let home = std::env::home_dir().context("no home folder, so no cargo home")?;
    Ok(home.join(".cargo"))
}

fn llvm_prefix() -> String {
    format!("/usr/lib/llvm-{LLVM}")
}

fn llvm_version() -> Result<String> {
    output(Command::new(Path::new(&llvm_prefix()).join("bin/llvm-config")).arg("--version"))
}

/// Shared by all checkouts: the linker takes minutes to build.
fn tools() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
        || {
            std::env::home_dir()
                .unwrap_or_else(|| "/root".into())
                .join(".cache")
        },
        PathBuf::from,
    );
    cache.join(format!(
        "profiler-bpf-linker-{BPF_LINKER}-llvm-{LLVM}-rust-{RUST}"
    ))
}

fn linker_is_right() -> bool {
    output(Command::new(tools().join("bin/bpf-linker")).arg("--version"))
        .is_ok_and(|version| version.contains(BPF_LINKER))
}

#[cfg(test)]
mod tests {
    use super::{SOURCES, sources_hash};
    use crate::shell::workspace;

    #[test]
    fn the_committed_object_is_of_these_sources() {
        let committed = std::fs::read_to_string(workspace().join(SOURCES)).unwrap();
        assert_eq!(
            committed,
            sources_hash(&workspace()).unwrap(),
            "the BPF sources changed: run `cargo xtask build-ebpf` and commit what it writes"
        );
    }
}
