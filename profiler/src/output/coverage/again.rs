//! What records a subject once more, from its birth.

use crate::recording::{Subject, command_line};

/// `None` for a cgroup, which is there before it is recorded.
pub(super) fn command(subject: &Subject) -> Option<String> {
    let word = |text: &_| command_line(std::slice::from_ref(text));
    Some(match subject {
        Subject::Command { argv } => {
            format!("profiler record -o next.json -- {}", command_line(argv))
        }
        Subject::Image {
            service: Some(service),
            ..
        } => {
            let project = word(&service.project);
            format!("profiler record --compose-project {project} --test … -o next")
        }
        Subject::Image { reference, .. } => {
            let image = word(reference);
            format!("profiler record --image {image} --test … -o next.json")
        }
        Subject::Cgroup { .. } => return None,
    })
}
