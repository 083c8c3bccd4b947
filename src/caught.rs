//! Panics of other people's code as values.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// The result of work, or nothing if it panics, without a word about it on standard error.
///
/// A panic is told by one hook for the whole program. It is wrapped once, and stays as it was for all other threads and times.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    static WRAPPED: Once = Once::new();
    WRAPPED.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            if !QUIET.get() {
                tell(what);
            }
        }));
    });
    let before = QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_nothing_and_others_are_told_as_before() {
        assert_eq!(caught(|| 1), Some(1));
        assert_eq!(caught(|| -> usize { panic!("not seen") }), None);
        assert_eq!(caught(|| caught(|| panic!("not seen")).is_none() && QUIET.get()), Some(true), "within another");
        assert!(!QUIET.get());
    }
}
