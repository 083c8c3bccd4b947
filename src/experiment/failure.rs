//! What is wrong with a specification or a run, and where.

use std::path::Path;

use crate::Error;

/// What is wrong at a key.
pub(super) fn wrong(key: impl Into<String>, problem: impl Into<String>) -> Error {
    Error::Specification { file: None, key: key.into(), problem: problem.into() }
}

/// What is wrong with a file or a folder as a whole.
pub(super) fn wrong_file(file: &Path, problem: impl Into<String>) -> Error {
    Error::Specification { file: Some(file.to_owned()), key: String::new(), problem: problem.into() }
}

/// Names the file in which the key stands.
pub(super) fn in_file(error: Error, file: Option<&Path>) -> Error {
    match error {
        Error::Specification { file: None, key, problem } => {
            Error::Specification { file: file.map(Path::to_owned), key, problem }
        }
        error => error,
    }
}
