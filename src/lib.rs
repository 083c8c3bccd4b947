//! Recurrent neural networks that learn the tasks that animals do, to be studied as one studies the animal.
//!
//! `psychrnn` trains recurrent networks on cognitive tasks under biological constraints, and then treats the network as
//! a subject: it runs trials, records units, measures behavior. It is made for notebooks (Jupyter with a Rust kernel)
//! and gives the same results in scripts and tests. It is to Rust what
//! [PsychRNN](https://doi.org/10.1523/ENEURO.0427-20.2020) is to Python.
//!
//! <!-- One trial, drawn by the crate itself. -->
#![cfg_attr(doc, doc = include_str!("../data/figures/hello-trial.svg"))]
//!
#![cfg_attr(feature = "torch", doc = "```no_run")]
#![cfg_attr(not(feature = "torch"), doc = "```ignore")]
//! use psychrnn::prelude::*;
//!
//! let task = PerceptualDiscrimination::default();
//! let mut network = Rnn::new(&task, RnnConfig::default().units(50).dale_ratio(0.8).seed(1))?;
//! let training = Trainer::default().trials(50_000).train(&mut network, &task)?;
//! training.plot_loss().save("loss.png")?;
//!
//! let session = network.run(&task.batch(500, Seed(2))?)?;
//! println!("accuracy {}", session.accuracy());
//! session.plot_trial(0)?.save("trial.png")?;
//! network.save("weights.npz")?;
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! Most of what a notebook names comes with the [`prelude`]. By what one has in mind:
//!
//! **The subject's task**
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`task`] | what the subject sees and must do; write a task of your own in one notebook cell |
//! | [`tasks`] | tasks that are ready to use |
//! | [`table`] | tables of trials, as CSV files and data frames |
//!
//! **The network**
//!
//! | module | what it is for |
//! | --- | --- |
#![cfg_attr(feature = "torch", doc = "| [`network`] | what is trained: networks, constraints, initial weights |")]
//! | [`areas`] | which units are connected: areas, excitatory and inhibitory units |
//! | [`dynamics`] | the equations, on plain arrays |
//! | [`weights`] | named arrays in `.npz` files, PsychRNN's included |
//!
#![cfg_attr(feature = "torch", doc = "**Its training**\n")]
#![cfg_attr(feature = "torch", doc = "| module | what it is for |\n| --- | --- |")]
#![cfg_attr(feature = "torch", doc = "| [`train`] | losses, optimizers, the trainer, its runs and their checkpoints |")]
#![cfg_attr(feature = "torch", doc = "| [`models`] | PyCog's eleven example models: task, network, trainer |")]
#![cfg_attr(
    feature = "torch",
    doc = "| [`experiment`] | what is trained on what in a few lines of text, and its runs in their folders |"
)]
//!
//! **Its study**
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`simulate`] | running a network forward, also perturbed, and the [`Session`](simulate::Session) that every run gives |
//! | [`analysis`] | psychometric curves, population activity, statistics |
//! | [`plot`] | figures: in a cell, as PNG, SVG or PDF |
//!
//! **The ground**
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`random`], [`threads`] | seeds; how many threads are used |
//! | [`interrupt`] | stopping long work without losing it |
//! | [`notebook`] | how values show themselves under a cell |
//!
//! Conventions: arrays are `[n_batch, n_steps, n_channels]`, weights `[post, pre]`, times milliseconds. The same seed on
//! the same machine gives the same bits, for any number of threads.
//!
//! Feature `torch` (on by default) brings `network`, `train`, `models` and `experiment`, which need libtorch; all else builds without
//! it. Feature `polars` (off by default, since it compiles for minutes; it needs Rust 1.95) turns a [`Table`](table::Table) into a data frame or a Parquet
//! file.

// The derive macro writes `::psychrnn::…`, also within this crate.
extern crate self as psychrnn;

pub mod analysis;
pub mod areas;
mod cards;
mod caught;
pub mod dynamics;
mod error;
#[cfg(feature = "torch")]
pub mod experiment;
mod file;
pub mod interrupt;
mod memory;
#[cfg(feature = "torch")]
pub mod models;
#[cfg(feature = "torch")]
pub mod network;
pub mod notebook;
mod npz;
mod number;
pub mod plot;
pub mod prelude;
pub mod random;
mod setters;
pub mod simulate;
pub mod table;
pub mod task;
pub mod tasks;
pub mod threads;
#[cfg(feature = "torch")]
pub mod train;
pub mod weights;

pub use error::{Error, Result};
pub use ndarray;
#[cfg(feature = "polars")]
pub use polars;
#[cfg(feature = "torch")]
pub use tch;
