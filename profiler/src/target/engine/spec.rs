//! What container to make.

use std::collections::HashMap;

use bollard::models::ContainerCreateBody;

use super::options::{self, OptionError, Surroundings};
use crate::cli::RunOptions;

/// The label that every container of ours carries; its value is the session's id.
pub(super) const LABEL: &str = "profiler.session";

#[derive(Clone, Debug)]
pub struct ContainerSpec<'a> {
    pub image: &'a str,
    pub options: &'a RunOptions,
    /// In place of the image's own command; empty leaves that.
    pub arguments: &'a [String],
    /// A seccomp profile's JSON text; `None` is the engine's own default.
    pub seccomp: Option<&'a str>,
    /// See [`ScopeCgroup::parent_argument`](crate::target::cgroup::ScopeCgroup::parent_argument).
    pub cgroup_parent: Option<&'a str>,
    /// Of its own on the whole machine.
    pub name: &'a str,
    /// [`Session::id`](crate::target::Session::id)
    pub session: &'a str,
}

impl ContainerSpec<'_> {
    /// `seccomp`: the profile as the engine takes it (see [`Handover`](super::handover::Handover)).
    pub(super) fn body(
        &self,
        surroundings: &dyn Surroundings,
        seccomp: Option<&str>,
    ) -> Result<ContainerCreateBody, OptionError> {
        let mut body = options::translate(self.options, surroundings)?;
        body.image = Some(self.image.to_owned());
        body.cmd = (!self.arguments.is_empty()).then(|| self.arguments.to_vec());
        body.labels = Some(HashMap::from([(LABEL.to_owned(), self.session.to_owned())]));
        let host = body.host_config.get_or_insert_default();
        host.cgroup_parent = self.cgroup_parent.map(str::to_owned);
        if let Some(profile) = seccomp {
            host.security_opt
                .get_or_insert_default()
                .push(format!("seccomp={profile}"));
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::{ContainerSpec, LABEL};
    use crate::cli::RunOptions;
    use crate::target::engine::options::Here;

    #[test]
    fn filter_and_cgroup_join_the_options() {
        let options = RunOptions {
            security_opt: vec!["no-new-privileges".into()],
            ..RunOptions::default()
        };
        let mut spec = ContainerSpec {
            image: "nginx",
            options: &options,
            arguments: &[],
            seccomp: Some(r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#),
            cgroup_parent: Some("/profiler-1"),
            name: "profiler-1",
            session: "1-a",
        };
        let body = spec.body(&Here, spec.seccomp).unwrap();
        assert_eq!(body.image.as_deref(), Some("nginx"));
        assert_eq!(body.cmd, None);
        assert_eq!(body.labels.unwrap()[LABEL], "1-a");
        let host = body.host_config.unwrap();
        assert_eq!(host.cgroup_parent.as_deref(), Some("/profiler-1"));
        assert_eq!(
            host.security_opt.unwrap(),
            [
                "no-new-privileges",
                r#"seccomp={"defaultAction":"SCMP_ACT_ALLOW"}"#
            ]
        );

        let arguments = ["nginx".to_owned(), "-t".to_owned()];
        spec.arguments = &arguments;
        let body = spec.body(&Here, None).unwrap();
        assert_eq!(body.cmd.unwrap(), arguments);
        assert_eq!(
            body.host_config.unwrap().security_opt.unwrap(),
            ["no-new-privileges"]
        );
    }
}
