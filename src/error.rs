//! The one error type of the crate.

use std::fmt;
use std::path::{Path, PathBuf};

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
    /// A specification of an experiment, or the folder of a run, is not what it should be.
    #[error("{}{problem}", place(.file.as_deref(), .key))]
    Specification {
        /// The file or the folder.
        file: Option<PathBuf>,
        /// The path to the key, such as `network.noise`; empty if it is all of it.
        key: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// There is no such device to compute on.
    #[error(
        "cannot compute on {device}: {why}. `cargo setup --cuda` brings libtorch's part for NVIDIA cards; the card's driver must be \
         there already. Without a card leave `device` out"
    )]
    Device {
        /// The device that was asked for.
        device: String,
        /// What is missing.
        why: String,
    },
    /// A named array is missing.
    #[error(
        "there is no array `{name}` in the weights; they have {}{}{}", list(.present), not_read(.name, .skipped), renamed(.name, .present)
    )]
    MissingArray {
        /// The array that was looked for.
        name: String,
        /// The arrays that are there.
        present: Vec<String>,
        /// What else their file holds and was not read, with the reasons.
        skipped: Vec<Skipped>,
    },
    /// Code of your own panicked: a metric, a loss, an observer, a network.
    #[error("{what} panicked: {message}")]
    Panic {
        /// Which, as far as it is known.
        what: String,
        /// What it said.
        message: String,
    },
    /// Training exploded.
    #[error(
        "training diverged at update {update}: {what} is {value}. The network has the last weights whose loss was a number{}, and its \
         losses are in `Training::of(&network)`. A smaller learning rate helps, or to clip gradients together (Clip::Global(1.0)){}, \
         or a new network with a smaller spectral radius",
        .best.map_or(String::new(), |best| format!(", its best ones, from update {best}, are there by `use_best()`")),
        .checkpoint.as_ref().map_or(String::new(), |path| {
            format!(": with either `resume()` goes on from {}, which is from before the explosion", path.display())
        })
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
        /// The newest checkpoint, if there were any.
        checkpoint: Option<PathBuf>,
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
    /// Another training writes its checkpoints into the same folder.
    #[error(
        "another training writes its checkpoints into {} at this moment: wait until it ends, or name another folder", .folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// What code of your own says went wrong, see [`Error::other`].
    #[error("{0}")]
    Other(Box<dyn std::error::Error + Send + Sync>),
    /// There is not enough memory for what was asked.
    #[error(
        "{what} takes {} of memory, but there is room for {}: {advice}", in_words(*.needed), in_words(*.available)
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

/// A number of bytes as a user reads it.
fn in_words(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes == u64::MAX {
        return "more than 16 EiB".to_owned();
    }
    let mut size = (bytes as f64, 0);
    while size.0 >= 1024.0 && size.1 + 1 < UNITS.len() {
        size = (size.0 / 1024.0, size.1 + 1);
    }
    let decimals = if size.1 == 0 || size.0 >= 100.0 { 0 } else { 1 };
    format!("{:.decimals$} {}", size.0, UNITS[size.1])
}

/// What an error of a specification starts with.
fn place(file: Option<&Path>, key: &str) -> String {
    let file = file.map(|file| format!("{}: ", file.display())).unwrap_or_default();
    if key.is_empty() { file } else { format!("{file}{key}: ") }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// An entry of a file that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its name.
    pub name: String,
    /// Why it was not read.
    pub why: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.name, self.why)
    }
}

/// Some entries in a sentence.
pub(crate) fn skipped_list(skipped: &[Skipped]) -> String {
    const MOST: usize = 10;
    let mut words: Vec<String> = skipped.iter().take(MOST).map(Skipped::to_string).collect();
    if skipped.len() > MOST {
        words.push(format!("and {} more", skipped.len() - MOST));
    }
    words.join(", ")
}

/// What of a file was not read, the array itself first.
fn not_read(name: &str, skipped: &[Skipped]) -> String {
    match skipped.iter().find(|entry| entry.name == name) {
        Some(entry) => format!(". The file has it, but it was not read: {}", entry.why),
        None if skipped.is_empty() => String::new(),
        None => format!(". Not read were {}", skipped_list(skipped)),
    }
}

/// What to do where another program gave the arrays other names.
fn renamed(name: &str, present: &[String]) -> String {
    let has = |part: &str| present.iter().any(|name| name.contains(part));
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let gated = ["W_f", "W_i", "W_c", "W_o", "b_f", "b_i", "b_c", "b_o"].contains(&name);
    if let Some(similar) = present.iter().find(|present| plain(present) == plain(name)) {
        format!(". Is it `{similar}`? Save it as `{name}`")
    } else if has("weight_hh") && gated {
        ". PyTorch names them so, and has its gates one below the other, in the order i, f, c, o: save of each numpy.vstack((hh.T, ih.T)) as \
         W_i, … and the sum of its biases as b_i, …"
            .into()
    } else if has("weight_hh") {
        ". PyTorch names them so: save its weight_ih as W_in, weight_hh as W_rec, bias_ih + bias_hh as b_rec, the readout's weight and bias as \
         W_out and b_out, and numpy.zeros(n_rec) as init_state; such a network has a `tau` of `dt`, and mostly Transfer::Tanh"
            .into()
    } else if has("recurrent_kernel") && !gated {
        ". Keras names them so: save kernel.T as W_in, recurrent_kernel.T as W_rec, bias as b_rec, the readout's kernel.T and bias as W_out and \
         b_out, and numpy.zeros(n_rec) as init_state; such a network has a `tau` of `dt`, and mostly Transfer::Tanh"
            .into()
    } else if !present.is_empty() && present.iter().all(|name| name.starts_with("arr_")) {
        format!(". They were saved without names: numpy.savez(path, {name}=…) gives them")
    } else {
        String::new()
    }
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
    /// An error with a sentence of your own, or with an error of another library, for the code of your own task, metric or network:
    ///
    /// ```
    /// use psychrnn::Error;
    /// fn read(line: &str) -> psychrnn::Result<f32> {
    ///     let (name, number) = line.split_once('=').ok_or_else(|| Error::other(format!("{line:?} has no `=`")))?;
    ///     Ok(number.trim().parse::<f32>()?)
    /// }
    /// assert_eq!(read("coherence = 0.5")?, 0.5);
    /// assert_eq!(read("coherence").unwrap_err().to_string(), "\"coherence\" has no `=`");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn other(problem: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(problem.into())
    }

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

/// `?` hands on what other libraries say, in their words.
macro_rules! handed_on {
    ($($error:ty)+) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::other(error)
            }
        }
    )+};
}
handed_on! {
    std::io::Error std::num::ParseFloatError std::num::ParseIntError std::num::TryFromIntError std::str::ParseBoolError
    std::str::Utf8Error std::string::FromUtf8Error std::fmt::Error ndarray::ShapeError serde_json::Error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_words() {
        let said = [12, 1536, 5 << 30, 300 << 40, u64::MAX].map(in_words);
        assert_eq!(said, ["12 bytes", "1.5 KiB", "5.0 GiB", "300 TiB", "more than 16 EiB"]);
    }
}
