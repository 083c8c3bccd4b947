//! Alternatives that follow one another with given probabilities.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::answers::{AnswerRule, Answers, check_shares};
use crate::error::Error;
use crate::task::History;
use crate::{Result, number::decimal};

/// The next correct alternative depends on the last correct one: a Markov chain. In the first trial of a session all are equally
/// likely.
///
/// Rats that do a task of two alternatives in which blocks with repetitions take turns with blocks of alternations expect a transition
/// after a correct choice, and not after an error: Hermoso-Mendizabal A et al. (2020), doi:10.1038/s41467-020-14824-w; so do networks
/// that were trained with more alternatives before: Molano-Mazón M et al. (2023), doi:10.1016/j.cub.2022.12.044.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::task::{Blocks, Sessions, Transitions};
/// let repeat = |p: f32| Transitions::repeat(p).of(PerceptualDiscrimination::default());
/// let task = Sessions::lasting(400).of(Blocks::new([repeat(0.8), repeat(0.2)]).lasting(200));
/// let trials = task.batch(400, Seed(1))?.values;
/// let lagged = trials.lagged("direction", 1)?;
/// let again = lagged.with("again", ["direction", "direction_1"], |[now, before]| now == before)?;
/// println!("{}", again.mean_by("again", "block")?);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transitions(Kind);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// `[from, to]`
    Matrix(Array2<f32>),
    /// To the alternative so many further on, with this probability; to each of the others with the same.
    On(usize, f32),
}

impl Transitions {
    /// With these probabilities `[n_choices, n_choices]` of the next correct alternative, a row for each that was correct last, each
    /// row up to a common factor: `Transitions::matrix(array![[0.8, 0.2], [0.2, 0.8]])`.
    #[must_use]
    pub fn matrix(p: Array2<f32>) -> Self {
        Self(Kind::Matrix(p))
    }

    /// The last correct alternative is correct again with probability `p`, each of the others with `(1 - p) / (n_choices - 1)`.
    #[must_use]
    pub fn repeat(p: f32) -> Self {
        Self(Kind::On(0, p))
    }

    /// The alternative after the last correct one, and after the last of all the first, is correct with probability `p`, each of the
    /// others with `(1 - p) / (n_choices - 1)`.
    #[must_use]
    pub fn clockwise(p: f32) -> Self {
        Self(Kind::On(1, p))
    }

    /// The task with answers of this rule.
    pub fn of<T>(self, task: T) -> Answers<Self, T> {
        Answers { rule: self, task }
    }
}

impl AnswerRule for Transitions {
    fn weights(&self, history: &History, n_choices: usize) -> Vec<f32> {
        let Some(last) = history.answer(1) else { return vec![1.0; n_choices] };
        match &self.0 {
            Kind::Matrix(p) => p.row(last).to_vec(),
            Kind::On(further, p) => {
                let others = ((1.0 - decimal(*p)) / (n_choices - 1) as f64) as f32;
                let likely = (last + further) % n_choices;
                (0..n_choices).map(|choice| if choice == likely { *p } else { others }).collect()
            }
        }
    }

    fn check(&self, n_choices: usize) -> Result<()> {
        match &self.0 {
            Kind::Matrix(p) if p.nrows() != n_choices => {
                Err(Error::shape("p", format!("[n_choices = {n_choices}, n_choices]"), p.shape()))
            }
            Kind::Matrix(p) => p.outer_iter().try_for_each(|row| check_shares("p", &row.to_vec(), n_choices)),
            Kind::On(_, p) if !(0.0..=1.0).contains(p) => Err(Error::argument("p", "from 0 to 1", p)),
            Kind::On(..) => Ok(()),
        }
    }
}
