//! The capability list as JSON, for `verify` and for review.

use crate::capabilities::CapabilityList;

pub fn capabilities(list: &CapabilityList) -> String {
    super::text::json(list)
}
