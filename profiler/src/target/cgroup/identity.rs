//! Whose a cgroup is, by the name that engines give it.

/// Lower-case hexadecimal, as every engine has it.
const ID_LENGTH: usize = 64;

/// The id of the container that this cgroup was made for; `None` for any other cgroup, those that
/// a container makes below its own among them.
///
/// | driver | the last components of the path |
/// |---|---|
/// | cgroupfs | `ID`, `libpod-ID` |
/// | systemd | `docker-ID.scope`, `cri-containerd-ID.scope`, `crio-ID.scope`, `libpod-ID.scope` |
/// | Podman, where it splits the scope | `libpod-ID.scope/container` |
///
/// The outermost cgroup of an id is the container's; that of a container's container has the
/// other's above it.
pub fn container_id(cgroup: &str) -> Option<String> {
    let (above, last) = cgroup.rsplit_once('/').unwrap_or(("", cgroup));
    let own = match last {
        "container" => above
            .rsplit('/')
            .next()
            .filter(|scope| scope.starts_with("libpod-"))?,
        other => other,
    };
    let unit = own.strip_suffix(".scope").unwrap_or(own);
    let (engine, id) = unit.rsplit_once('-').unwrap_or(("", unit));
    // `libpod-conmon-ID.scope`: a monitor beside the container.
    (is_container_id(id) && !engine.ends_with("conmon")).then(|| id.to_owned())
}

pub fn is_container_id(text: &str) -> bool {
    text.len() == ID_LENGTH
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The part of a path that is the container's own cgroup: the process may have moved below it.
pub(super) fn cgroup_of<'a>(id: &str, path: &'a str) -> Option<&'a str> {
    path.match_indices('/')
        .map(|(at, _)| &path[..at])
        .chain([path])
        .find(|cgroup| container_id(cgroup).as_deref() == Some(id))
}

#[cfg(test)]
mod tests {
    use super::{cgroup_of, container_id};

    const ID: &str = "869b00b22caa441e8abb9034a69ea93de8b1681b54d08cd69880b3187065ae38";

    #[test]
    fn each_engines_names_are_known() {
        for path in [
            "/docker/ID",
            "ID",
            "/system.slice/docker-ID.scope",
            "/machine.slice/libpod-ID.scope",
            "/machine.slice/libpod-ID.scope/container",
            "/libpod_parent/libpod-ID",
            "/kubepods.slice/kubepods-podx.slice/cri-containerd-ID.scope",
            "/kubepods/burstable/pod1-2/ID",
            "/a.slice/crio-ID.scope",
            "/docker/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/docker/ID",
        ] {
            let path = path.replace("ID", ID);
            assert_eq!(container_id(&path).as_deref(), Some(ID), "{path}");
        }
    }

    #[test]
    fn other_cgroups_are_nobodys() {
        for path in [
            "",
            "/",
            "/docker",
            "/docker/ID/init.scope",
            "/docker/ID/",
            "/docker/ID/container",
            "/docker/IDa",
            "/docker/buildkit/k3j2h4k5j6h7g8f9d0s1a2q3w",
            "/machine.slice/libpod-conmon-ID.scope",
            "/system.slice/docker-ID.service",
            "/system.slice/docker.service",
        ] {
            let path = path.replace("ID", ID);
            assert_eq!(container_id(&path), None, "{path}");
        }
        assert_eq!(
            container_id(&format!("/docker/{}", ID.to_uppercase())),
            None
        );
        assert_eq!(container_id(&format!("/docker/{}é", &ID[..62])), None);
    }

    #[test]
    fn a_process_that_moved_down_is_found_all_the_same() {
        let inner = "0".repeat(64);
        for (path, own) in [
            ("/docker/ID", "/docker/ID"),
            ("/docker/ID/init.scope", "/docker/ID"),
            ("/docker/ID/docker/INNER", "/docker/ID"),
            ("/a/libpod-ID.scope/container", "/a/libpod-ID.scope"),
        ] {
            let path = path.replace("ID", ID).replace("INNER", &inner);
            assert_eq!(cgroup_of(ID, &path), Some(own.replace("ID", ID).as_str()));
        }
        assert_eq!(cgroup_of(ID, "/user.slice"), None);
        assert_eq!(cgroup_of(&inner, &format!("/docker/{ID}")), None);
    }
}
