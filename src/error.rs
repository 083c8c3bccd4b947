//! The one error type of the crate.

use std::fmt;
use std::path::PathBuf;

use crate::memory;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, with the values that show it and a sentence that says what to do.
///
/// `Debug` prints the same sentence as `Display`: a notebook and `fn main() -> Result<()>` show errors through `Debug`.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument has a value that makes no sense.
    #[error("`{name}` must be {expected}, but it is {got}")]
    Argument {
        /// The argument, as the caller spells it.
        name: String,
        /// What would have been accepted.
        expected: String,
        /// What came.
        got: String,
    },
    /// An array has the wrong shape.
    #[error("`{name}` must have shape {expected}, but it has shape {got:?}")]
    Shape {
        /// The array, as the caller spells it.
        name: String,
        /// The shape that was expected, with the meaning of its axes.
        expected: String,
        /// The shape that came.
        got: Vec<usize>,
    },
    /// An array holds NaN or an infinity.
    #[error("`{name}` must be finite, but it is {value} at {at}")]
    NotFinite {
        /// The array, as the caller spells it.
        name: String,
        /// The offending value.
        value: f64,
        /// Where it stands, in words.
        at: String,
    },
    /// A task's own code panicked or broke its contract.
    #[error("the task failed in {at}: {message}")]
    Task {
        /// The method and the trial, in words.
        at: String,
        /// What it said.
        message: String,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried: `read`, `write`, `create`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// A file is there but is not what it should be.
    #[error("{} is not a usable file: {problem}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// There is no such device to compute on.
    #[error(
        "cannot compute on {device}: {why}. `cargo xtask setup --cuda` brings libtorch's part for NVIDIA cards; the card's driver must be \
         there already. Without a card leave `device` out"
    )]
    Device {
        /// The device that was asked for.
        device: String,
        /// What is missing.
        why: String,
    },
    /// A named array is missing.
    #[error("there is no array `{name}` in the weights; they have {}", list(.present))]
    MissingArray {
        /// The array that was looked for.
        name: String,
        /// The arrays that are there.
        present: Vec<String>,
    },
    /// Training exploded.
    #[error(
        "training diverged at update {update}: {what} is {value}. The network has the last weights whose loss was a number{}; try a \
         smaller learning rate, a smaller spectral radius, or to clip gradients together (Clip::Global(1.0))",
        .best.map_or(String::new(), |best| format!(", and its best ones, from update {best}, are there by `use_best()`"))
    )]
    Diverged {
        /// The update, counted from 1.
        update: usize,
        /// The quantity.
        what: String,
        /// Its value.
        value: f64,
        /// The update after which the network had its best weights, if there were checks.
        best: Option<usize>,
    },
    /// The last checkpoint of a run could not be written.
    #[error(
        "training is done, but its last checkpoint could not be written: {problem}. {}. The network has its weights: save them elsewhere, \
         or make room and go on with `resume()`",
        .kept.as_ref().map_or("There is none".into(), |kept| format!("{} is the newest that is whole", kept.display()))
    )]
    Checkpoint {
        /// Why.
        problem: String,
        /// The newest checkpoint.
        kept: Option<PathBuf>,
    },
    /// There is not enough memory for what was asked.
    #[error(
        "{what} takes {} of memory, but there is room for {}: {advice}", memory::in_words(*.needed), memory::in_words(*.available)
    )]
    Memory {
        /// What takes it, in words.
        what: String,
        /// The bytes that it takes.
        needed: u64,
        /// The bytes that there are.
        available: u64,
        /// How it takes fewer.
        advice: String,
    },
    /// libtorch refused an operation.
    #[error("libtorch: {0}")]
    Torch(String),
    /// A figure could not be drawn.
    #[error("cannot draw the figure: {0}")]
    Draw(String),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// Whether all numbers are finite, looked up without a branch, since it is asked of every batch.
pub(crate) fn all_finite(numbers: &[f32]) -> bool {
    const EXPONENT: u32 = 0x7f80_0000;
    !numbers.iter().fold(false, |found, number| found | (number.to_bits() & EXPONENT == EXPONENT))
}

/// An error if a time is not positive.
pub(crate) fn positive(name: &str, milliseconds: f32) -> Result<()> {
    if milliseconds.is_finite() && milliseconds > 0.0 {
        Ok(())
    } else {
        Err(Error::argument(name, "a positive number of milliseconds", milliseconds))
    }
}

impl Error {
    pub(crate) fn argument(name: impl Into<String>, expected: impl Into<String>, got: impl fmt::Display) -> Self {
        Self::Argument { name: name.into(), expected: expected.into(), got: got.to_string() }
    }

    pub(crate) fn shape(name: impl Into<String>, expected: impl Into<String>, got: &[usize]) -> Self {
        Self::Shape { name: name.into(), expected: expected.into(), got: got.to_vec() }
    }

    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { action, path: path.into(), source }
    }

    pub(crate) fn file(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        Self::File { path: path.into(), problem: problem.into() }
    }
}
