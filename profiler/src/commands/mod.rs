//! The verbs: thin, each reads its input, calls the library, and writes what came of it.

mod coverage;
mod diff;
mod explain;
mod floor;
mod generate;
mod harden;
mod here;
mod lint;
mod merge;
mod quiet;
mod record;
mod schema;
mod stage;
mod together;
mod verify;

use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};

use anyhow::Context as _;

pub use coverage::coverage;
pub use diff::diff;
pub use explain::explain;
pub use floor::floor;
pub use generate::generate;
pub use harden::harden;
pub use lint::lint;
pub use merge::merge;
pub use record::record;
pub use schema::schema;
pub use verify::verify;

use crate::cli::{Cli, Verb};
use crate::recording::{Text, harmless};
use crate::target::command::CommandError;
use crate::target::engine::EngineError;
use crate::{capabilities, generator, recording};

/// The exit code, or why there is none.
pub fn run(cli: Cli) -> anyhow::Result<u8> {
    match cli.verb {
        Verb::Record(args) => record(&args),
        Verb::Generate(args) => generate(&args),
        Verb::Explain(args) => explain(&args),
        Verb::Merge(args) => merge(&args),
        Verb::Coverage(args) => coverage(&args),
        Verb::Verify(args) => verify(&args),
        Verb::Diff(args) => diff(&args),
        Verb::Lint(args) => lint(&args),
        Verb::Floor(args) => floor(&args),
        Verb::Harden(args) => harden(&args),
        Verb::Schema(args) => schema(&args),
    }
}

/// Input that a verb cannot judge: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadInput(pub String);

/// A container's, whose engine's API takes text only.
fn engine_arguments(command: &[OsString]) -> Result<Vec<String>, BadInput> {
    let utf8 = |argument: &OsString| {
        argument.to_str().map(str::to_owned).ok_or_else(|| {
            let argument = Text::from(argument.as_os_str());
            BadInput(format!(
                "{argument} is not UTF-8; an engine takes no other arguments"
            ))
        })
    };
    command.iter().map(utf8).collect()
}

/// What tells a caller why there is no verdict: a command's or container's own start failure has
/// its code (126, 127), broken input 2, and our own failures 125, as `docker run`
/// has them.
pub fn failure_code(failure: &anyhow::Error) -> u8 {
    if is_bad_input(failure) {
        2
    } else if let Some(error) = failure.downcast_ref::<CommandError>() {
        error.exit_code()
    } else if let Some(error) = failure.downcast_ref::<EngineError>() {
        error.exit_code()
    } else {
        125
    }
}

fn is_bad_input(failure: &anyhow::Error) -> bool {
    failure.is::<BadInput>()
        || failure.is::<recording::ReadError>()
        || failure.is::<recording::MergeError>()
        || failure.is::<capabilities::ReadError>()
        || failure.is::<generator::GenerateError>()
        || failure.is::<crate::explain::UnknownName>()
}

/// The failure with its causes, each said once, on one line. What a parser repeats of a file is
/// somebody's, and no terminal obeys it.
pub fn one_line(failure: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in failure.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    harmless(&text.replace('\n', "; "))
}

/// A reader that has seen enough (`| head`) is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_parser_repeats_of_a_file_is_obeyed_by_no_terminal() {
        let failure = anyhow::anyhow!("unknown field `\u{1b}]0;owned\u{7}\u{202e}`\nat line 1");
        let line = super::one_line(&failure.context("a.json"));
        assert_eq!(
            line,
            r"a.json: unknown field `\u{1b}]0;owned\u{7}\u{202e}`; at line 1"
        );
    }
}
