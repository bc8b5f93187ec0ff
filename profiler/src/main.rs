//! The command: parses, runs the verb, and turns what came of it into an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use profiler::cli::Cli;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap tells them apart by the stream it prints to.
            let code = if error.use_stderr() {
                profiler::cli::usage_code()
            } else {
                0
            };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match profiler::commands::run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("profiler: {}", profiler::commands::one_line(&failure));
            ExitCode::from(profiler::commands::failure_code(&failure))
        }
    }
}
