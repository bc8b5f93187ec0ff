//! `profiler generate`

use std::collections::BTreeSet;

use crate::cli::{GenerateArgs, OutputFormat};
use crate::generator::{Floor, Options};
use crate::recording::{self, Recording};
use crate::{file, generator, output};

pub fn generate(args: &GenerateArgs) -> anyhow::Result<u8> {
    let recordings = args
        .recordings
        .iter()
        .map(|path| recording::read(path))
        .collect::<Result<Vec<Recording>, _>>()?;

    let floor = args.runtime.as_deref().map(Floor::named).transpose()?;

    let mut warnings = BTreeSet::new();
    let text = match args.format {
        OutputFormat::Oci => {
            let (profile, about) = generator::generate(&recordings, Options { floor })?;
            warnings.extend(about);
            output::oci(&profile)
        }
        OutputFormat::Capabilities => {
            let (list, about) = generator::capabilities(&recordings)?;
            warnings.extend(about);
            output::capabilities(&list)
        }
        OutputFormat::DockerRun => {
            let (list, about) = generator::capabilities(&recordings)?;
            warnings.extend(about);
            output::docker_run(&list, &args.profile)
        }
    };
    for warning in &warnings {
        eprintln!("profiler: warning: {warning}");
    }
    match &args.output {
        Some(path) => file::replace(path, text.as_bytes())?,
        None => super::print(&text)?,
    }
    Ok(0)
}
