//! Tasks in which something is held in mind.
//!
//! What they have in common is their [`Form`](super::Form). Directions are angles in radians, from 0 to 2π.

mod go_nogo;

use crate::tasks::catalog::{Paper, library};

library! {
    go_nogo: GoNogo, GoCue;
}

const ZHANG: Paper = Paper { citation: "Zhang X et al. (2019)", doi: "10.7554/eLife.43191" };
