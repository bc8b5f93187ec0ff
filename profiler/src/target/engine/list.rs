//! The containers that are here, and the one that was perhaps meant.

use bollard::models::ContainerSummary;
use bollard::query_parameters::ListContainersOptionsBuilder;

use super::labels::{self, Labels};
use super::states::in_dockers_words;
use super::{Engine, EngineError};
use crate::recording::Text;

/// How many names are worth reading.
const SUGGESTIONS: usize = 3;
/// Below this two names have little in common (0 to 1, Jaro and Winkler).
const ALIKE: f64 = 0.7;

/// What a list of containers tells of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedContainer {
    /// 64 hexadecimal digits.
    pub id: String,
    pub name: Text,
    /// A name, or an id where that has moved on to another image.
    pub image: Text,
    /// `sha256:…`
    pub image_id: String,
    pub labels: Labels,
    /// Paused ones run too.
    pub running: bool,
}

impl Engine {
    /// All, those that do not run too.
    pub async fn containers(&self) -> Result<Vec<ListedContainer>, EngineError> {
        list(&self.docker)
            .await
            .map_err(|error| EngineError::refused("list its containers", &error))
    }
}

pub(super) async fn list(
    docker: &bollard::Docker,
) -> Result<Vec<ListedContainer>, bollard::errors::Error> {
    let options = ListContainersOptionsBuilder::default().all(true).build();
    let found = in_dockers_words(docker.list_containers(Some(options)).await)?;
    Ok(found.into_iter().map(listed).collect())
}

pub(super) fn nearest(name: &str, containers: &[ListedContainer]) -> Vec<Text> {
    let running = containers.iter().filter(|container| container.running);
    let mut alike: Vec<(f64, &Text)> = running
        .map(|container| {
            let found = String::from_utf8_lossy(container.name.as_bytes());
            (strsim::jaro_winkler(name, &found), &container.name)
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    alike.sort_by(|(one, a), (other, b)| other.total_cmp(one).then(a.cmp(b)));
    alike
        .into_iter()
        .take(SUGGESTIONS)
        .map(|(_, name)| name.clone())
        .collect()
}

fn listed(found: ContainerSummary) -> ListedContainer {
    use bollard::models::ContainerSummaryStateEnum as State;
    let names = found.names.unwrap_or_default();
    // A link gives a container another name, below the other's.
    let own = names.iter().map(|name| own_name(name));
    let name = own.clone().find(|name| !name.contains('/'));
    ListedContainer {
        id: found.id.unwrap_or_default(),
        name: name
            .or_else(|| own.clone().next())
            .unwrap_or_default()
            .into(),
        image: found.image.unwrap_or_default().into(),
        image_id: digest(found.image_id.unwrap_or_default()),
        labels: labels::labels(found.labels.unwrap_or_default()),
        running: matches!(found.state, Some(State::RUNNING | State::PAUSED)),
    }
}

pub(super) fn own_name(name: &str) -> &str {
    name.strip_prefix('/').unwrap_or(name)
}

/// Podman leaves the algorithm out.
pub(super) fn digest(id: String) -> String {
    if id.is_empty() || id.contains(':') {
        id
    } else {
        format!("sha256:{id}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, listed, nearest};
    use serde_json::json;

    #[test]
    fn the_nearest_names_are_suggested() {
        let container = |name: &str, state: &str| {
            listed(
                serde_json::from_value(json!({"Names": [format!("/{name}")], "State": state}))
                    .unwrap(),
            )
        };
        let here = [
            container("shop-web-1", "running"),
            container("shop-web-2", "paused"),
            container("shop-web-3", "exited"),
            container("redis", "running"),
        ];
        assert!(here[1].running && !here[2].running);
        assert_eq!(
            nearest("shop-web", &here),
            ["shop-web-1", "shop-web-2"].map(Text::from)
        );
        assert_eq!(nearest("qqq", &here), []);
    }

    #[test]
    fn a_linked_container_keeps_its_own_name() {
        let found = listed(
            serde_json::from_value(
                json!({"Id": "ab", "Names": ["/web/db", "/db"], "ImageID": "cd"}),
            )
            .unwrap(),
        );
        assert_eq!(
            (found.name, found.image_id.as_str()),
            ("db".into(), "sha256:cd")
        );
    }
}
