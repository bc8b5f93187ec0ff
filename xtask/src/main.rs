//! The project's own chores: `cargo xtask CHORE`.

mod apt;
mod bench;
mod build_ebpf;
mod demo;
mod fuzz;
mod images;
mod programs;
mod quadlet;
mod recordings;
mod setup;
mod shell;
mod test;
mod tidy;
mod vm;

use std::process::ExitCode;

use clap::Parser;

/// The project's own chores.
#[derive(Debug, Parser)]
enum Chore {
    /// Measure what we cost, beside what others cost
    Bench {
        /// Few and short rounds: two minutes, not ten
        #[arg(long)]
        quick: bool,
        /// Put the tables into README.md and docs/ too; of all groups
        #[arg(long, conflicts_with = "groups")]
        write_docs: bool,
        /// calls, servers, complete, start, scale, profiles or files; all of them where none is
        /// named
        groups: Vec<String>,
    },
    /// Make the committed BPF object again; installs the pinned toolchain where it is missing
    BuildEbpf {
        /// Write nothing; fail where the object differs from the committed one
        #[arg(long)]
        check: bool,
    },
    /// Build, record a real program, and print its profile
    Demo,
    /// Try the parsers with many more bytes than the tests do
    Fuzz {
        /// For each parser
        #[arg(default_value_t = 100_000)]
        cases: u32,
    },
    /// Make the test images from Debian's packages
    Images,
    /// Compile the tests' own programs
    Programs,
    /// Record the test images again, for the golden files
    Recordings,
    /// Install what the tests need, and start an engine where none runs
    Setup,
    /// Set up, build, and run every test there is
    Test,
    /// Check what compilers do not: layering, file sizes, leftovers
    Tidy,
    /// Record on Debian's kernels, each booted in a VM of its own
    Vm {
        /// 6.1, 6.12 or newest; all of them where none is named
        kernels: Vec<String>,
    },
}

impl Chore {
    fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Bench {
                quick,
                write_docs,
                groups,
            } => bench::bench(*quick, *write_docs, groups),
            Self::BuildEbpf { check } => build_ebpf::build_ebpf(*check),
            Self::Demo => demo::demo(),
            Self::Fuzz { cases } => fuzz::fuzz(*cases),
            Self::Images => images::images(),
            Self::Programs => programs::programs(),
            Self::Recordings => recordings::recordings(),
            Self::Setup => setup::setup(),
            Self::Test => test::test(),
            Self::Tidy => tidy::tidy(),
            Self::Vm { kernels } => vm::vm(kernels),
        }
    }
}

fn main() -> ExitCode {
    match Chore::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure:#}");
            ExitCode::FAILURE
        }
    }
}
