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
//! A specification of the command line has these names. [`catalog`] has the same in Rust, so that two lines of a notebook show a trial
//! of any of them:
//!
//! ```
//! # use psychrnn::prelude::*;
//! let task = psychrnn::tasks::catalog::find("center_out")?.task();
//! task.batch(1, Seed(1))?.plot_trial(0)?
//! # ; Ok::<(), psychrnn::Error>(())
//! ```
//!
//! Beside these there is [`Rest`], which asks
//! for nothing. A task of your own is as good: see [`task`](crate::task).

pub mod catalog;
mod check;
mod choice;
mod code;
mod fixed_point_finder;
mod form;
mod memory;
mod movement;
mod perception;
mod psychrnn;
mod pycog;
mod rest;
mod ring_tuning;
mod timing;
mod yang;

pub use choice::*;
pub use fixed_point_finder::*;
pub use form::Form;
pub use memory::*;
pub use movement::*;
pub use perception::*;
pub use psychrnn::*;
pub use pycog::*;
pub use rest::Rest;
pub use ring_tuning::RingTuning;
pub use timing::*;
pub use yang::*;

use catalog::Entry;

/// The entries of all tasks, by folder.
const GROUPS: &[&[&[Entry]]] = &[
    psychrnn::ENTRIES,
    pycog::ENTRIES,
    fixed_point_finder::ENTRIES,
    timing::ENTRIES,
    choice::ENTRIES,
    perception::ENTRIES,
    movement::ENTRIES,
    memory::ENTRIES,
    yang::ENTRIES,
];
