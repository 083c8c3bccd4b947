//! Against a subject that prefers a side.

use serde::{Deserialize, Serialize};

use super::answers::{AnswerRule, Answers};
use crate::error::Error;
use crate::task::History;
use crate::{Result, setters::setters};

/// The alternatives that a subject has chosen seldom of late are correct more often: alternative `j` of `n` with a probability
/// proportional to `1 - s[j]`, where `s[j]` is its share among the last choices. Of two alternatives the one that was chosen in all of
/// the last trials is never correct. Before the first choice all are equally likely.
///
/// What comes next depends on what the subject does, so that trials cannot be drawn beforehand: run it by
/// [`Simulator::run_session`](crate::simulate::Simulator::run_session).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BiasCorrection {
    /// How many choices are looked at; 10 by default.
    pub over: usize,
}

impl Default for BiasCorrection {
    fn default() -> Self {
        Self { over: 10 }
    }
}

impl BiasCorrection {
    setters! {
        /// How many choices are looked at.
        over: usize;
    }

    /// The task with answers of this rule.
    pub fn of<T>(self, task: T) -> Answers<Self, T> {
        Answers { rule: self, task }
    }
}

impl AnswerRule for BiasCorrection {
    fn weights(&self, history: &History, n_choices: usize) -> Vec<f32> {
        let mut counts = vec![0_usize; n_choices];
        let last = (1..=history.len()).filter_map(|k| history.choice(k)).take(self.over);
        last.filter(|&choice| choice < n_choices).for_each(|choice| counts[choice] += 1);
        let n: usize = counts.iter().sum();
        counts.into_iter().map(|count| if n == 0 { 1.0 } else { (n - count) as f32 / n as f32 }).collect()
    }

    fn check(&self, _: usize) -> Result<()> {
        if self.over == 0 { Err(Error::argument("over", "at least 1 choice", 0)) } else { Ok(()) }
    }

    fn closed_loop(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Past;
    use crate::task::past::Outcome;

    #[test]
    fn the_side_that_is_preferred_is_correct_less_often() {
        let rule = BiasCorrection::default().over(4);
        let mut past = Past::default();
        assert_eq!(rule.weights(&past, 2), [1.0, 1.0]);
        for (choice, expected) in
            [(0, [0.0, 1.0]), (0, [0.0, 1.0]), (1, [1.0 / 3.0, 2.0 / 3.0]), (1, [0.5, 0.5]), (1, [0.75, 0.25])]
        {
            past.push((), Outcome { answer: None, choice: Some(choice), correct: None });
            assert_eq!(rule.weights(&past, 2), expected, "{choice}");
        }
        past.push((), Outcome::default());
        assert_eq!(rule.weights(&past, 3), [0.75, 0.25, 1.0], "no choice is none");
        assert!(BiasCorrection::default().over(0).check(2).is_err());
    }
}
