//! Runs that nobody watches: what is printed is kept, to tell why one failed.

use std::time::Duration;

use crate::recording::Text;
use crate::target::{self, Interrupts, Tail, TestError, TestOutcome, run_test_within};
use crate::terminal::{self, Stream};

/// strerror(3)'s words, without their first letters, of EACCES, EPERM, EROFS, EMFILE, ENOMEM, EAGAIN and
/// ENETUNREACH: what a container is refused by what it is confined with
/// (<https://sourceware.org/git/?p=glibc.git;a=blob;f=sysdeps/gnu/errlist.h;hb=refs/tags/glibc-2.36>).
const REFUSED: [&str; 7] = [
    "ermission denied",
    "peration not permitted",
    "ead-only file system",
    "oo many open files",
    "annot allocate memory",
    "esource temporarily unavailable",
    "etwork is unreachable",
];

/// What a container and its test print is kept, and the test has a limit.
#[derive(Debug)]
pub(super) struct Quiet {
    pub(super) log: Tail,
    test: Tail,
    limit: Duration,
}

impl Quiet {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            log: Tail::default(),
            test: Tail::default(),
            limit,
        }
    }

    /// The last that each of them said of a refusal, or said at all, escaped.
    pub(super) fn said(&self) -> Option<String> {
        let said = |who: &str, kept: &Tail| {
            let line = kept.last_line_with(&REFUSED).or_else(|| kept.last_line())?;
            Some(format!("{who}: {}", Text::from(line)))
        };
        let said = [said("test", &self.test), said("container", &self.log)];
        let said: Vec<String> = said.into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// All that was kept, where a person looks.
    pub(super) fn show(&self) {
        for kept in [&self.log, &self.test] {
            let _ = terminal::write(Stream::Stderr, kept.to_string().as_bytes());
        }
    }
}

/// Where somebody watches, nothing is kept, and the test has no limit.
pub(super) async fn run_test(
    quiet: Option<&Quiet>,
    test: &str,
    environment: &[(&str, String)],
    interrupts: &Interrupts,
) -> Result<TestOutcome, TestError> {
    match quiet {
        Some(Quiet {
            test: kept, limit, ..
        }) => run_test_within(test, environment, interrupts, *limit, kept.clone()).await,
        None => target::run_test(test, environment, interrupts).await,
    }
}
