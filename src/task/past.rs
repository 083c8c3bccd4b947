//! What was before a trial in its session.

use std::ops::Deref;

/// The trials of a session before the one that comes next, for [`Task::next`](super::Task::next): their values, and by
/// [`History`] what was done in them and in which block the next one lies.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::task::Past;
///
/// /// The other side each time.
/// struct Alternation;
///
/// #[derive(Clone, Trial)]
/// struct Cue { side: usize }
///
/// impl Task for Alternation {
///     type Trial = Cue;
///     fn spec(&self) -> TaskSpec {
///         TaskSpec::new(2, 2).epoch("cue", 200.0).session(50)
///     }
///     fn draw(&self, rng: &mut TrialRng) -> Cue {
///         Cue { side: rng.index(2) }
///     }
///     fn next(&self, past: &Past<Cue>, rng: &mut TrialRng) -> Cue {
///         past.trial(1).map_or_else(|| self.draw(rng), |last| Cue { side: 1 - last.side })
///     }
///     fn step(&self, _: f32, trial: &Cue, _: &mut TrialRng, now: &mut Step) {
///         now.input[trial.side] = 1.0;
///         now.favor(trial.side, 1.0, 0.0);
///     }
/// }
/// let sides = Alternation.batch(4, Seed(1))?.values.numbers("side")?;
/// assert!(sides.windows(2).all(|pair| pair[0] != pair[1]));
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Past<T> {
    trials: Vec<T>,
    history: History,
}

/// What was done in the trials of a session before the one that comes next, and the block in which that lies. `k` counts trials
/// back: 1 is the one before. Alternatives are counted from 0, as by [`Task::answer`](super::Task::answer).
///
/// Where trials are drawn without a subject, the ideal one stands in, whose choice is the correct one.
#[derive(Clone, Debug, Default)]
pub struct History {
    outcomes: Vec<Outcome>,
    place: Place,
}

/// What came of a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) answer: Option<usize>,
    pub(crate) choice: Option<usize>,
    pub(crate) correct: Option<bool>,
}

impl Outcome {
    /// What the ideal subject does in a trial with this answer.
    pub(crate) fn ideal(answer: Option<usize>) -> Self {
        Self { answer, choice: answer, correct: answer.map(|_| true) }
    }
}

/// Where in the blocks of a session a trial lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) block: usize,
    pub(crate) trial: usize,
    pub(crate) kind: Option<usize>,
}

impl<T> Default for Past<T> {
    fn default() -> Self {
        Self { trials: Vec::new(), history: History::default() }
    }
}

impl<T> Past<T> {
    /// The values of the trial `k` trials ago; `None` before the first of the session.
    #[must_use]
    pub fn trial(&self, k: usize) -> Option<&T> {
        ago(&self.trials, k)
    }

    /// One trial more.
    pub(crate) fn push(&mut self, trial: T, outcome: Outcome) {
        self.trials.push(trial);
        self.history.outcomes.push(outcome);
    }

    /// The next trial lies here.
    pub(crate) fn at(&mut self, place: Place) {
        self.history.place = place;
    }
}

impl<T> Deref for Past<T> {
    type Target = History;
    fn deref(&self) -> &History {
        &self.history
    }
}

impl History {
    /// The number of trials before.
    #[must_use]
    pub fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// Whether the next trial is the first.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    /// The correct choice `k` trials ago, if there was one.
    #[must_use]
    pub fn answer(&self, k: usize) -> Option<usize> {
        ago(&self.outcomes, k)?.answer
    }

    /// The choice that the subject made `k` trials ago, if it made one.
    #[must_use]
    pub fn choice(&self, k: usize) -> Option<usize> {
        ago(&self.outcomes, k)?.choice
    }

    /// Whether that was correct; `None` also for a trial that has no correct choice.
    #[must_use]
    pub fn correct(&self, k: usize) -> Option<bool> {
        ago(&self.outcomes, k)?.correct
    }

    /// The share of correct choices among the last `n` trials that have a correct one, or as many as there are; `None` without any.
    #[must_use]
    pub fn accuracy(&self, n: usize) -> Option<f64> {
        let last = self.outcomes.iter().rev().take(n).filter_map(|outcome| outcome.correct);
        let count = |(scored, right), correct| (scored + 1, right + usize::from(correct));
        let (scored, right) = last.fold((0, 0), count);
        (scored > 0).then(|| right as f64 / scored as f64)
    }

    /// The number of the block in which the next trial lies, from 0; see [`Sessions::blocks`](super::Sessions::blocks).
    #[must_use]
    pub fn block(&self) -> usize {
        self.place.block
    }

    /// The trials of that block before it.
    #[must_use]
    pub fn trial_in_block(&self) -> usize {
        self.place.trial
    }

    /// Of which kind that block is, from 0; `None` for one that comes before those of a kind, and where there are no blocks.
    #[must_use]
    pub fn block_kind(&self) -> Option<usize> {
        self.place.kind
    }
}

fn ago<T>(all: &[T], k: usize) -> Option<&T> {
    all.get(all.len().checked_sub(k)?)
}
