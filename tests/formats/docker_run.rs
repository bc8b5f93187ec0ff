//! A shell reads the line; that an engine starts a container by it, `tests/containers` shows.

use profiler_tests::run;

use super::{Hardened, RECORDINGS, tool};

#[test]
fn a_shell_runs_what_is_meant() {
    for recording in RECORDINGS {
        let hardened = Hardened::with(recording, &["--profile", "it's $HOME/my profile.json"]);
        let folder = hardened.folder.path();
        std::fs::create_dir(folder.join("bin")).unwrap();
        let docker = folder.join("bin/docker");
        std::fs::write(&docker, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n").unwrap();
        run(tool("chmod", folder).arg("+x").arg(&docker)).expect_code(0);
        let ran = run(tool("sh", folder)
            .arg("docker-run.sh")
            .env("PATH", format!("{}/bin:/usr/bin:/bin", folder.display())))
        .expect_code(0);
        let mut expected = vec![
            "run".to_owned(),
            "--security-opt".to_owned(),
            "seccomp=it's $HOME/my profile.json".to_owned(),
        ];
        if hardened.no_new_privileges() {
            expected.extend(["--security-opt", "no-new-privileges"].map(str::to_owned));
        }
        if let Some(list) = hardened.capabilities() {
            expected.extend(["--cap-drop", "ALL"].map(str::to_owned));
            for name in list.add {
                expected.extend(["--cap-add".to_owned(), name]);
            }
        }
        let words: Vec<&str> = ran.stdout.lines().collect();
        let (image, options) = words.split_last().unwrap();
        assert_eq!(options, expected, "{recording}");
        assert!(!image.starts_with('-'), "{image}");
    }
}
