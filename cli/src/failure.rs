//! What can go wrong, and what the program then gives back to the shell.

use std::fmt;
use std::path::Path;

use psychrnn::Error;

/// What went wrong.
pub(crate) enum Failure {
    Library(Error),
    /// It is not finished; what there is can be resumed.
    Unfinished {
        code: u8,
        what: String,
    },
    /// Training exploded.
    Diverged(String),
    /// Some runs of a study failed.
    Failed(String),
}

/// The exit code of what is not finished, where no signal ended it.
pub(crate) const UNFINISHED: u8 = 4;

pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// The command line asks for something that cannot be.
    pub(crate) fn key(key: impl fmt::Display, problem: impl Into<String>) -> Self {
        Self::Library(Error::Specification { file: None, key: key.to_string(), problem: problem.into() })
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Library(Error::Io { action, path: path.to_owned(), source })
    }

    /// What the shell gets; `psychrnn --help` lists these.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Library(Error::Specification { .. }) => 2,
            Self::Library(_) | Self::Failed(_) => 1,
            Self::Diverged(_) => 3,
            Self::Unfinished { code, .. } => *code,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Library(error) => error.fmt(f),
            Self::Unfinished { what, .. } | Self::Diverged(what) | Self::Failed(what) => f.write_str(what),
        }
    }
}
