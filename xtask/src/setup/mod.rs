//! What the other commands stand on: libtorch, Python environments, and programs that look the project over.

pub(crate) mod libtorch;
pub(crate) mod python;
pub(crate) mod tools;
