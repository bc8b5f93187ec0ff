//! Where the cursor is, and whether the live line may be drawn there.

use std::io;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The spinner, then as much of the text as there is room for.
const TEMPLATE: &str = "{spinner} {wide_msg}";

pub(super) struct Screen {
    /// By itself: indicatif's MultiProgress panics where its terminal went away.
    line: ProgressBar,
    /// The last thing shown above has no newline yet.
    open: bool,
}

impl Screen {
    pub(super) fn new(target: ProgressDrawTarget) -> Self {
        let line = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            line.set_style(style);
        }
        Self { line, open: false }
    }

    /// Nothing while a line above is open: to draw on it would overwrite it.
    pub(super) fn draw(&mut self, text: String) {
        self.line.set_message(text);
        self.line.tick();
    }

    /// What is shown later, by whomever, begins on a line of its own.
    pub(super) fn leave(&mut self, newline: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.line.finish_and_clear();
        if self.open { newline() } else { Ok(()) }
    }

    /// `write` writes these bytes and no others.
    pub(super) fn pass(
        &mut self,
        bytes: &[u8],
        write: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(last) = bytes.last() else {
            return write();
        };
        self.line.finish_and_clear();
        let written = write();
        self.open = *last != b'\n';
        if !self.open {
            self.line.reset();
        }
        written
    }

    /// `write` writes whole lines; before them a newline where it is told that a line is open.
    pub(super) fn pass_line(
        &mut self,
        write: impl FnOnce(bool) -> io::Result<()>,
    ) -> io::Result<()> {
        let open = self.open;
        self.pass(b"\n", || write(open))
    }
}

#[cfg(test)]
mod tests {
    use super::Screen;
    use indicatif::{InMemoryTerm, ProgressDrawTarget, TermLike as _};

    struct Shown {
        terminal: InMemoryTerm,
        screen: Screen,
    }

    impl Shown {
        fn new(columns: u16) -> Self {
            let terminal = InMemoryTerm::new(10, columns);
            let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
            Self {
                terminal,
                screen: Screen::new(target),
            }
        }

        fn pass(&mut self, text: &str) {
            let terminal = self.terminal.clone();
            // A terminal's driver makes a carriage return of each newline.
            let raw = text.replace('\n', "\r\n");
            self.screen
                .pass(text.as_bytes(), || terminal.write_str(&raw))
                .unwrap();
        }

        fn pass_line(&mut self, line: &str) {
            let terminal = self.terminal.clone();
            self.screen
                .pass_line(|open| {
                    let close = if open { "\r\n" } else { "" };
                    terminal.write_str(&format!("{close}{line}\r\n"))
                })
                .unwrap();
        }

        fn leave(&mut self) {
            let terminal = &self.terminal;
            self.screen.leave(|| terminal.write_str("\r\n")).unwrap();
        }

        /// Without the spinner, which looks another way each time.
        fn lines(&self) -> Vec<String> {
            let spinner = |c: char| ('\u{2800}'..='\u{28ff}').contains(&c);
            let contents = self.terminal.contents();
            let lines = contents.lines();
            lines
                .map(|line| line.replace(spinner, "*").trim_end().to_owned())
                .collect()
        }
    }

    #[test]
    fn output_stands_above_the_live_line() {
        let mut shown = Shown::new(40);
        shown.screen.draw("first".into());
        assert_eq!(shown.lines(), ["* first"]);
        shown.pass("from the test\nmore\n");
        assert_eq!(shown.lines(), ["from the test", "more", "* first"]);
        shown.screen.draw("second".into());
        shown.pass_line("profiler: web-1 started");
        let expected = [
            "from the test",
            "more",
            "profiler: web-1 started",
            "* second",
        ];
        assert_eq!(shown.lines(), expected);
        shown.leave();
        assert_eq!(shown.lines(), expected[..3]);
    }

    #[test]
    fn an_open_line_is_not_drawn_over() {
        let mut shown = Shown::new(40);
        shown.screen.draw("live".into());
        shown.pass("...");
        shown.screen.draw("live".into());
        shown.pass("..");
        shown.screen.draw("live".into());
        assert_eq!(shown.lines(), ["....."]);
        shown.pass(" ok\n");
        assert_eq!(shown.lines(), ["..... ok", "* live"]);
        shown.pass("Password: ");
        shown.pass_line("profiler: web-1 died");
        assert_eq!(
            shown.lines(),
            ["..... ok", "Password:", "profiler: web-1 died", "* live"]
        );
        shown.pass("open");
        shown.leave();
        shown.terminal.write_str("later").unwrap();
        assert_eq!(shown.lines()[3..], ["open", "later"]);
    }

    #[test]
    fn the_live_line_is_cut_to_the_width() {
        for columns in [8, 12, 20] {
            let mut shown = Shown::new(columns);
            for text in ["00:42 · a long, long line", "日本語日本語日本語日本語", ""] {
                shown.screen.draw(text.into());
                assert!(shown.lines().len() <= 1, "{:?}", shown.lines());
            }
            // Longer than the terminal is wide, and nothing of it is lost.
            shown.pass_line("profiler: a line that must be whole");
            shown.screen.draw("live".into());
            let lines = shown.lines();
            let (live, above) = lines.split_last().unwrap();
            assert_eq!(live, "* live");
            let squeezed = above.concat().replace(' ', "");
            assert_eq!(squeezed, "profiler:alinethatmustbewhole");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_let_through() {
        let mut shown = Shown::new(40);
        let mut passed = false;
        shown
            .screen
            .pass(b"\xff\xfe", || {
                passed = true;
                Ok(())
            })
            .unwrap();
        assert!(passed && shown.screen.open);
    }

    #[test]
    fn a_terminal_that_went_away_is_no_matter() {
        let mut shown = Shown::new(40);
        shown.screen.draw("live".into());
        let gone = shown
            .screen
            .pass(b"x\n", || Err(std::io::ErrorKind::BrokenPipe.into()));
        assert!(gone.is_err());
        shown.screen.draw("live".into());
    }
}
