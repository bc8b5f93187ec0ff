//! `profiler schema`

use std::fmt::Write as _;

use super::BadInput;
use crate::cli::SchemaArgs;
use crate::schema::{SCHEMAS, find};
use crate::words::list;

pub fn schema(args: &SchemaArgs) -> anyhow::Result<u8> {
    let Some(name) = &args.name else {
        let mut names = String::new();
        for schema in SCHEMAS {
            let (name, version, about) = (schema.name, schema.version, schema.about);
            let _ = writeln!(names, "{name}, version {version}: {about}");
        }
        super::print(&names)?;
        return Ok(0);
    };
    let schema = find(name).ok_or_else(|| {
        let known = list(SCHEMAS.iter().map(|schema| schema.name));
        BadInput(format!("no schema is named {name:?}; there are: {known}"))
    })?;
    super::print(schema.text)?;
    Ok(0)
}
