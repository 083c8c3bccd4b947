//! Stopping long work without losing it: Jupyter's stop button, Ctrl-C in a terminal, and a scheduler's signal to end.
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
//! What interrupts are the signals SIGINT (Ctrl-C), SIGTERM (`kill`, a cluster's scheduler) and SIGHUP (a terminal that is
//! closed; not under `nohup`). While such work is done, the first one is only noted, and the second one, of any kind, ends the
//! program. Without such work they do what they did before. SIGINT in a notebook is the kernel's: with the kernel of this project
//! it does nothing but stop the work, so that variables are kept.

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

#[cfg(unix)]
use signal_hook::consts::SIGHUP;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::notebook;

/// The signals that interrupt.
const SIGNALS: &[c_int] = &[
    SIGINT,
    SIGTERM,
    #[cfg(unix)]
    SIGHUP,
];

/// What an interrupt finds and leaves.
struct Interrupts {
    /// The signal that came since the work began; 0 if none did.
    noted: Arc<AtomicUsize>,
    /// The next one ends the program.
    deadly: Arc<AtomicBool>,
    /// How many pieces of work are being done, within and beside each other.
    working: Mutex<usize>,
}

impl Interrupts {
    /// The ones of this program. The handlers are installed when the first work begins; they do nothing between works that was
    /// not done before.
    fn get() -> &'static Self {
        static INTERRUPTS: OnceLock<Interrupts> = OnceLock::new();
        INTERRUPTS.get_or_init(|| {
            let this = Self { noted: Arc::default(), deadly: Arc::default(), working: Mutex::default() };
            SIGNALS.iter().for_each(|&signal| this.handle(signal));
            this
        })
    }

    fn handle(&self, signal: c_int) {
        let (ignored, handled) = (is_in("SigIgn:", signal), is_in("SigCgt:", signal));
        // Who ignores these, as `nohup` does, wants to go on; SIGINT is ignored by notebook kernels, which leave it to us.
        if ignored && signal != SIGINT {
            return;
        }
        // Nobody else handles it, so that it ends the program. In this order: one that is noted makes the next one deadly. If the
        // system refuses, nothing can be stopped.
        if !(ignored || handled || signal == SIGINT && notebook::is_notebook()) {
            drop(flag::register_conditional_default(signal, Arc::clone(&self.deadly)));
        }
        drop(flag::register_usize(signal, Arc::clone(&self.noted), signal as usize));
        drop(flag::register(signal, Arc::clone(&self.deadly)));
    }

    fn working(&self) -> MutexGuard<'_, usize> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a signal is in a set of this process. Linux says which are ignored or handled; elsewhere we take it that none is.
fn is_in(set: &str, signal: c_int) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix(set));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
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
        interrupts.noted.store(0, Ordering::SeqCst);
        interrupts.deadly.store(false, Ordering::SeqCst);
    }
    *working += 1;
    Work(())
}

impl Work {
    /// Whether to end after the current step.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.signal().is_some()
    }

    /// The number of the signal that interrupted, 15 for SIGTERM; the last one, if there were several.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        let noted = Interrupts::get().noted.load(Ordering::SeqCst);
        (noted > 0).then_some(noted as i32)
    }

    /// Whether it was told to end by something else than Ctrl-C or a stop button.
    #[cfg(feature = "torch")]
    pub(crate) fn is_terminated(&self) -> bool {
        self.signal().is_some_and(|signal| signal != SIGINT)
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
