//! The engine's message about a container, in our words.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use bollard::models::{EventMessage, EventMessageTypeEnum};

use super::super::labels::{self, Labels};
use super::seen::time;
use crate::recording::Text;
use crate::target::cgroup::is_container_id;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerEvent {
    /// 64 hexadecimal digits.
    pub id: String,
    pub name: Text,
    /// As it was named when the container was made.
    pub image: Text,
    /// The engine lays its own attributes and the container's labels into one table: labels called
    /// `name` and `image` are missing, and one called as an action's attribute (`exitCode`) stands
    /// in that one's place. What a container must not choose comes from
    /// [`Engine::look_up`](super::super::Engine::look_up).
    pub labels: Labels,
    /// By the engine's clock.
    pub at: SystemTime,
    pub action: Action,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    Start,
    /// 128 + N where signal N ended it; `None` where the engine does not say.
    Die {
        exit_code: Option<i32>,
    },
    /// A process of it was killed; it may go on.
    Oom,
    /// [`ContainerEvent::name`] is the new name.
    Rename {
        old: Option<Text>,
    },
    Destroy,
    ExecCreate(Exec),
    ExecStart(Exec),
    Pause,
    Unpause,
    /// `healthy`, `unhealthy`
    HealthStatus(Text),
}

/// A program that joins a container: `docker exec`, a health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The engine's id of it, the same at its creation and its start.
    pub id: Option<Text>,
    /// Words with blanks between them: where one word ends cannot be told.
    pub command: Text,
}

/// `None` for what is not about a container, or nothing that we follow.
pub(super) fn translate(message: EventMessage) -> Option<ContainerEvent> {
    if message.typ != Some(EventMessageTypeEnum::CONTAINER) {
        return None;
    }
    let at = Duration::from_nanos(u64::try_from(time(&message)).unwrap_or(0));
    let actor = message.actor?;
    let mut attributes = actor.attributes.unwrap_or_default();
    let action = action(message.action.as_deref()?, &mut attributes)?;
    let id = actor.id.filter(|id| is_container_id(id))?;
    let mut take = |name| attributes.remove(name).unwrap_or_default();
    Some(ContainerEvent {
        id,
        name: take("name").into(),
        image: take("image").into(),
        labels: labels::labels(attributes),
        at: SystemTime::UNIX_EPOCH + at,
        action,
    })
}

