//! The published schemas of what is written as JSON, each with its version. Texts only: the types are
//! where the texts are made from.

pub struct Schema {
    pub name: &'static str,
    pub version: u32,
    /// Who writes it.
    pub about: &'static str,
    pub text: &'static str,
}

macro_rules! schema {
    ($name:literal, $version:literal, $about:literal) => {
        Schema {
            name: $name,
            version: $version,
            about: $about,
            text: include_str!(concat!("../schema/", $name, ".v", $version, ".schema.json")),
        }
    };
}

/// By name.
pub const SCHEMAS: &[Schema] = &[
    schema!(
        "capabilities",
        1,
        "generate --format capabilities, verify --ablate"
    ),
    schema!("coverage", 1, "coverage --format json"),
    schema!("diff", 1, "diff --format json"),
    schema!("floor", 1, "floor"),
    schema!("harden", 1, "harden"),
    schema!("lint", 1, "lint --format json"),
    schema!("lint-rules", 1, "lint --rules --format json"),
    schema!("recording", 1, "record, merge"),
];

pub fn find(name: &str) -> Option<&'static Schema> {
    SCHEMAS.iter().find(|schema| schema.name == name)
}

/// Whether the published text is what the types say; with UPDATE_SCHEMA in the environment, writes it.
#[cfg(test)]
pub fn check(name: &str, version: u32, current: &schemars::Schema) {
    let path = format!(
        "{}/schema/{name}.v{version}.schema.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut text = serde_json::to_string_pretty(current).expect("a schema is valid JSON");
    text.push('\n');
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &text).expect("the folder is there");
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == text,
        "{path} is not what the types say. Where the format may change, write it again: \
         UPDATE_SCHEMA=1 cargo test -p profiler --lib schema"
    );
}

/// Of what is only written.
#[cfg(test)]
pub fn of_output<T: schemars::JsonSchema>() -> schemars::Schema {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::SCHEMAS;

    #[test]
    fn every_published_schema_can_be_asked_for() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schema");
        let files = std::fs::read_dir(folder).unwrap();
        let files: BTreeSet<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        let known = SCHEMAS
            .iter()
            .map(|schema| format!("{}.v{}.schema.json", schema.name, schema.version));
        assert_eq!(files, known.collect());
    }
}
