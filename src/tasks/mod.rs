//! Tasks that are ready to use.

mod check;
mod psychrnn;
mod pycog;
mod rest;

pub use psychrnn::*;
pub use pycog::*;
pub use rest::Rest;
