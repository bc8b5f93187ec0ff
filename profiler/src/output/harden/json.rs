//! For machines; the published schema is `schema/harden.v1.schema.json`.

use crate::harden::Report;

pub fn json(report: &Report) -> String {
    crate::output::text::json(report)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::harden::{Report, VERSION};

    #[test]
    fn the_published_schema_is_current() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join(format!("schema/harden.v{VERSION}.schema.json"));
        let schema = schemars::generate::SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator()
            .into_root_schema_for::<Report>();
        let mut current = serde_json::to_string_pretty(&schema).unwrap();
        current.push('\n');
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            crate::file::replace(&path, current.as_bytes()).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == current,
            "{} is not what the types say. Where the format may change, write it again: \
             UPDATE_SCHEMA=1 cargo test -p profiler --lib schema",
            path.display()
        );
    }
}
