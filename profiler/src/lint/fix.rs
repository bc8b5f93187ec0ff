//! Mending what takes no decision.

use super::finding::Edit;
use super::rules::RuleId;
use super::{NotAProfile, Options, lint};

/// A mend can make another possible: a rule that has lost its last name goes in the next round. More
/// rounds than this mean that two rules disagree.
const ROUNDS: usize = 10;

/// A text, and what was mended in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    pub text: Vec<u8>,
    /// Of which rules, in the order of their mending.
    pub mended: Vec<RuleId>,
}

/// What cannot be mended so stays as it is.
pub fn fix(bytes: &[u8], options: &Options) -> Result<Fixed, NotAProfile> {
    let mut fixed = Fixed {
        text: bytes.to_vec(),
        mended: Vec::new(),
    };
    for _ in 0..ROUNDS {
        let findings = lint(&fixed.text, options)?.findings;
        let edits = findings
            .iter()
            .filter_map(|finding| Some((finding.rule, finding.edit.as_ref()?)));
        let mended = apply(&mut fixed.text, edits);
        if mended.is_empty() {
            break;
        }
        fixed.mended.extend(mended);
    }
    Ok(fixed)
}

/// Those that do not touch each other; the rest has its turn in the next round.
fn apply<'e>(text: &mut Vec<u8>, edits: impl Iterator<Item = (RuleId, &'e Edit)>) -> Vec<RuleId> {
    let mut edits: Vec<_> = edits.collect();
    edits.sort_by_key(|(_, edit)| edit.bytes.start);
    let mut end = 0;
    edits.retain(|(_, edit)| {
        let is_free = edit.bytes.start >= end;
        if is_free {
            end = edit.bytes.end;
        }
        is_free
    });
    for (_, edit) in edits.iter().rev() {
        text.splice(edit.bytes.clone(), edit.text.bytes());
    }
    edits.into_iter().map(|(rule, _)| rule).collect()
}
