//! The library from outside. One program, because every test program links anew.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "torch")]
mod cell;
#[cfg(feature = "torch")]
mod constraints;
mod files;
#[cfg(feature = "torch")]
mod learning;
mod numbers;
#[cfg(feature = "torch")]
mod optimizers;
mod tasks;
#[cfg(feature = "torch")]
mod training;
