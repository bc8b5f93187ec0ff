//! What was found, and where.

use super::place::{Bytes, Lines, Place};
use super::rules::{RuleId, Severity};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: RuleId,
    /// The rule's own, but where this one is milder or graver.
    pub severity: Severity,
    pub place: Place,
    /// One line, harmless to a terminal.
    pub message: String,
    /// Where it can be mended without a decision.
    pub edit: Option<Edit>,
}

/// The text that takes a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub bytes: Bytes,
    pub place: Place,
    pub text: String,
}

/// A finding by offsets.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) rule: RuleId,
    severity: Severity,
    pub(super) at: Bytes,
    message: String,
    edit: Option<(Bytes, String)>,
}

impl Found {
    pub(super) fn new(rule: RuleId, at: &Bytes, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.rule().severity,
            at: at.clone(),
            message: message.into(),
            edit: None,
        }
    }

    pub(super) fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    pub(super) fn replace(self, bytes: &Bytes, text: impl Into<String>) -> Self {
        Self {
            edit: Some((bytes.clone(), text.into())),
            ..self
        }
    }

    /// Nothing: that takes a decision.
    pub(super) fn remove<'b>(self, bytes: impl Into<Option<&'b Bytes>>) -> Self {
        match bytes.into() {
            Some(bytes) => self.replace(bytes, ""),
            None => self,
        }
    }

    pub(super) fn without_edit(self) -> Self {
        Self { edit: None, ..self }
    }

    pub(super) fn placed(self, lines: &Lines<'_>) -> Finding {
        Finding {
            rule: self.rule,
            severity: self.severity,
            place: lines.place(&self.at),
            message: self.message,
            edit: self.edit.map(|(bytes, text)| Edit {
                place: lines.place(&bytes),
                bytes,
                text,
            }),
        }
    }
}
