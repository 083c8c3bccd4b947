//! Movement and detection.

use super::Check;

/// What compares the case of this name, if it is one of these.
pub(super) fn check(_: &str) -> Option<Check> {
    None
}
