//! Where in a file: lines and columns as editors count them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Half open; bytes.
pub type Bytes = std::ops::Range<usize>;

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters (Unicode code points).
    pub column: usize,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Place {
    pub start: Position,
    /// The first character that no longer belongs to it.
    pub end: Position,
}

/// Finds positions of offsets; made once a file.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// The bytes that begin no character. A file may be one line, and every word of it a finding.
    within: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let after_ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after_ends).collect(),
            within: (0..text.len())
                .filter(|&at| !text.is_char_boundary(at))
                .collect(),
        }
    }

    pub(super) fn place(&self, bytes: &Bytes) -> Place {
        Place {
            start: self.position(bytes.start),
            end: self.position(bytes.end),
        }
    }

    /// Past the end it is the end.
    fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        let within = |end: usize| self.within.partition_point(|&at| at < end);
        Position {
            line,
            column: offset - start - (within(offset) - within(start)) + 1,
        }
    }

    /// `line` and `column` from 1, the column in bytes, as serde_json has them.
    pub(super) fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.starts.get(line.saturating_sub(1)).copied();
        let offset = start.unwrap_or(self.text.len()) + column.saturating_sub(1);
        self.text.floor_char_boundary(offset.min(self.text.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, Position};

    #[test]
    fn columns_are_characters() {
        let text = "{\n  \"zwölf\": 1\n}";
        let lines = Lines::new(text);
        let at = text.find('1').unwrap();
        let place = lines.place(&(at..at + 1));
        assert_eq!(
            place.start,
            Position {
                line: 2,
                column: 12
            }
        );
        assert_eq!(
            place.end,
            Position {
                line: 2,
                column: 13
            }
        );
        let end = lines.place(&(text.len()..usize::MAX));
        assert_eq!(end.start, Position { line: 3, column: 2 });
        assert_eq!(end.end, end.start);
    }

    #[test]
    fn an_offset_lies_in_the_text() {
        let lines = Lines::new("ö\nb");
        assert_eq!(lines.offset(1, 2), 0);
        assert_eq!(lines.offset(2, 1), 3);
        assert_eq!(lines.offset(9, 9), 4);
        assert_eq!(lines.offset(0, 0), 0);
    }
}
