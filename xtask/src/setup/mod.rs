//! What the other commands stand on: libtorch, and Python environments.

pub(crate) mod libtorch;
pub(crate) mod python;
