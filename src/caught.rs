//! Panics of code that is not ours, a task's for instance: values that say what and where, told once.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::thread;

use crate::{Error, Result};

thread_local! {
    /// Whether the panics of what runs on this thread are caught.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// Where it panicked.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs code that may panic, and gives in place of a panic what it said and its place in the source. Nothing is printed: whoever
/// asks tells it once, where each of many trials on each of many threads would print the same.
pub(crate) fn caught<R>(work: impl FnOnce() -> R) -> std::result::Result<R, String> {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            WATCHED.set(self.0);
        }
    }
    keep_silent();
    let done = {
        let _restore = Restore(WATCHED.replace(true));
        catch_unwind(AssertUnwindSafe(work))
    };
    done.map_err(|panic| match PLACE.take() {
        Some(place) => format!("{}, at {place}", said(panic.as_ref())),
        None => said(panic.as_ref()),
    })
}

/// Runs code that may be a user's: a panic in it becomes an error that says whose it may be.
pub(crate) fn caught_in<T>(whose: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    caught(work).unwrap_or_else(|message| Err(Error::Panic { what: whose.to_owned(), message }))
}

/// Keeps the place of a caught panic instead of printing it. All other panics are told as before.
fn keep_silent() {
    static ONCE: Once = Once::new();
    if thread::panicking() {
        // Then the hook is not ours to change; the next one does it.
        return;
    }
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| match WATCHED.get() {
            true => PLACE.set(panic.location().map(|place| format!("{}:{}", place.file(), place.line()))),
            false => usual(panic),
        }));
    });
}

fn said(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_what_it_said_and_others_are_told_as_before() {
        assert_eq!(caught(|| 1), Ok(1));
        let said = caught(|| -> usize { panic!("not {}", "seen") }).unwrap_err();
        assert!(said.starts_with("not seen, at src") && said.contains("caught.rs:"), "{said}");
        assert_eq!(caught(|| caught(|| panic!("not seen")).is_err() && WATCHED.get()), Ok(true), "within another");
        assert!(!WATCHED.get());
    }
}
