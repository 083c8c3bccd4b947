//! What the other commands stand on: the machine, libtorch, Python environments, and programs that look the project over.

pub(crate) mod libtorch;
pub(crate) mod machine;
pub(crate) mod python;
pub(crate) mod tools;