/// `ACTION`, or `ACTION: DETAIL`; takes the attributes that are the action's. Docker's words
/// first, then Podman's (<https://github.com/moby/moby/blob/v28.2.2/api/types/events/events.go>,
/// <https://github.com/containers/podman/blob/v4.3.1/libpod/events/config.go>).
fn action(action: &str, attributes: &mut HashMap<String, String>) -> Option<Action> {
    let (action, detail) = action.split_once(':').unwrap_or((action, ""));
    let detail = detail.strip_prefix(' ').unwrap_or(detail);
    let mut exec = || Exec {
        id: attributes.remove("execID").map(Text::from),
        command: detail.into(),
    };
    Some(match action {
        "create" => Action::Create,
        "start" => Action::Start,
        "die" | "died" => Action::Die {
            exit_code: attributes
                .remove("exitCode")
                .or_else(|| attributes.remove("containerExitCode"))
                .and_then(|code| code.parse().ok()),
        },
        "oom" => Action::Oom,
        "rename" => Action::Rename {
            old: attributes
                .remove("oldName")
                .map(|old| old.strip_prefix('/').unwrap_or(&old).into()),
        },
        "destroy" | "remove" => Action::Destroy,
        "exec_create" => Action::ExecCreate(exec()),
        "exec_start" => Action::ExecStart(exec()),
        "pause" => Action::Pause,
        "unpause" => Action::Unpause,
        "health_status" => Action::HealthStatus(detail.into()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Action, ContainerEvent, Exec, translate};
    use serde_json::{Value, json};
    use std::time::{Duration, SystemTime};

    const ID: &str = "869b00b22caa441e8abb9034a69ea93de8b1681b54d08cd69880b3187065ae38";

    fn translated(message: Value) -> Option<ContainerEvent> {
        translate(serde_json::from_value(message).unwrap())
    }

    fn event(action: &str, attributes: &Value) -> Option<ContainerEvent> {
        translated(json!({
            "Type": "container", "Action": action, "scope": "local",
            "Actor": {"ID": ID, "Attributes": attributes},
            "time": 12, "timeNano": 12_000_000_345_i64,
        }))
    }

    fn action(name: &str, attributes: &Value) -> Option<Action> {
        event(name, attributes).map(|event| event.action)
    }

    #[test]
    fn a_message_of_docker_20_10() {
        let told = event(
            "die",
            &json!({"exitCode": "137", "image": "nginx", "name": "web", "team": "a"}),
        )
        .unwrap();
        assert_eq!(
            (told.id.as_str(), told.name, told.image),
            (ID, "web".into(), "nginx".into())
        );
        assert_eq!(
            told.action,
            Action::Die {
                exit_code: Some(137)
            }
        );
        assert_eq!(told.at, SystemTime::UNIX_EPOCH + Duration::new(12, 345));
        assert_eq!(
            told.labels.into_iter().collect::<Vec<_>>(),
            [("team".into(), "a".into())]
        );
    }

    #[test]
    fn each_action_has_its_detail() {
        let exec = |command: &str| Exec {
            id: Some("e1".into()),
            command: command.into(),
        };
        let with_id = || json!({"execID": "e1"});
        for (name, attributes, expected) in [
            ("create", json!({}), Action::Create),
            ("start", json!({}), Action::Start),
            ("oom", json!({}), Action::Oom),
            ("destroy", json!({}), Action::Destroy),
            ("remove", json!({}), Action::Destroy),
            ("pause", json!({}), Action::Pause),
            ("unpause", json!({}), Action::Unpause),
            (
                "died",
                json!({"containerExitCode": "1"}),
                Action::Die { exit_code: Some(1) },
            ),
            (
                "rename",
                json!({"oldName": "/was"}),
                Action::Rename {
                    old: Some("was".into()),
                },
            ),
            (
                "exec_create: a: b",
                with_id(),
                Action::ExecCreate(exec("a: b")),
            ),
            (
                "exec_start: /bin/sh -c x",
                with_id(),
                Action::ExecStart(exec("/bin/sh -c x")),
            ),
            (
                "health_status: healthy",
                json!({}),
                Action::HealthStatus("healthy".into()),
            ),
        ] {
            assert_eq!(action(name, &attributes), Some(expected), "{name}");
        }
        for other in [
            "attach",
            "exec_die",
            "kill",
            "top",
            "create2",
            "",
            "network: x",
        ] {
            assert_eq!(action(other, &json!({})), None, "{other}");
        }
    }

    #[test]
    fn what_is_missing_is_not_made_up() {
        assert_eq!(
            action("die", &json!({})),
            Some(Action::Die { exit_code: None })
        );
        assert_eq!(
            action("die", &json!({"exitCode": "x"})),
            Some(Action::Die { exit_code: None })
        );
        assert_eq!(
            action("rename", &json!({})),
            Some(Action::Rename { old: None })
        );
        let bare = json!({"Type": "container", "Action": "start", "Actor": {"ID": ID}});
        let bare = translated(bare).unwrap();
        assert_eq!((bare.at, bare.labels.len()), (SystemTime::UNIX_EPOCH, 0));
        for broken in [
            json!({}),
            json!({"Type": "network", "Action": "create", "Actor": {"ID": ID}}),
            json!({"Type": "container", "Actor": {"ID": ID}}),
            json!({"Type": "container", "Action": "start"}),
            json!({"Type": "container", "Action": "start", "Actor": {}}),
            json!({"Type": "container", "Action": "start", "Actor": {"ID": "../../x"}}),
        ] {
            assert_eq!(translated(broken.clone()), None, "{broken}");
        }
    }

    #[test]
    fn hostile_labels_are_kept_and_shown_harmlessly() {
        let told = event(
            "exec_start: \u{1b}[31m<script>\n",
            &json!({"name": "a", "<script>\u{1b}": "\n\u{202e}", "": "", "execID": "\u{7}"}),
        )
        .unwrap();
        assert_eq!(told.labels[&"<script>\u{1b}".into()], "\n\u{202e}".into());
        assert_eq!(told.labels[&"".into()], "".into());
        let shown = format!("{told:?}");
        assert!(
            !shown.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{shown}"
        );
    }
}
