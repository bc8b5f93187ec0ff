//! Options to paste into `docker run` or `podman run`.

use crate::capabilities::CapabilityList;

/// One line. `profile` is the seccomp profile's path, relative to where the line is pasted.
pub fn docker_run(list: &CapabilityList, profile: &str) -> String {
    let mut words = vec!["--security-opt".to_owned(), format!("seccomp={profile}")];
    if list.no_new_privileges {
        words.extend(["--security-opt".to_owned(), "no-new-privileges".to_owned()]);
    }
    for name in &list.drop {
        words.extend(["--cap-drop".to_owned(), name.clone()]);
    }
    for name in &list.add {
        words.extend(["--cap-add".to_owned(), name.clone()]);
    }
    let mut line = shell_words::join(words);
    line.push('\n');
    line
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
}
