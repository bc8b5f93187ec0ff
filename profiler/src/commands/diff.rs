//! `profiler diff`

use std::borrow::Cow;
use std::path::Path;

use serde_json::Value;

use super::BadInput;
use crate::capabilities::{self, CapabilityList};
use crate::cli::{DiffArgs, DiffFailOn, DiffFormat};
use crate::diff::{self, Side};
use crate::output::diff::{DiffReport, json, markdown, sarif, summary, text};
use crate::profile::{self, Container};
use crate::recording::{self, Text};
use crate::words::count;

pub fn diff(args: &DiffArgs) -> anyhow::Result<u8> {
    let (old, new) = (Input::read(&args.old)?, Input::read(&args.new)?);
    let recorded = [new.recorded()?, old.recorded()?];
    let container = container(args, &recorded)?;
    let [recorded_new, recorded_old] = recorded;
    let (older, newer) = (
        old.side(recorded_old, &container)?,
        new.side(recorded_new, &container)?,
    );
    let diff = diff::diff(&older, &newer).map_err(|error| BadInput(error.to_string()))?;
    let report = DiffReport {
        old: Text::from(args.old.as_os_str()),
        new: Text::from(args.new.as_os_str()),
        diff: &diff,
    };
    super::print(&match args.format {
        DiffFormat::Text => text(&report),
        DiffFormat::Markdown => markdown(&report),
        DiffFormat::Json => json(&report),
        DiffFormat::Sarif => sarif(&report, &String::from_utf8_lossy(&new.bytes)),
    })?;
    eprintln!("profiler: {}", summary(&diff));
    let chance = diff.calls.iter().filter(|call| call.may_be_chance).count();
    if chance > 0 {
        let what = count(chance, "change", "changes");
        eprintln!("profiler: {what} may be chance, and do not count");
    }
    Ok(u8::from(match args.fail_on {
        DiffFailOn::Widened => diff.is_wider(),
        DiffFailOn::Changed => diff.is_changed(),
        DiffFailOn::Never => false,
    }))
}

/// Held against the conditions of rules.
fn container(args: &DiffArgs, recorded: &[Option<Side>]) -> Result<Container, BadInput> {
    let bad = |error: profile::UnknownCapability| BadInput(error.to_string());
    let mut sides = recorded.iter().flatten();
    let is_typed = !(args.cap_add.is_empty() && args.cap_drop.is_empty());
    let container = match sides.clone().find_map(Side::kept) {
        Some(kept) if !is_typed => Container::with(&kept, &["ALL".to_owned()]),
        _ => Container::with(&args.cap_add, &args.cap_drop),
    };
    let container = container.map_err(bad)?;
    Ok(match sides.find_map(Side::kernel) {
        Some(release) => container.on(release),
        None => container,
    })
}

struct Input<'a> {
    path: &'a Path,
    bytes: Cow<'static, [u8]>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Recording,
    CapabilityList,
    /// Or what is taken for one.
    Profile,
}

impl<'a> Input<'a> {
    fn read(path: &'a Path) -> Result<Self, BadInput> {
        let bytes = profile::bytes(path).map_err(|error| BadInput(error.to_string()))?;
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let has = |key: &str| value.get(key).is_some();
        let kind = if value.get("format").and_then(Value::as_str) == Some(recording::FORMAT) {
            Kind::Recording
        } else if has("add") && !has("defaultAction") {
            Kind::CapabilityList
        } else {
            Kind::Profile
        };
        Ok(Self { path, bytes, kind })
    }

    fn recorded(&self) -> Result<Option<Side>, BadInput> {
        if self.kind != Kind::Recording {
            return Ok(None);
        }
        let recording = recording::read(self.path).map_err(|error| BadInput(error.to_string()))?;
        let side = Side::of_recording(recording);
        Ok(Some(side.map_err(|error| self.bad(&error))?))
    }

    fn side(&self, recorded: Option<Side>, container: &Container) -> Result<Side, BadInput> {
        if let Some(side) = recorded {
            return Ok(side);
        }
        if self.kind == Kind::CapabilityList {
            let list: Result<CapabilityList, _> = capabilities::read(self.path);
            let list = list.map_err(|error| BadInput(error.to_string()))?;
            return Ok(Side::of_list(list));
        }
        let file = profile::parse(self.path, &self.bytes, container);
        let file = file.map_err(|error| BadInput(error.to_string()))?;
        Side::of_profile(file.profile).map_err(|error| self.bad(&error))
    }

    fn bad(&self, error: &diff::SideError) -> BadInput {
        BadInput(format!("{}: {error}", self.path.display()))
    }
}
