//! What the engine tells nobody over its API: its configuration file.

use std::path::Path;

/// Docker's, where it was not started with another `--config-file`
/// (<https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file>).
const DAEMON_JSON: &str = "/etc/docker/daemon.json";

/// `cgroup-parent`: where containers come to be that name no parent. `None` where the file does
/// not say; an option on dockerd's command line is not seen.
pub fn configured_cgroup_parent() -> Option<String> {
    let text = std::fs::read_to_string(Path::new(DAEMON_JSON)).ok()?;
    parse(&text)
}

fn parse(text: &str) -> Option<String> {
    let configuration: serde_json::Value = serde_json::from_str(text).ok()?;
    let parent = configuration.get("cgroup-parent")?.as_str()?;
    (!parent.is_empty()).then(|| parent.to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_a_parent_that_is_named_is_told() {
        assert_eq!(parse(r#"{"cgroup-parent": "/ci"}"#).as_deref(), Some("/ci"));
        for text in [
            "",
            "{}",
            "[]",
            r#"{"cgroup-parent": ""}"#,
            r#"{"cgroup-parent": 1}"#,
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
