//! The library from outside. One program, because every test program links anew.
#![allow(clippy::unwrap_used)]

mod analysis;
mod answers;
mod areas;
mod arrays;
#[cfg(feature = "torch")]
mod carried;
mod case;
mod catalog;
#[cfg(feature = "torch")]
mod cell;
#[cfg(feature = "torch")]
mod checkpoints;
#[cfg(feature = "torch")]
mod constraints;
mod decisions;
#[cfg(feature = "torch")]
mod ends;
#[cfg(feature = "torch")]
mod experiment;
mod files;
mod flip_flop;
mod foreign;
#[cfg(feature = "torch")]
mod goals;
mod gradients;
mod ideal;
#[cfg(unix)]
mod interrupt;
mod layers;
#[cfg(feature = "torch")]
mod learning;
mod linearized;
#[cfg(feature = "torch")]
mod loaded;
#[cfg(target_os = "linux")]
mod memory;
mod models;
mod numbers;
#[cfg(feature = "torch")]
mod optimizers;
#[cfg(feature = "torch")]
mod parity;
mod perturbation;
mod recorded;
mod reference;
#[cfg(feature = "torch")]
mod runs;
mod serial;
#[cfg(feature = "torch")]
mod serial_training;
mod sessions;
#[cfg(feature = "torch")]
mod settings;
mod steps;
#[cfg(feature = "torch")]
mod studies;
mod tables;
mod tasks;
mod time;
#[cfg(feature = "torch")]
mod training;
