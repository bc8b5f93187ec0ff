//! A `docker run` command line to paste; `podman run` takes the same options.

use std::collections::BTreeSet;

use super::{Hardening, Warning};

/// Docker refuses an image in upper case: a forgotten placeholder starts nothing.
const PLACEHOLDER: &str = "IMAGE";

/// One line, and one before it where the network has to be made first. The profile's path is relative to
/// where it is pasted.
pub(super) fn docker_run(hardening: &Hardening, warnings: &mut BTreeSet<Warning>) -> String {
    let mut words = vec!["docker run".to_owned()];
    let profile = quoted(&hardening.profile_path);
    words.push(format!("--security-opt seccomp={profile}"));
    if hardening.no_new_privileges {
        words.push("--security-opt no-new-privileges".to_owned());
    }
    if let Some(list) = &hardening.capabilities {
        words.extend(list.drop.iter().map(|name| format!("--cap-drop {name}")));
        words.extend(list.add.iter().map(|name| format!("--cap-add {name}")));
    }
    if let Some(network) = hardening.internal_network() {
        words.push(format!("--network {network}"));
    }
    words.extend(hardening.options.words().iter().map(|word| quoted(word)));
    let image = hardening.image().unwrap_or_else(|| {
        warnings.insert(Warning::NoImage {
            format: "docker-run",
            placeholder: PLACEHOLDER,
        });
        PLACEHOLDER
    });
    words.push(image.to_owned());
    words.extend(hardening.arguments.iter().map(|word| quoted(word)));
    let line = words.join(" ") + "\n";
    match hardening.internal_network() {
        Some(network) => made_first(&network) + &line,
        None => line,
    }
}

/// Nothing is started in another network of that name.
fn made_first(network: &str) -> String {
    let is_internal = format!(
        "[ \"$(docker network inspect --format '{{{{.Internal}}}}' {network} 2> /dev/null)\" = true ]"
    );
    format!("{is_internal} || docker network create --internal {network} > /dev/null &&\n")
}

fn quoted(word: &str) -> String {
    shell_words::quote(word).into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::docker_run;
    use crate::output::tests::hardening;
    use crate::recording::Subject;

    #[test]
    fn a_shell_reads_the_line_as_it_is_meant() {
        let mut hardening = hardening();
        hardening.no_new_privileges = true;
        hardening.profile_path = "my $(id) 'profile'.json".to_owned();
        let line = docker_run(&hardening, &mut BTreeSet::new());
        assert_eq!(
            shell_words::split(&line).unwrap(),
            [
                "docker",
                "run",
                "--security-opt",
                "seccomp=my $(id) 'profile'.json",
                "--security-opt",
                "no-new-privileges",
                "--cap-drop",
                "ALL",
                "--cap-add",
                "CHOWN",
                "nginx:1"
            ]
        );
        assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn what_it_runs_with_stands_before_the_image_and_its_arguments_behind() {
        let mut hardening = hardening();
        hardening.options.tmpfs = vec!["/run:rw,size=16m".into()];
        hardening.options.read_only = true;
        hardening.arguments = vec!["sh".into(), "-c".into(), "a; b".into()];
        let line = docker_run(&hardening, &mut BTreeSet::new());
        let words = shell_words::split(&line).unwrap();
        let expected = "--tmpfs|/run:rw,size=16m|--read-only|nginx:1|sh|-c|a; b";
        assert_eq!(words[8..].join("|"), expected);
    }

    #[test]
    fn without_an_image_docker_refuses_it_and_the_warning_says_why() {
        let mut hardening = hardening();
        hardening.subject = Subject::Command {
            argv: vec!["nginx".into()],
        };
        let mut warnings = BTreeSet::new();
        let line = docker_run(&hardening, &mut warnings);
        assert!(line.ends_with(" IMAGE\n"), "{line}");
        assert_eq!(warnings.len(), 1);
    }
}
