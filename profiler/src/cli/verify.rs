//! `profiler verify`

use std::ffi::OsString;
use std::num::NonZeroU8;
use std::path::PathBuf;

use clap::Args;

use super::RunOptions;

/// Run a container or a command under a profile, and tell what was denied.
///
/// Passes (exit code 0) where every start and the test pass and nothing was refused; a refused
/// call is a finding (exit code 1) though the test passes without it. With an image, the start-up
/// is run several times, since a call that one start in ten makes passes a single one; the test
/// is run once, in the first, with a pause and an unpause in it. The verdict goes to stdout; with
/// a command, whose stdout is its own, to stderr.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, override_usage = USAGE)]
pub struct VerifyArgs {
    /// A seccomp profile, as `profiler generate` writes it, or docker-default: that of Docker
    pub profile: PathBuf,
    /// The image to start containers of
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// Drop all capabilities but those that this list keeps (`generate --format capabilities`)
    #[arg(long, value_name = "FILE", requires = "image")]
    pub capabilities: Option<PathBuf>,
    /// Then find out which capabilities of the list the test passes without, by leaving out some
    /// at a time
    #[arg(long, requires = "capabilities")]
    pub ablate: bool,
    /// Where to write the list that came of --ablate; without it, it is told only
    #[arg(short, long, value_name = "FILE", requires = "ablate")]
    pub output: Option<PathBuf>,
    /// A shell command that tests the container: run on the host once it is ready, with
    /// PROFILER_CONTAINER, PROFILER_CONTAINER_ID and PROFILER_IP set
    #[arg(long, value_name = "CMD", requires = "image")]
    pub test: Option<String>,
    /// How often to start the container
    #[arg(long, value_name = "NUMBER", requires = "image", default_value = "10")]
    pub starts: NonZeroU8,
    #[command(flatten)]
    pub options: RunOptions,
    /// The command to run; with --image, what the container runs in place of the image's own
    #[arg(last = true, value_name = "CMD", required_unless_present = "image")]
    pub command: Vec<OsString>,
}

const USAGE: &str = "\
profiler verify PROFILE -- CMD…
       profiler verify PROFILE --image IMAGE [--capabilities FILE [--ablate [-o FILE]]] [--test CMD]
                       [--starts NUMBER] [container options] [-- ARGS…]";

const EXAMPLES: &str = "\
Examples:
  profiler verify profile.json --capabilities capabilities.json --image nginx \\
      --test 'curl --fail http://$PROFILER_IP/'
  profiler verify profile.json -- ls -l /";
