//! `-e` and `--env-file`.

use super::{OptionError, RunOptions, Surroundings};

/// Files first, so that `-e` overrides them. A bare `NAME` of `-e` that we do not have takes the
/// image's variable away; in a file it says nothing. As in
/// <https://github.com/docker/cli/blob/v28.2.2/opts/env.go> and `opts/file.go` beside it.
pub(super) fn variables(
    options: &RunOptions,
    surroundings: &dyn Surroundings,
) -> Result<Vec<String>, OptionError> {
    let mut variables = Vec::new();
    for path in &options.env_file {
        let shown = path.display().to_string();
        let refused = |reason: String| OptionError::new("--env-file", &shown, reason);
        let text = surroundings
            .read(path)
            .map_err(|e| refused(e.to_string()))?;
        for line in text.trim_start_matches('\u{feff}').lines() {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let name = line.split_once('=').map_or(line, |(name, _)| name);
            if name.is_empty() {
                return Err(refused(format!("{line:?} has no name")));
            }
            if name.contains(char::is_whitespace) {
                return Err(refused(format!("{name:?} has blanks in its name")));
            }
            variables.extend(complete(line, surroundings));
        }
    }
    for variable in &options.env {
        if variable.is_empty() || variable.starts_with('=') {
            return Err(OptionError::new("-e", variable, "it has no name"));
        }
        variables.push(complete(variable, surroundings).unwrap_or_else(|| variable.clone()));
    }
    Ok(variables)
}

/// `NAME=VALUE`; a bare name takes our own value.
fn complete(variable: &str, surroundings: &dyn Surroundings) -> Option<String> {
    if variable.contains('=') {
        return Some(variable.to_owned());
    }
    surroundings
        .variable(variable)
        .map(|value| format!("{variable}={value}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::Known;
    use super::{RunOptions, variables};

    fn of(files: &[&str], env: &[&str]) -> Result<Vec<String>, String> {
        let options = RunOptions {
            env_file: files.iter().map(Into::into).collect(),
            env: env.iter().map(|&e| e.to_owned()).collect(),
            ..RunOptions::default()
        };
        variables(&options, &Known).map_err(|error| error.to_string())
    }

    #[test]
    fn files_come_first() {
        let all = of(&["list"], &["A=2", "OURS", "UNSET", "E="]).unwrap();
        assert_eq!(
            all,
            [
                "A=1",
                "B=x = y",
                "OURS=our own",
                "EMPTY=",
                "A=2",
                "OURS=our own",
                "UNSET",
                "E="
            ]
        );
    }

    #[test]
    fn what_has_no_name_is_refused() {
        for (files, env, part) in [
            (&[][..], &["=1"][..], "-e \"=1\": it has no name"),
            (&[], &[""], "it has no name"),
            (&["nameless"], &[], "\"=1\" has no name"),
            (&["blank"], &[], "\"BAD NAME\" has blanks"),
            (&["absent"], &[], "--env-file \"absent\": "),
        ] {
            let error = of(files, env).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
