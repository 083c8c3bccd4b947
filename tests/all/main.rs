//! The library from outside. One program, because every test program links anew.

#[cfg(feature = "torch")]
mod cell;
mod files;
mod numbers;
mod tasks;
#[cfg(feature = "torch")]
mod training;
