//! What is looked for: a file for each kind.

mod actions;
mod architectures;
mod comparisons;
mod compiled;
mod default;
mod host;
mod names;
mod needs;
mod repeated;

use super::Options;
use super::document::Document;
use super::finding::Found;

pub(super) fn check(document: &Document, options: &Options, found: &mut Vec<Found>) {
    names::check(document, options.libseccomp, found);
    architectures::check(document, found);
    actions::check(document, found);
    default::check(document, found);
    repeated::check(document, found);
    comparisons::check(document, found);
    host::check(document, found);
    needs::check(document, found);
    compiled::check(document, found);
}
