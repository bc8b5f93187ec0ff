//! `profiler diff`

use std::borrow::Cow;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::BadInput;
use crate::capabilities::{self, CapabilityList};
use crate::cli::{DiffArgs, DiffFailOn, DiffFormat};
use crate::diff::{self, Side, Swapped};
use crate::file::Limit;
use crate::output::diff::{DiffReport, json, markdown, sarif, summary, text};
use crate::profile::{self, Container};
use crate::recording::{self, Text};
use crate::words::count;

pub fn diff(args: &DiffArgs) -> anyhow::Result<u8> {
    let (old, new) = (Input::read(&args.old)?, Input::read(&args.new)?);
    let container = container(args, [&new, &old].map(Input::recorded))?;
    let ((older, _), (newer, text_of_new)) = (old.side(&container)?, new.side(&container)?);
    let diff = diff::diff(&older, &newer).map_err(bad)?;
    let report = DiffReport {
        old: Text::from(args.old.as_os_str()),
        new: Text::from(args.new.as_os_str()),
        diff: &diff,
    };
    super::print(&match args.format {
        DiffFormat::Text => text(&report),
        DiffFormat::Markdown => markdown(&report),
        DiffFormat::Json => json(&report),
        DiffFormat::Sarif => sarif(&report, &String::from_utf8_lossy(&text_of_new)),
    })?;
    if let Some(swapped) = Swapped::find(&older, &newer) {
        eprintln!("profiler: warning: {swapped}");
    }
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
fn container(args: &DiffArgs, recorded: [Option<&Side>; 2]) -> Result<Container, BadInput> {
    let mut sides = recorded.into_iter().flatten();
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
    content: Content,
}

enum Content {
    Recorded(Box<Side>),
    List(CapabilityList),
    /// Or what is taken for one.
    Profile,
}

/// What tells one kind of file from another.
#[derive(Default, Deserialize)]
struct Head {
    format: Option<Value>,
    add: Option<IgnoredAny>,
    #[serde(rename = "defaultAction")]
    default_action: Option<IgnoredAny>,
}

impl<'a> Input<'a> {
    fn read(path: &'a Path) -> Result<Self, BadInput> {
        let bytes = profile::bytes_within(path, Limit::RECORDING).map_err(bad)?;
        let head: Head = serde_json::from_slice(&bytes).unwrap_or_default();
        let content = if head.format == Some(recording::FORMAT.into()) {
            let recording = recording::parse(path, &bytes).map_err(bad)?;
            let side = Side::of_recording(recording);
            let side = side.map_err(|error| bad(format!("{}: {error}", path.display())))?;
            Content::Recorded(Box::new(side))
        } else if head.format == Some(capabilities::FORMAT.into())
            || head.add.is_some() && head.default_action.is_none()
        {
            Limit::CAPABILITIES.check(path, &bytes).map_err(bad)?;
            Content::List(capabilities::parse(path, &bytes).map_err(bad)?)
        } else {
            Limit::PROFILE.check(path, &bytes).map_err(bad)?;
            Content::Profile
        };
        Ok(Self {
            path,
            bytes,
            content,
        })
    }

    fn recorded(&self) -> Option<&Side> {
        match &self.content {
            Content::Recorded(side) => Some(side),
            _ => None,
        }
    }

    /// With the bytes of the file.
    fn side(self, container: &Container) -> Result<(Side, Cow<'static, [u8]>), BadInput> {
        let side = match self.content {
            Content::Recorded(side) => *side,
            Content::List(list) => Side::of_list(list),
            Content::Profile => {
                let file = profile::parse(self.path, &self.bytes, container).map_err(bad)?;
                Side::of_profile(file.profile)
            }
        };
        Ok((side, self.bytes))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn bad(error: impl ToString) -> BadInput {
    BadInput(error.to_string())
}
