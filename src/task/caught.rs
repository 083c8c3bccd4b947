//! Code of a task that panics: an error that says where, told once.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::thread;

use crate::{Error, Result};

thread_local! {
    /// Whether what runs on this thread is a task's own code.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// Where it panicked.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs a task's own code; a panic in it becomes an error with its place in the source. Nothing is printed: the error says it
/// once, where each of many trials on each of many threads would print the same.
pub(super) fn caught<R>(at: &str, work: impl FnOnce() -> R) -> Result<R> {
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
    done.map_err(|panic| {
        let message = match PLACE.take() {
            Some(place) => format!("{}, at {place}", said(panic.as_ref())),
            None => said(panic.as_ref()),
        };
        Error::Task { at: at.to_owned(), message }
    })
}

/// Keeps the place of a panic in a task instead of printing it. All other panics are told as before.
fn keep_silent() {
    static ONCE: Once = Once::new();
    if thread::panicking() {
        // Then the hook is not ours to change; the next task does it.
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
