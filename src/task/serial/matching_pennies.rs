//! A game against an opponent that looks for patterns.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};

use super::answers::{AnswerRule, Answers};
use crate::error::Error;
use crate::task::History;
use crate::{Result, setters::setters};

/// The game of matching pennies: the subject is right if it chooses what the opponent chooses, and the opponent chooses what it
/// thinks the subject will not choose. The only way not to be exploited is to choose at random, with which half of the choices are
/// right.
///
/// The opponent looks for patterns in all choices of the session so far: how often choice 1 followed each of the last `k` choices, for
/// `k` from 0 to `memory`; with `outcomes` also each of the last `k` choices with their outcomes, for `k` from 1. Of those shares that
/// differ from one half in a two-sided binomial test at the level `alpha` it takes the one that is furthest from it, `p`, and chooses 1
/// with probability `1 - p`; if there is none, with one half. Barraclough DJ, Conroy ML, Lee D (2004), doi:10.1038/nn1209, whose
/// algorithm 1 is `outcomes(false)` and algorithm 2, the default, with outcomes.
///
/// The task gives the alternatives, of which there must be two; it should not show which of them is correct, as
/// `PerceptualDiscrimination::default().coherences(&[0.0])` does not. What comes next depends on what the subject does, so that
/// trials cannot be drawn beforehand: run it by [`Simulator::run_session`](crate::simulate::Simulator::run_session).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatchingPennies {
    /// The longest pattern that it looks at, in trials; 4 by default.
    pub memory: usize,
    /// The level of its tests; 0.05 by default.
    pub alpha: f64,
    /// Whether it looks at outcomes, too; by default it does.
    pub outcomes: bool,
}

impl Default for MatchingPennies {
    fn default() -> Self {
        Self { memory: 4, alpha: 0.05, outcomes: true }
    }
}

impl MatchingPennies {
    setters! {
        /// The longest pattern that the opponent looks at, in trials.
        memory: usize;
        /// The level of its tests.
        alpha: f64;
        /// Whether it looks at outcomes, too.
        outcomes: bool;
    }

    /// The task with answers of this rule.
    pub fn of<T>(self, task: T) -> Answers<Self, T> {
        Answers { rule: self, task }
    }

    /// How likely choice 1 is next, as the opponent thinks.
    fn expected(&self, history: &History) -> f64 {
        let mut furthest = 0.5;
        for (with_outcomes, fewest) in [(false, 0), (true, 1)].into_iter().take(1 + usize::from(self.outcomes)) {
            for k in fewest..=self.memory {
                if let Some(share) = self.after_pattern(history, k, with_outcomes)
                    && (share - 0.5_f64).abs() > (furthest - 0.5_f64).abs()
                {
                    furthest = share;
                }
            }
        }
        furthest
    }

    /// The share of choice 1 after the last `k` trials' pattern, if it differs from one half.
    fn after_pattern(&self, history: &History, k: usize, with_outcomes: bool) -> Option<f64> {
        let same = |ago: usize| {
            (1..=k).all(|back| {
                history.choice(ago + back) == history.choice(back)
                    && (!with_outcomes || history.correct(ago + back) == history.correct(back))
            })
        };
        let after =
            (1..=history.len().saturating_sub(k)).filter(|&ago| same(ago)).filter_map(|ago| history.choice(ago));
        let (n, ones) = after.fold((0_u64, 0_u64), |(n, ones), choice| (n + 1, ones + u64::from(choice == 1)));
        let fewer = Binomial::new(0.5, n).ok()?.cdf(ones.min(n - ones));
        (n > 0 && 2.0 * fewer < self.alpha).then(|| ones as f64 / n as f64)
    }
}

impl AnswerRule for MatchingPennies {
    fn weights(&self, history: &History, _: usize) -> Vec<f32> {
        let one = self.expected(history);
        vec![one as f32, 1.0 - one as f32]
    }

    fn check(&self, n_choices: usize) -> Result<()> {
        if n_choices != 2 {
            let got = format!("one with {n_choices}");
            return Err(Error::argument("task of matching pennies", "one with two alternatives", got));
        }
        if !(self.alpha > 0.0 && self.alpha < 1.0) {
            return Err(Error::argument("alpha", "between 0 and 1", self.alpha));
        }
        Ok(())
    }

    fn closed_loop(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Seed, TrialRng};
    use crate::task::Past;
    use crate::task::past::Outcome;

    /// The share of choices of a subject that are right.
    fn share(game: MatchingPennies, subject: impl Fn(&History, &mut TrialRng) -> usize) -> f64 {
        let (mut past, mut rng) = (Past::default(), Seed(1).stream(0));
        for _ in 0..600 {
            let answer = rng.weighted(&game.weights(&past, 2));
            let choice = subject(&past, &mut rng);
            past.push((), Outcome { answer: Some(answer), choice: Some(choice), correct: Some(choice == answer) });
        }
        past.accuracy(500).unwrap()
    }

    #[test]
    fn a_pattern_is_found_and_chance_is_not_exploited() {
        let game = MatchingPennies::default();
        let random = share(game, |_, rng| rng.index(2));
        assert!((random - 0.5).abs() < 0.09, "{random}");
        assert!(share(game, |_, _| 1) < 0.02, "always the same");
        assert!(share(game, |past, _| past.len() % 2) < 0.02, "in turn");
        assert!(share(game, |past, _| usize::from(past.len() % 4 < 2)) < 0.02, "two and two");
        // To stay after a right choice and to switch after a wrong one is seen by its outcomes alone.
        let stay = |past: &History, rng: &mut TrialRng| match (past.choice(1), past.correct(1)) {
            (Some(choice), Some(correct)) if rng.chance(0.9) => {
                if correct {
                    choice
                } else {
                    1 - choice
                }
            }
            _ => rng.index(2),
        };
        assert!(share(game, stay) < 0.2);
        assert!(share(game.outcomes(false), stay) > 0.3);
    }
}
