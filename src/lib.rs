//! Recurrent neural networks on cognitive tasks.
pub mod error;
pub mod notebook;
pub mod plot;
pub use error::{Error, Result};
