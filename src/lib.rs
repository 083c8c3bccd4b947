//! Recurrent neural networks on cognitive tasks.
#![warn(missing_docs)]

// The derive macro writes `::psychrnn::…`, also within this crate.
extern crate self as psychrnn;

pub mod dynamics;
mod error;
mod file;
#[cfg(feature = "torch")]
pub mod network;
pub mod notebook;
pub mod plot;
pub mod prelude;
pub mod random;
pub mod simulate;
pub mod task;
pub mod threads;
#[cfg(feature = "torch")]
pub mod train;
pub mod weights;

pub use error::{Error, Result};
pub use ndarray;
#[cfg(feature = "torch")]
pub use tch;
