//! The published schema is what the types say.

use std::path::PathBuf;

use super::{Recording, VERSION};

const UPDATE: &str = "UPDATE_SCHEMA";

#[test]
fn the_published_schema_is_current() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(format!("schema/recording.v{VERSION}.schema.json"));
    let mut current = serde_json::to_string_pretty(&schemars::schema_for!(Recording)).unwrap();
    current.push('\n');
    if std::env::var_os(UPDATE).is_some() {
        crate::file::replace(&path, current.as_bytes()).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == current,
        "{} is not what the types say. Where the format may change, write it again: \
         {UPDATE}=1 cargo test -p profiler the_published_schema_is_current",
        path.display()
    );
}
