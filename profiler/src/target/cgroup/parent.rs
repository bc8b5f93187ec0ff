//! The cgroup that an engine makes its containers' cgroups in.

use std::path::{Path, PathBuf};

use super::{CgroupError, ExistingCgroup, Hierarchies};

/// Where containers come to be that name no parent themselves.
///
/// `engine` is `docker` or `podman`, `driver` its cgroup driver, `configured` what its
/// configuration has for `cgroup-parent` (no engine tells it over its API). Made where it is not
/// there yet (an engine does that with its first container), and left there: another recorder
/// may watch it too, and an empty cgroup costs nothing.
///
/// A container with a `--cgroup-parent` of its own is made elsewhere, and is known from the
/// engine's events only: where [`ExistingCgroup::parent`] of its cgroup is another, it was not
/// seen from its birth. Watched from then on, that parent shows the next ones.
pub fn engine_parent(
    hierarchies: &Hierarchies,
    engine: &str,
    driver: &str,
    configured: Option<&str>,
) -> Result<ExistingCgroup, CgroupError> {
    ExistingCgroup::find_or_make(hierarchies, &parent_path(engine, driver, configured)?)
}

/// As `WithCgroups` in <https://github.com/moby/moby/blob/v20.10.24/daemon/oci_linux.go>, and
/// `DefaultCgroupParent` and its systemd twin in
/// <https://github.com/containers/podman/blob/v4.3.1/libpod/define/config.go>.
fn parent_path(
    engine: &str,
    driver: &str,
    configured: Option<&str>,
) -> Result<PathBuf, CgroupError> {
    let configured = configured.filter(|parent| !parent.is_empty());
    match (driver, engine) {
        ("cgroupfs", _) => {
            let default = if engine == "podman" {
                "/libpod_parent"
            } else {
                "/docker"
            };
            let parent = Path::new(configured.unwrap_or(default));
            // Relative to the cgroup that the engine itself happens to run in.
            if !parent.is_absolute() {
                return Err(CgroupError::RelativeParent {
                    parent: parent.to_owned(),
                });
            }
            Ok(parent.components().collect())
        }
        ("systemd", _) => {
            let default = if engine == "podman" {
                "machine.slice"
            } else {
                "system.slice"
            };
            Ok(slice_path(configured.unwrap_or(default)))
        }
        _ => Err(CgroupError::UnknownDriver {
            driver: driver.to_owned(),
        }),
    }
}

/// `a-b.slice` lies in `a.slice`: systemd.slice(5).
fn slice_path(slice: &str) -> PathBuf {
    let name = slice.strip_suffix(".slice").unwrap_or(slice);
    let mut path = PathBuf::from("/");
    // The root slice.
    if name == "-" {
        return path;
    }
    for (at, _) in name.match_indices('-').chain([(name.len(), "")]) {
        path.push(format!("{}.slice", &name[..at]));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::{engine_parent, parent_path};
    use crate::recording::CgroupMode;
    use crate::target::cgroup::Hierarchies;
    use std::path::PathBuf;

    #[test]
    fn each_engine_and_driver_has_its_parent() {
        for (engine, driver, configured, path) in [
            ("docker", "cgroupfs", None, "/docker"),
            ("docker", "systemd", None, "/system.slice"),
            ("podman", "cgroupfs", None, "/libpod_parent"),
            ("podman", "systemd", None, "/machine.slice"),
            ("docker", "cgroupfs", Some("/ci/jobs/"), "/ci/jobs"),
            ("docker", "cgroupfs", Some(""), "/docker"),
            (
                "docker",
                "systemd",
                Some("a-b-c.slice"),
                "/a.slice/a-b.slice/a-b-c.slice",
            ),
            ("docker", "systemd", Some("-.slice"), "/"),
        ] {
            assert_eq!(
                parent_path(engine, driver, configured).unwrap(),
                PathBuf::from(path)
            );
        }
        let error = parent_path("docker", "cgroupfs", Some("ci")).unwrap_err();
        assert!(error.to_string().contains("daemon.json"), "{error}");
        assert!(parent_path("docker", "none", None).is_err());
    }

    #[test]
    fn it_is_made_once_and_stays() {
        let place = tempfile::tempdir().unwrap();
        let hierarchies = Hierarchies {
            mode: CgroupMode::V2,
            unified: place.path().to_owned(),
            controllers: Vec::new(),
            root: "/".into(),
        };
        let made = |configured| engine_parent(&hierarchies, "docker", "cgroupfs", configured);
        let first = made(None).unwrap();
        assert_eq!(first.directory(), place.path().join("docker"));
        assert_eq!(made(None).unwrap(), first);
        assert!(first.is_there());
        assert!(made(Some("/ci/jobs")).unwrap().is_there());
    }
}
