//! Options to paste into `docker run` or `podman run`.

use crate::capabilities::CapabilityList;

/// One line. `profile` is the seccomp profile's path, relative to where the line is pasted.
pub fn docker_run(list: &CapabilityList, profile: &str) -> String {
    // Nothing but the path can need quotes, and without any the line serves in `$(…)` too.
    let mut options = vec![format!(
        "--security-opt seccomp={}",
        shell_words::quote(profile)
    )];
    if list.no_new_privileges {
        options.push("--security-opt no-new-privileges".to_owned());
    }
    options.extend(list.drop.iter().map(|name| format!("--cap-drop {name}")));
    options.extend(list.add.iter().map(|name| format!("--cap-add {name}")));
    options.join(" ") + "\n"
}

#[cfg(test)]
mod tests {
    use super::docker_run;
    use crate::capabilities::CapabilityList;

    #[test]
    fn a_shell_reads_the_line_as_it_is_meant() {
        let list: CapabilityList =
            serde_json::from_str(r#"{"add":["CHOWN"],"no_new_privileges":true}"#).unwrap();
        let line = docker_run(&list, "my profile.json");
        assert_eq!(
            shell_words::split(&line).unwrap(),
            [
                "--security-opt",
                "seccomp=my profile.json",
                "--security-opt",
                "no-new-privileges",
                "--cap-drop",
                "ALL",
                "--cap-add",
                "CHOWN"
            ]
        );
        assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn a_plain_path_is_not_quoted() {
        let list: CapabilityList = serde_json::from_str(r#"{"add":[]}"#).unwrap();
        assert_eq!(
            docker_run(&list, "out/profile.json"),
            "--security-opt seccomp=out/profile.json --cap-drop ALL\n"
        );
    }
}
