//! `profiler merge`

use super::together;
use crate::cli::MergeArgs;
use crate::recording;

pub fn merge(args: &MergeArgs) -> anyhow::Result<u8> {
    let whole = together::read(&args.together)?;
    let files = args.together.recordings.len();
    let runs = whole.recording.runs.len();
    let twice = match whole.runs - runs {
        0 => String::new(),
        number => format!(" ({number} stood in more than one)"),
    };
    eprintln!("profiler: runs: {runs}, of recordings: {files}{twice}");
    match &args.output {
        Some(path) => {
            recording::write(path, &whole.recording)?;
            let path = path.display();
            eprintln!("profiler: wrote {path}; next: profiler generate {path}");
        }
        None => super::print(&recording::to_json(&whole.recording))?,
    }
    Ok(0)
}
