//! `profiler merge`

use anyhow::Context as _;

use crate::cli::{self, MergeArgs};
use crate::recording::{self, Difference, Recording};

pub fn merge(args: &MergeArgs) -> anyhow::Result<u8> {
    let recordings = args
        .recordings
        .iter()
        .map(|path| recording::read(path))
        .collect::<Result<Vec<Recording>, _>>()?;
    let runs_before: usize = recordings
        .iter()
        .map(|recording| recording.runs.len())
        .sum();
    let files = recordings.len();
    let meant: Vec<Difference> = args.allow.iter().copied().map(meant).collect();
    let whole = recording::merge_all(recordings, &meant)?.context("name a recording")?;
    let runs = whole.runs.len();
    let twice = match runs_before - runs {
        0 => String::new(),
        number => format!(" ({number} stood in more than one)"),
    };
    eprintln!("profiler: runs: {runs}, of recordings: {files}{twice}");
    match &args.output {
        Some(path) => {
            recording::write(path, &whole)?;
            let path = path.display();
            eprintln!("profiler: wrote {path}; next: profiler generate {path}");
        }
        None => super::print(&recording::to_json(&whole))?,
    }
    Ok(0)
}

fn meant(difference: cli::Difference) -> Difference {
    match difference {
        cli::Difference::Image => Difference::Image,
        cli::Difference::Architecture => Difference::Architecture,
        cli::Difference::Kernel => Difference::Kernel,
        cli::Difference::Filter => Difference::Filter,
    }
}
