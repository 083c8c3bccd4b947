//! The task of FixedPointFinder's example.

mod flip_flop;

use crate::tasks::catalog::{Paper, library};

library! {
    flip_flop: FlipFlop, Pulses;
}

const GOLUB: Paper = Paper { citation: "Golub MD, Sussillo D (2018)", doi: "10.21105/joss.01003" };
