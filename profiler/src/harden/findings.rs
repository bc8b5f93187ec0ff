//! What is wrong with how a container is run, whatever its test says: told, and left to its owner.

use schemars::JsonSchema;
use serde::Serialize;

use super::tables::{Advice, HARDENING, Sign};
use crate::capabilities::short;
use crate::cli::RunOptions;
use crate::recording::Text;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// What it was found in: an option, or a variable's name. Never its value.
    pub what: String,
    pub risk: &'static str,
    pub mend: &'static str,
}

/// How a container runs today, and where.
#[derive(Clone, Copy, Debug)]
pub struct Configuration<'a> {
    pub given: &'a RunOptions,
    /// Options of today that it is run without here.
    pub given_up: &'a [String],
    /// The names of those that the image sets.
    pub image_variables: &'a [String],
    /// What the engine guards its containers by, as it names it.
    pub engine_has: &'a [String],
}

pub fn findings(configuration: &Configuration<'_>) -> Vec<Finding> {
    HARDENING
        .findings
        .iter()
        .flat_map(|advice| found(advice, configuration))
        .collect()
}

fn found(advice: &'static Advice, configuration: &Configuration<'_>) -> Vec<Finding> {
    let Configuration {
        given,
        given_up,
        image_variables,
        engine_has,
    } = *configuration;
    let found = |what: String| Finding {
        what: Text::from(what).to_string(),
        risk: &advice.risk,
        mend: &advice.mend,
    };
    let sources = given.volume.iter().filter_map(|volume| {
        let (source, _) = volume.split_once(':')?;
        Some((volume, source))
    });
    match &advice.sign {
        Sign::MountOf(paths) => sources
            .filter(|(_, source)| paths.iter().any(|path| path == source))
            .map(|(volume, _)| found(format!("--volume {volume}")))
            .collect(),
        Sign::MountOfTheHost => sources
            .filter(|(_, source)| source.starts_with(['/', '.']))
            .map(|(volume, _)| found(format!("--volume {volume}")))
            .collect(),
        Sign::Network(names) => {
            let network = given.network.iter();
            network
                .filter(|network| names.iter().any(|name| network.starts_with(name.as_str())))
                .map(|network| found(format!("--network {network}")))
                .collect()
        }
        Sign::Capability(names) => {
            let added = given.cap_add.iter();
            added
                .filter(|added| {
                    names
                        .iter()
                        .any(|name| *name == short(&added.to_uppercase()))
                })
                .map(|added| found(format!("--cap-add {added}")))
                .collect()
        }
        Sign::VariableNamed(parts) => {
            let name = |set: &String| set.split('=').next().unwrap_or_default().to_owned();
            let ours = given.env.iter().map(|set| ("--env", name(set)));
            let image = image_variables
                .iter()
                .map(|set| ("the image's variable", name(set)));
            ours.chain(image)
                .filter(|(_, name)| parts.iter().any(|part| name.to_uppercase().contains(part)))
                .map(|(whose, name)| found(format!("{whose} {name}")))
                .collect()
        }
        Sign::PublishedEverywhere => {
            let everywhere = |port: &&String| {
                port.matches(':').count() < 2
                    || port.starts_with("0.0.0.0:")
                    || port.starts_with("[::]:")
            };
            let published = given.publish.iter().filter(everywhere);
            published
                .map(|port| found(format!("--publish {port}")))
                .collect()
        }
        Sign::GivenUp(names) => given_up
            .iter()
            .filter(|option| {
                names
                    .iter()
                    .any(|name| option.split(' ').next() == Some(name))
            })
            .map(|option| found(option.clone()))
            .collect(),
        Sign::EngineWithout(names) => {
            let is_there = names.iter().any(|name| engine_has.contains(name));
            let what = || found(format!("the engine, without {}", names.join(" or ")));
            (!is_there).then(what).into_iter().collect()
        }
        Sign::NewPrivileges => {
            let options = given.security_opt.iter();
            options
                .filter(|option| {
                    option.starts_with("no-new-privileges") && option.ends_with("false")
                })
                .map(|option| found(format!("--security-opt {option}")))
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Configuration, findings};
    use crate::cli::RunOptions;

    fn found(given: &RunOptions, image: &[&str]) -> Vec<String> {
        let image: Vec<String> = image.iter().map(ToString::to_string).collect();
        let found = findings(&Configuration {
            given,
            given_up: &[],
            image_variables: &image,
            engine_has: &["userns".into(), "apparmor".into()],
        });
        assert!(
            found
                .iter()
                .all(|finding| !finding.risk.is_empty() && !finding.mend.is_empty())
        );
        found.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn each_is_named_by_its_option() {
        let given = RunOptions {
            volume: vec![
                "/var/run/docker.sock:/s".into(),
                "data:/data".into(),
                "/cache".into(),
            ],
            network: Some("host".into()),
            cap_add: vec!["cap_sys_admin".into(), "CHOWN".into()],
            publish: vec![
                "80:80".into(),
                "127.0.0.1:81:81".into(),
                "0.0.0.0:82:82".into(),
            ],
            security_opt: vec!["no-new-privileges=false".into()],
            ..RunOptions::default()
        };
        assert_eq!(
            found(&given, &[]),
            [
                "--volume /var/run/docker.sock:/s",
                "--volume /var/run/docker.sock:/s",
                "--network host",
                "--cap-add cap_sys_admin",
                "--publish 80:80",
                "--publish 0.0.0.0:82:82",
                "--security-opt no-new-privileges=false",
            ]
        );
    }

    #[test]
    fn what_is_left_out_is_named_and_so_is_what_the_engine_lacks() {
        let given_up = ["--privileged".to_owned(), "--pid host".to_owned()];
        let found = findings(&Configuration {
            given: &RunOptions::default(),
            given_up: &given_up,
            image_variables: &[],
            engine_has: &["rootless".into()],
        });
        let what: Vec<&str> = found.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!(
            what,
            [
                "--privileged",
                "--pid host",
                "the engine, without apparmor or selinux"
            ]
        );
    }

    #[test]
    fn a_secrets_value_is_never_told() {
        let given = RunOptions {
            env: vec![
                "DB_PASSWORD=hunter2".into(),
                "PATH=/bin".into(),
                "api_token".into(),
            ],
            ..RunOptions::default()
        };
        assert_eq!(
            found(&given, &["AWS_SECRET_ACCESS_KEY=abc"]),
            [
                "--env DB_PASSWORD",
                "--env api_token",
                "the image's variable AWS_SECRET_ACCESS_KEY"
            ]
        );
    }

    #[test]
    fn a_plain_container_has_none() {
        assert!(found(&RunOptions::default(), &["PATH=/bin", "LANG=C"]).is_empty());
    }
}
