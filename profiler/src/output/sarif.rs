//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>), by which code
//! hosts show findings beside the line.
//!
//! Written out by hand: it is one small document, and a test holds it against the published schema.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::recording::Text;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What may stand in a path of a URI.
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~');

pub(super) fn document(rules: &[Value], results: &[Value]) -> String {
    super::text::json(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "profiler",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                }
            },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }]
    }))
}

pub(super) fn uri(path: &Text) -> String {
    let path = String::from_utf8_lossy(path.as_bytes());
    let relative = path.strip_prefix("./").unwrap_or(&path);
    let encoded = utf8_percent_encode(relative, IN_PATHS).to_string();
    if relative.starts_with('/') {
        format!("file://{encoded}")
    } else {
        encoded
    }
}
