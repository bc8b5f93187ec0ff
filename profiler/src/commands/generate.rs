//! `profiler generate`

mod here;
mod options;

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};

use self::options::{Elsewhere, base, floor, no_new_privileges, options};
use super::BadInput;
use crate::capabilities::CapabilityList;
use crate::cli::{GenerateArgs, OutputFormat, RunOptions};
use crate::file;
use crate::generator::{self, GenerateError, Warning};
use crate::output::{self, Hardening, Name};
use crate::recording::{self, Recording};

pub fn generate(args: &GenerateArgs) -> anyhow::Result<u8> {
    let recordings = args
        .recordings
        .iter()
        .map(|path| read(path, args.policy.strict))
        .collect::<anyhow::Result<Vec<Recording>>>()?;
    let wanted = no_new_privileges(args);
    let (capabilities, about_capabilities) = capabilities(&recordings, wanted)?;
    let base = base(args, capabilities.as_ref(), &recordings)?;
    let (floor, elsewhere) = (floor(args)?, Elsewhere::new(args));
    let options = options(args, base.as_ref(), floor.as_ref(), &elsewhere);
    let (profile, about_profile) = generator::generate(&recordings, options)?;
    let folder = args.output.as_deref().filter(|path| is_folder(path));
    // The recordings are of one subject: the generator has seen to that.
    let subject = recordings[0].subject.clone();
    let hardening = Hardening {
        name: Name::of(&subject, args.name.as_deref())?,
        subject,
        profile,
        profile_path: profile_path(args, folder)?,
        no_new_privileges: wanted
            .unwrap_or_else(|| generator::recorded_with_no_new_privileges(&recordings)),
        capabilities,
        internal_network: false,
        options: RunOptions::default(),
        arguments: Vec::new(),
    };

    let formats = formats(args, folder, &hardening)?;
    let mut warnings = BTreeSet::new();
    let mut here = Vec::new();
    if formats.iter().any(|&format| output::has_profile(format)) {
        warnings.extend(about_profile);
        here = here::about(&hardening.profile)?;
    }
    if formats
        .iter()
        .any(|&format| output::has_capabilities(format))
    {
        warnings.extend(about_capabilities);
    }
    let mut unsaid = BTreeSet::new();
    let mut texts = Vec::new();
    for format in formats {
        let (text, about) = output::write(format, &hardening)?;
        unsaid.extend(about);
        texts.push((format, text));
    }
    let warnings = warnings.iter().map(ToString::to_string);
    let unsaid = unsaid.iter().map(ToString::to_string);
    for warning in warnings.chain(here).chain(unsaid) {
        eprintln!("profiler: warning: {warning}");
    }
    write(args, folder, &texts)
}

fn read(path: &Path, strict: bool) -> anyhow::Result<Recording> {
    let recording = recording::read(path)?;
    let checked = generator::check_one(&recording);
    let checked = if strict {
        checked.and_then(|()| generator::check_complete(&recording))
    } else {
        checked
    };
    match checked {
        Ok(()) => Ok(recording),
        Err(error) => Err(BadInput(format!("{}: {error}", path.display())).into()),
    }
}

/// `None` where they were not observed.
fn capabilities(
    recordings: &[Recording],
    no_new_privileges: Option<bool>,
) -> Result<(Option<CapabilityList>, Vec<Warning>), GenerateError> {
    match generator::capabilities(recordings, no_new_privileges) {
        Ok((list, warnings)) => Ok((Some(list), warnings)),
        Err(GenerateError::CapabilitiesNotObserved) => Ok((None, Vec::new())),
        Err(error) => Err(error),
    }
}

/// Named as one, or there as one.
fn is_folder(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(b"/") || path.is_dir()
}

fn profile_path(args: &GenerateArgs, folder: Option<&Path>) -> anyhow::Result<String> {
    let path = match (&args.profile, folder) {
        (Some(path), _) => return Ok(path.clone()),
        (None, None) => return Ok("profile.json".to_owned()),
        (None, Some(folder)) => folder.join(output::file_name(OutputFormat::Oci)),
    };
    let path = path.into_os_string().into_string();
    path.map_err(|path| {
        anyhow::anyhow!("{}: no format can name a path that is not UTF-8; name another with -o, or the profile's with --profile", path.display())
    })
}

fn formats(
    args: &GenerateArgs,
    folder: Option<&Path>,
    hardening: &Hardening,
) -> anyhow::Result<Vec<OutputFormat>> {
    let Some(folder) = folder else {
        return Ok(vec![args.format.unwrap_or(OutputFormat::Oci)]);
    };
    if let Some(format) = args.format {
        return Ok(vec![format]);
    }
    let mut formats = output::FORMATS.to_vec();
    if hardening.capabilities.is_none() {
        formats.retain(|&format| format != OutputFormat::Capabilities);
        // Beside files that say nothing of capabilities it would be taken for theirs.
        let stale = folder.join(output::file_name(OutputFormat::Capabilities));
        if stale.exists() {
            bail!(
                "{} is of another recording, as in this one capabilities were not observed; remove it",
                stale.display()
            );
        }
    }
    Ok(formats)
}

fn write(
    args: &GenerateArgs,
    folder: Option<&Path>,
    texts: &[(OutputFormat, String)],
) -> anyhow::Result<u8> {
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder).with_context(|| {
            format!(
                "cannot make the folder {}; name another with -o",
                folder.display()
            )
        })?;
    }
    for (format, text) in texts {
        match (folder, &args.output) {
            (Some(folder), _) => {
                file::replace(&folder.join(output::file_name(*format)), text.as_bytes())?;
            }
            (None, Some(path)) => file::replace(path, text.as_bytes())?,
            (None, None) => super::print(text)?,
        }
    }
    Ok(0)
}
