//! The command: parses, runs the verb, and turns what came of it into an exit code.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use profiler::cli::Cli;

fn main() -> ExitCode {
    log_to_stderr();
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

/// Diagnostics, those of the BPF programs too; PROFILER_LOG sets the level.
fn log_to_stderr() {
    env_logger::Builder::new()
        .filter_level(log::LevelFilter::Warn)
        .parse_env("PROFILER_LOG")
        .format(|out, record| {
            let level = record.level().as_str().to_ascii_lowercase();
            writeln!(out, "profiler: {level}: {}", record.args())
        })
        .target(env_logger::Target::Pipe(Box::new(
            profiler::terminal::Stderr,
        )))
        .init();
}
