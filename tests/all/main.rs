//! The library from outside. One program, because every test program links anew.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "torch")]
mod cell;
mod files;
mod numbers;
mod tasks;
#[cfg(feature = "torch")]
mod training;
