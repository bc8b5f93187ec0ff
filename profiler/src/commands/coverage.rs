//! `profiler coverage`

use super::{BadInput, together};
use crate::cli::{CoverageArgs, CoverageFormat};
use crate::output::coverage::{Report, json, text};
use crate::{coverage, generator};

pub fn coverage(args: &CoverageArgs) -> anyhow::Result<u8> {
    let recording = together::read(&args.together)?.recording;
    generator::check_one(&recording)?;
    if let (Some(_), Some(losses)) = (args.fail_under, recording.losses.in_words()) {
        let message =
            format!("--fail-under takes no recording that lost anything ({losses}); record again");
        return Err(BadInput(message).into());
    }
    let coverage = coverage::coverage(&recording);
    let wanted = args.fail_under.map(|percent| (100.0 - percent) / 100.0);
    let report = Report::new(&recording, &coverage, wanted);
    super::print(&match args.format {
        CoverageFormat::Text => text(&report),
        CoverageFormat::Json => json(&report),
    })?;
    Ok(u8::from(
        wanted.is_some_and(|wanted| report.chance_at_most > wanted),
    ))
}
