//! Where a test of containers takes place.

use std::path::{Path, PathBuf};

use profiler_tests::{Leftovers, Tag, assert_root, docker};

/// A folder for files, the machine as it was, an image of this test's own.
pub(super) struct Place {
    folder: tempfile::TempDir,
    leftovers: Leftovers,
    pub(super) tag: Tag,
}

impl Place {
    pub(super) fn of(image: &str) -> Self {
        assert_root();
        Self {
            folder: tempfile::tempdir().unwrap(),
            leftovers: Leftovers::watch(),
            tag: Tag::of(image),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    #[track_caller]
    pub(super) fn expect_nothing_left(&self) {
        assert_eq!(self.tag.containers(), Vec::<String>::new(), "left behind");
        let ours = "label=profiler.session";
        let networks = docker(&["network", "ls", "--quiet", "--filter", ours]);
        assert_eq!(networks, "", "left behind");
        self.leftovers.expect_none();
    }
}
