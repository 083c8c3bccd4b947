//! Stopping long work without losing it: Jupyter's stop button, and Ctrl-C in a terminal.
//!
//! Training, ensembles, bootstraps and sweeps end after their current step if they are interrupted, and give what they have
//! so far, with a word that says so. Write a long loop of your own the same way:
//!
//! ```
//! use psychrnn::interrupt;
//! let work = interrupt::watch();
//! for step in 0..1000 {
//!     // …
//!     if work.is_interrupted() {
//!         break;
//!     }
//! }
//! ```
//!
//! While such work is done, the first interrupt is only noted; in a program outside a notebook the second one ends the
//! program. Without such work an interrupt does what it did before. In a notebook it is the kernel that decides what that is:
//! with the kernel of this project nothing, so that variables are kept.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

use crate::notebook;

/// What an interrupt finds and leaves.
struct Interrupts {
    /// Interrupted since the work began.
    noted: Arc<AtomicBool>,
    /// The next one ends the program.
    deadly: Arc<AtomicBool>,
    /// How many pieces of work are being done, within and beside each other.
    working: Mutex<usize>,
}

impl Interrupts {
    /// The ones of this program. The handler is installed when the first work begins; it does nothing between works that was
    /// not done before.
    fn get() -> &'static Self {
        static INTERRUPTS: OnceLock<Interrupts> = OnceLock::new();
        INTERRUPTS.get_or_init(|| {
            let this = Self { noted: Arc::default(), deadly: Arc::default(), working: Mutex::default() };
            // In this order: one that is noted makes the next one deadly. If the system refuses, nothing can be stopped.
            if ends_the_program() {
                drop(flag::register_conditional_default(SIGINT, Arc::clone(&this.deadly)));
            }
            drop(flag::register(SIGINT, Arc::clone(&this.noted)));
            drop(flag::register(SIGINT, Arc::clone(&this.deadly)));
            this
        })
    }

    fn working(&self) -> MutexGuard<'_, usize> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an interrupt ends the program when nobody handles it. A handler from elsewhere goes on handling it.
fn ends_the_program() -> bool {
    if notebook::is_notebook() {
        return false;
    }
    // Linux says which signals are ignored or handled; elsewhere we take it that none is.
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return true };
    !["SigIgn:", "SigCgt:"].iter().any(|name| {
        let mask = status.lines().find_map(|line| line.strip_prefix(name));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .is_some_and(|mask| mask & (1 << (SIGINT - 1)) != 0)
    })
}

/// Work that an interrupt stops.
#[derive(Debug)]
pub struct Work(());

/// Begins work that an interrupt stops; it ends when the value is dropped. Work within it, on any thread, is stopped with it.
#[must_use]
pub fn watch() -> Work {
    let interrupts = Interrupts::get();
    let mut working = interrupts.working();
    if *working == 0 {
        interrupts.noted.store(false, Ordering::SeqCst);
        interrupts.deadly.store(false, Ordering::SeqCst);
    }
    *working += 1;
    Work(())
}

impl Work {
    /// Whether to end after the current step.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        Interrupts::get().noted.load(Ordering::SeqCst)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let interrupts = Interrupts::get();
        let mut working = interrupts.working();
        *working -= 1;
        if *working == 0 {
            interrupts.deadly.store(true, Ordering::SeqCst);
        }
    }
}
