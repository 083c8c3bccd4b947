//! How many trials of a task anybody could get right.

mod observer;
mod possible;

use serde::{Deserialize, Serialize};

use crate::random::Seed;
use crate::setters::setters;

/// The ideal observer of a task: who knows all of it but the values and the noise of a trial, sees the inputs of the trial up to the last
/// step in which its choice is read, and says what is most probably right. Of trials that know nothing of those before them no network
/// and no animal gets more right, so that this is what they are to be compared with. Asked by
/// [`TrialSource::ideal`](super::TrialSource::ideal).
///
/// Inputs `u` `[n_steps, n_in]` are what the task shows plus noise that is independent from step to step ([`Sensory`](super::Sensory)). If the
/// values `v` come in a share `wᵥ` of the trials, and `s(v)` is what the task then shows, the answer `a` is correct with probability
///
/// ```text
/// P(a | u) ∝ Σ wᵥ p(u | s(v))   over all v of which a is the correct answer
/// ```
///
/// and the answer of the largest one is given; that of several answers is all of them, that of an angle the one near which the correct angle
/// most probably lies. Noise is Gaussian, of independent channels or with their covariance; of rectified inputs a 0 has the probability
/// of all that would be negative; channels without noise say for certain which values these are not.
///
/// Values are those of other trials that the task draws, shown at the times of the trial itself: when things happen is known, and only
/// what happens is not. Each trial is taken alone, also of a session: what was before it, as the rule of a block, is not known, so that a
/// subject that remembers may do better.
///
/// Where few values can be, as in most designs, all of them are compared, and the result is exact up to the number of trials. Where values
/// are any numbers of a range, those compared must lie so close that some come near to each trial; if not, that is an error, and no accuracy
/// that is too low. It is one, too, if with half of the values clearly fewer trials are right.
///
/// Defaults: 2000 trials, up to 2000 different values, seed 0. The trials are those of
/// [`batch`](super::TrialSource::batch) under the same seed, so that they can be those that a network did. With 2000 trials the standard
/// error is 0.011 or less.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::task::{IdealObserver, Sensory};
/// use psychrnn::tasks::MultiChoice;
/// let (observer, task) = (IdealObserver::default().trials(500), MultiChoice::default().coherences(&[0.1]));
/// let noisy = task.clone().sensory(Sensory::default().noise(0.5)).ideal(&observer)?;
/// let clear = task.sensory(Sensory::default().noise(0.0)).ideal(&observer)?;
/// assert!(noisy.accuracy < 0.7 && clear.accuracy == 1.0);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// It is an error
///
/// - if the task asks for no choice, or always for the same one;
/// - if what comes next in it depends on what the subject does;
/// - if its `step` draws random numbers, as PsychRNN's three tasks do for their noise: only that of [`Sensory`](super::Sensory) is known;
/// - if noise that channels share is rectified, or comes only while something is shown;
/// - if there are too few candidates;
/// - if the task itself fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdealObserver {
    /// How many trials it does.
    pub trials: usize,
    /// How many different values a trial may have at most that are compared.
    pub candidates: usize,
    /// The seed of the trials, and of the values that are compared.
    pub seed: Seed,
}

impl Default for IdealObserver {
    fn default() -> Self {
        Self { trials: 2000, candidates: 2000, seed: Seed(0) }
    }
}

impl IdealObserver {
    setters! {
        /// How many trials it does.
        trials: usize;
        /// How many different values a trial may have at most that are compared.
        candidates: usize;
        /// The seed of the trials, and of the values that are compared.
        seed: impl Into<Seed> => seed.into();
    }
}

/// How many trials the [`IdealObserver`] of a task gets right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IdealAccuracy {
    /// The share of the trials that it gets right, of those that ask for something.
    pub accuracy: f64,
    /// Its standard error, `√(p (1 - p) / n)`.
    pub standard_error: f64,
    /// The share of who does not look, and always gives the answer that is right most often.
    pub chance: f64,
    /// The trials that ask for something.
    pub trials: usize,
    /// How many different values were compared.
    pub candidates: usize,
}
