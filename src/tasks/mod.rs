//! Tasks that are ready to use.
//!
//! ```
//! use psychrnn::prelude::*;
//! use psychrnn::tasks::RandomDots;
//! let task = RandomDots::reaction_time().coherences(&[0.064, 0.256]).catch(0.0);
//! let batch = task.batch(20, Seed(1))?;
//! assert_eq!(batch.inputs.dim(), (20, 45, 3));
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
#![doc = include_str!("catalog.md")]
//!
//! A specification of the command line has these names. [`catalog`] has the same in Rust. Beside these there is [`Rest`], which asks
//! for nothing. A task of your own is as good: see [`task`](crate::task).

pub mod catalog;
mod check;
#[allow(dead_code, reason = "until the first task of this form is there")]
mod code;
mod fixed_point_finder;
#[allow(dead_code, unused_imports, unused_macros, reason = "until the first task of this form is there")]
mod form;
mod psychrnn;
mod pycog;
mod rest;

pub use fixed_point_finder::*;
pub use form::Form;
pub use psychrnn::*;
pub use pycog::*;
pub use rest::Rest;

use catalog::Entry;

/// The entries of all tasks, by folder.
const GROUPS: &[&[&[Entry]]] = &[psychrnn::ENTRIES, pycog::ENTRIES, fixed_point_finder::ENTRIES];
