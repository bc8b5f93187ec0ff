//! Podman tells of a state that Docker's API does not have: `stopped` is one whose program has ended,
//! and which is not cleared up yet
//! (<https://github.com/containers/podman/blob/v4.3.1/libpod/define/containerstate.go>).

use bollard::errors::Error as ApiError;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The answer to `inspect` or to a list, with Docker's word for that state.
pub(super) fn in_dockers_words<T: DeserializeOwned>(
    answer: Result<T, ApiError>,
) -> Result<T, ApiError> {
    let Err(ApiError::JsonDataError { contents, .. }) = &answer else {
        return answer;
    };
    let Ok(mut found) = serde_json::from_str(contents) else {
        return answer;
    };
    rename(&mut found);
    serde_json::from_value(found).or(answer)
}

fn rename(found: &mut Value) {
    match found {
        Value::Array(containers) => containers.iter_mut().for_each(rename),
        found => match found.get_mut("State") {
            Some(Value::Object(state)) => state.get_mut("Status").into_iter().for_each(ended),
            state => state.into_iter().for_each(ended),
        },
    }
}

fn ended(state: &mut Value) {
    if state == "stopped" {
        *state = "exited".into();
    }
}

#[cfg(test)]
mod tests {
    use bollard::errors::Error as ApiError;
    use bollard::models::{ContainerInspectResponse, ContainerSummary};
    use serde::de::DeserializeOwned;

    use super::in_dockers_words;

    fn of<T: DeserializeOwned>(contents: &str) -> Result<T, ApiError> {
        let error = serde_json::from_str::<T>(contents).err().unwrap();
        in_dockers_words(Err(ApiError::JsonDataError {
            message: error.to_string(),
            contents: contents.to_owned(),
            column: error.column(),
        }))
    }

    #[test]
    fn stopped_is_exited() {
        let told: ContainerInspectResponse =
            of(r#"{"Id": "ab", "State": {"Status": "stopped", "ExitCode": 3}}"#).unwrap();
        let state = told.state.unwrap();
        assert_eq!(state.status.unwrap().to_string(), "exited");
        assert_eq!(state.exit_code, Some(3));
        let listed: Vec<ContainerSummary> =
            of(r#"[{"Id": "ab", "State": "stopped"}, {"Id": "cd", "State": "running"}]"#).unwrap();
        let states: Vec<String> = listed
            .into_iter()
            .map(|container| container.state.unwrap().to_string())
            .collect();
        assert_eq!(states, ["exited", "running"]);
    }

    #[test]
    fn another_error_stays_what_it_was() {
        for contents in [r#"{"State": {"Status": "asleep"}}"#, "rubbish"] {
            let error = of::<ContainerInspectResponse>(contents).unwrap_err();
            assert!(matches!(error, ApiError::JsonDataError { .. }), "{error}");
        }
    }
}
