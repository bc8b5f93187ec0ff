//! `profiler floor`: starts containers until no start shows anything new.

mod image;
mod load;
mod stage;
mod tally;
mod ways;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use profiler_common::Abi;

use self::load::Load;
use self::stage::Stage;
use self::tally::Tallies;
use self::ways::WAYS;
use super::here;
use crate::cli::FloorArgs;
use crate::file;
use crate::generator::{self, FloorFile};
use crate::kernel;
use crate::names;
use crate::target::cgroup::Hierarchies;
use crate::target::engine::{Engine, OwnImage};
use crate::target::{Interrupts, Session};
use crate::terminal;
use crate::words::list;

pub fn floor(args: &FloorArgs) -> anyhow::Result<u8> {
    let floor = tokio::runtime::Runtime::new()
        .context("cannot start the I/O threads")?
        .block_on(measure(args.settle))?;
    let Some(path) = &args.output else {
        super::print(&floor.to_json())?;
        return Ok(0);
    };
    file::replace(path, floor.to_json().as_bytes())?;
    let path = path.display().to_string();
    let here = if path.contains('/') { "" } else { "./" };
    terminal::say(&format!(
        "wrote {path}; next: profiler generate RECORDING --runtime {here}{path}"
    ));
    Ok(0)
}

async fn measure(settle: NonZeroUsize) -> anyhow::Result<FloorFile> {
    kernel::preflight()?;
    let engine = Engine::connect().await?;
    let engine_facts = engine.facts().await?;
    // Before anything is made that would have to be cleared away.
    let interrupts = Interrupts::of_this_process().context("cannot listen for signals")?;
    let hierarchies = Hierarchies::find()?;
    let session = Session::new();
    let image = OwnImage::import(&engine, session.name(0), image::tar()?).await?;
    let mut stage = Stage::new(&engine, &engine_facts, &hierarchies, &session, image.name())?;
    let load = Load::begin();
    let mut tallies = Tallies::default();
    let (mut rounds, mut without_news) = (0, 0);
    // A round is a start of either mode in each way.
    while without_news * WAYS.len() < settle.get() {
        let Ok(round) = interrupts.unless(stage.round()).await else {
            bail!("interrupted: nothing is written");
        };
        let mut news = BTreeSet::new();
        for shown in round? {
            news.extend(tallies.add(&shown)?);
        }
        without_news += 1;
        if !news.is_empty() {
            without_news = 0;
            let starts = rounds * WAYS.len();
            // In the first round all is.
            if starts > 0 {
                let news = list(news);
                terminal::say(&format!("new after {starts} starts in each mode: {news}"));
            }
        }
        rounds += 1;
    }
    drop(load);
    image.remove().await?;
    let Tallies {
        plain,
        no_new_privileges,
        init,
    } = tallies;
    Ok(FloorFile {
        format: generator::FORMAT.to_owned(),
        version: generator::VERSION,
        command: format!("profiler floor --settle {settle}"),
        measured: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        tool: here::tool(),
        engine: engine_facts,
        host: here::host(hierarchies.mode)?,
        architecture: names::architecture(Abi::X86_64).to_owned(),
        plain: plain.measurement(),
        no_new_privileges: no_new_privileges.measurement(),
        init: init.measurement(),
    })
}
