//! Alternatives that are not equally often correct.

use serde::{Deserialize, Serialize};

use super::answers::{AnswerRule, Answers, check_shares};
use crate::Result;
use crate::task::History;

/// Alternative `j` is correct with probability `p[j]` in each trial, whatever was before. In [`Blocks`](super::Blocks) of which each
/// has other probabilities it makes the task of the International Brain Laboratory (2021), doi:10.7554/eLife.63711:
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::task::{Blocks, Lasting, Sessions, SideBias};
/// let side = |left: f32| SideBias::new([left, 1.0 - left]).of(PerceptualDiscrimination::default());
/// let blocks = Blocks::new([side(0.8), side(0.2)]).lasting(Lasting::truncated_exponential(60.0, 20, 100)).after(90, side(0.5));
/// let batch = Sessions::lasting(500).of(blocks).batch(500, Seed(1))?;
/// assert!(batch.values.column("block").is_ok());
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SideBias {
    /// How likely each alternative is to be correct, up to a common factor `[n_choices]`.
    pub p: Vec<f32>,
}

impl SideBias {
    /// With these probabilities `[n_choices]`, up to a common factor.
    #[must_use]
    pub fn new(p: impl Into<Vec<f32>>) -> Self {
        Self { p: p.into() }
    }

    /// The task with answers of this rule.
    pub fn of<T>(self, task: T) -> Answers<Self, T> {
        Answers { rule: self, task }
    }
}

impl AnswerRule for SideBias {
    fn weights(&self, _: &History, _: usize) -> Vec<f32> {
        self.p.clone()
    }

    fn check(&self, n_choices: usize) -> Result<()> {
        check_shares("p", &self.p, n_choices)
    }
}
