//! The ways to start a container that change what its runtime calls behind the filter.

use super::image::PROGRAM;
use crate::cli::RunOptions;

pub(super) struct Way {
    /// As a floor names it.
    pub(super) name: &'static str,
    pub(super) command: &'static str,
    pub(super) has_init: bool,
    set: fn(&mut RunOptions),
}

impl Way {
    pub(super) fn options(&self, no_new_privileges: bool) -> RunOptions {
        let mut options = RunOptions {
            network: Some("none".into()),
            ..RunOptions::default()
        };
        if no_new_privileges {
            options.security_opt.push("no-new-privileges".into());
        }
        (self.set)(&mut options);
        options
    }
}

pub(super) const WAYS: [Way; 8] = [
    way("absolute command", |_| {}),
    Way {
        command: "floor",
        ..way("command found by PATH", |_| {})
    },
    way("--user", |options| options.user = Some("nobody".into())),
    way("--read-only", |options| options.read_only = true),
    way("--cap-drop ALL", |options| {
        options.cap_drop.push("ALL".into());
    }),
    way("--workdir", |options| options.workdir = Some("/tmp".into())),
    way("--tty", |options| options.tty = true),
    Way {
        has_init: true,
        ..way("--init", |options| options.init = true)
    },
];

const fn way(name: &'static str, set: fn(&mut RunOptions)) -> Way {
    Way {
        name,
        command: PROGRAM,
        has_init: false,
        set,
    }
}
