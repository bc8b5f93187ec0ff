//! Bytes that a container chose: kept faithfully, shown harmlessly.

use std::fmt::{self, Write as _};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text from outside (a comm, a path, a label). In JSON a string with every byte that is not
/// valid UTF-8, and every backslash, as `\xNN`, so that it comes back byte for byte; displayed
/// with control characters escaped besides.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String")]
pub struct Text(Vec<u8>);

impl Text {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn from_encoded(text: &str) -> Option<Self> {
        decode(text).map(Self)
    }

    /// Up to the first NUL, as the kernel hands strings over; `None` where that is nothing.
    pub fn from_c_bytes(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        (end > 0).then(|| Self(bytes[..end].to_vec()))
    }

    /// As it stands in JSON.
    pub(super) fn encoded(&self) -> String {
        let mut out = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c == '\\' {
                    out.push_str("\\x5c");
                } else {
                    out.push(c);
                }
            }
            for byte in chunk.invalid() {
                write!(out, "\\x{byte:02x}").expect("a String takes all");
            }
        }
        out
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'\\' {
            out.push(byte);
            rest = tail;
            continue;
        }
        let hex = tail.strip_prefix(b"x")?.get(..2)?;
        out.push(u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?);
        rest = &tail[3..];
    }
    Some(out)
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<&std::ffi::OsStr> for Text {
    fn from(text: &std::ffi::OsStr) -> Self {
        use std::os::unix::ffi::OsStrExt as _;
        Self(text.as_bytes().to_vec())
    }
}

/// Escapes what a terminal would act on: control characters, and the marks that reorder text.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&harmless(&self.encoded()))
    }
}

/// Text of a file that somebody wrote, with what a terminal would act on escaped; what is escaped
/// already stays as it is.
pub fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if terminals_obey(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Control characters, and those that reorder what stands beside them.
pub fn terminals_obey(c: char) -> bool {
    let reorders =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || reorders
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.encoded())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_encoded(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("bad escape in {text:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn hostile_bytes_come_back_as_they_were() {
        for bytes in [
            &b"nginx"[..],
            b"\x1b[31mred\n",
            b"C:\\x41\\",
            b"\xff\xfe<script>",
            "zwölf".as_bytes(),
        ] {
            let text = Text(bytes.to_vec());
            let json = serde_json::to_string(&text).unwrap();
            assert_eq!(serde_json::from_str::<Text>(&json).unwrap(), text, "{json}");
        }
    }

    #[test]
    fn a_terminal_sees_no_control_characters() {
        let shown = Text(b"\x1b]0;owned\x07\xff".to_vec()).to_string();
        assert_eq!(shown, r"\u{1b}]0;owned\u{7}\xff");
    }

    #[test]
    fn a_broken_escape_is_refused() {
        assert!(serde_json::from_str::<Text>(r#""\\x4""#).is_err());
        assert!(serde_json::from_str::<Text>(r#""\\q""#).is_err());
    }
}
