//! `profiler lint`

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use super::BadInput;
use crate::cli::{FailOn, FindingFormat, LintArgs};
use crate::lint::{self, Findings, Options, Severity};
use crate::output::lint::FileReport;
use crate::recording::Text;
use crate::{file, output, profile};

pub fn lint(args: &LintArgs) -> anyhow::Result<u8> {
    if args.rules {
        super::print(&rules(args.format))?;
        return Ok(0);
    }
    let options = options(args).map_err(|error| BadInput(error.to_string()))?;
    let mut files = Vec::new();
    let mut is_broken = false;
    for path in &args.profiles {
        match judge(path, &options, args.fix) {
            Ok(findings) => files.push(FileReport {
                path: Text::from(path.as_os_str()),
                findings,
            }),
            Err(failure) => {
                is_broken = true;
                eprintln!("profiler: {}", super::one_line(&failure));
            }
        }
    }
    super::print(&match args.format {
        FindingFormat::Text => output::lint::text(&files),
        FindingFormat::Json => output::lint::json(&files),
        FindingFormat::Sarif => output::lint::sarif(&files),
        FindingFormat::Markdown => output::lint::markdown(&files),
    })?;
    if !files.is_empty() {
        eprintln!("profiler: {}", output::lint::summary(&files));
    }
    is_broken |= files.iter().any(|file| file.findings.is_broken);
    Ok(if is_broken {
        2
    } else {
        u8::from(fails(args.fail_on, &files))
    })
}

fn rules(format: FindingFormat) -> String {
    match format {
        FindingFormat::Text => output::lint::rules_as_text(),
        FindingFormat::Json => output::lint::rules_as_json(),
        FindingFormat::Sarif => output::lint::sarif(&[]),
        FindingFormat::Markdown => output::lint::rules_as_markdown(),
    }
}

fn options(args: &LintArgs) -> anyhow::Result<Options> {
    let libseccomp = args.libseccomp.as_deref().map(str::parse).transpose()?;
    let allowed: Result<_, _> = args.allow.iter().map(|name| name.parse()).collect();
    Ok(Options {
        libseccomp,
        allowed: allowed?,
    })
}

fn judge(path: &Path, options: &Options, fix: bool) -> anyhow::Result<Findings> {
    let unmendable = || BadInput(format!("{} is no file that --fix could mend", shown(path)));
    // A pipe could be read, and would wait for a reader.
    if fix && fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(unmendable().into());
    }
    let bytes = profile::bytes(path).map_err(|error| BadInput(error.to_string()))?;
    let is_engines = matches!(bytes, Cow::Borrowed(_));
    if fix && is_engines {
        return Err(unmendable().into());
    }
    let no_profile = |error: lint::NotAProfile| {
        BadInput(format!("{} is no seccomp profile: {error}", shown(path)))
    };
    if !fix {
        return Ok(lint::lint(&bytes, options).map_err(no_profile)?);
    }
    let fixed = lint::fix(&bytes, options).map_err(no_profile)?;
    if !fixed.mended.is_empty() {
        file::replace(path, &fixed.text).map_err(|error| BadInput(error.to_string()))?;
    }
    eprintln!("profiler: mended {} in {}", fixed.mended.len(), shown(path));
    Ok(lint::lint(&fixed.text, options).map_err(no_profile)?)
}

fn shown(path: &Path) -> Text {
    Text::from(path.as_os_str())
}

fn fails(fail_on: FailOn, files: &[FileReport]) -> bool {
    let least = match fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Note => Severity::Note,
        FailOn::Never => return false,
    };
    let mut findings = files.iter().flat_map(|file| &file.findings.findings);
    findings.any(|finding| finding.severity >= least)
}
