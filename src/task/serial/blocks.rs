//! A task for each kind of block.

use super::in_sessions;
use crate::random::TrialRng;
use crate::task::{BlockPlan, Epochs, Lasting, Past, Step, Task, TaskSpec};
use crate::{Error, Result};

/// Blocks of trials in which a task has other arguments: a task for each kind of block, of the same channels, time steps, decision
/// and names of epochs, which take turns, beginning with any of them. A session has its blocks anew.
///
/// Defaults: blocks of 200 trials, in turn, in sessions of 1000 trials unless the tasks or [`Sessions`](crate::task::Sessions) around
/// this say otherwise.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::task::Blocks;
/// let task = PerceptualDiscrimination::default();
/// let blocks = Blocks::new([task.clone().coherences(&[0.5]), task.clone().coherences(&[0.05])]).lasting(10..=30).random();
/// let trials = blocks.batch(100, Seed(1))?.values;
/// println!("{}", trials.mean_by("coherence", "block_kind")?);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Blocks<T> {
    /// The task in each kind of block.
    pub tasks: Vec<T>,
    /// The task in the first block of a session, if it is of no kind.
    pub neutral: Option<T>,
    /// How the blocks follow one another.
    pub plan: BlockPlan,
}

impl<T> Blocks<T> {
    /// Blocks of these kinds.
    #[must_use]
    pub fn new(tasks: impl Into<Vec<T>>) -> Self {
        let tasks = tasks.into();
        Self { plan: BlockPlan::from(200).kinds(tasks.len()), tasks, neutral: None }
    }

    /// How many trials a block has: a number, a range of numbers that are equally likely, or another distribution.
    #[must_use]
    pub fn lasting(mut self, trials: impl Into<Lasting>) -> Self {
        self.plan.lasting = trials.into();
        self
    }

    /// A session begins with so many trials of another task, as a block of no kind.
    #[must_use]
    pub fn after(mut self, trials: usize, neutral: T) -> Self {
        (self.plan.first, self.neutral) = (trials, Some(neutral));
        self
    }

    /// The kinds take turns; this is the default.
    #[must_use]
    pub fn alternating(mut self) -> Self {
        self.plan.random = false;
        self
    }

    /// The kind after one is drawn from the others.
    #[must_use]
    pub fn random(mut self) -> Self {
        self.plan.random = true;
        self
    }

    /// The task in blocks of this kind.
    fn of_kind(&self, kind: Option<usize>) -> &T {
        let of_kind = kind.and_then(|kind| self.tasks.get(kind));
        of_kind.or(self.neutral.as_ref()).unwrap_or(&self.tasks[0])
    }
}

impl<T: Task> Task for Blocks<T> {
    type Trial = T::Trial;

    fn spec(&self) -> TaskSpec {
        match self.tasks.first() {
            Some(task) => in_sessions(task.spec()).blocks(self.plan.clone()),
            // Which is refused.
            None => TaskSpec::new(0, 1).duration(100.0),
        }
    }

    fn check(&self) -> Result<()> {
        let Some(first) = self.tasks.first().map(T::spec) else {
            return Err(Error::argument("tasks", "one at least", "none"));
        };
        if self.plan.kinds != self.tasks.len() {
            return Err(Error::argument(
                "kinds of blocks",
                format!("{}, one a task", self.tasks.len()),
                self.plan.kinds,
            ));
        }
        let outline = |spec: TaskSpec| {
            let names: Vec<String> = spec.epochs.iter().map(|(name, _)| name.clone()).collect();
            (names, TaskSpec { epochs: Vec::new(), ..spec })
        };
        let first = outline(first);
        for task in self.tasks.iter().chain(&self.neutral) {
            task.check()?;
            let spec = task.spec();
            spec.check()?;
            if outline(spec) != first {
                let expected = "of the same channels, time steps, duration, decision and names of epochs, with the same noise of the inputs";
                return Err(Error::argument("tasks", expected, "of different ones"));
            }
        }
        Ok(())
    }

    fn draw(&self, rng: &mut TrialRng) -> T::Trial {
        self.of_kind(rng.block_kind()).draw(rng)
    }

    fn next(&self, past: &Past<T::Trial>, rng: &mut TrialRng) -> T::Trial {
        self.of_kind(past.block_kind()).next(past, rng)
    }

    fn complete(&self, trial: &mut T::Trial) -> Result<()> {
        self.of_kind(None).complete(trial)
    }

    fn epochs(&self, _: &TaskSpec, trial: &T::Trial, rng: &mut TrialRng) -> Epochs {
        let task = self.of_kind(rng.block_kind());
        task.epochs(&task.spec(), trial, rng)
    }

    fn step(&self, t: f32, trial: &T::Trial, rng: &mut TrialRng, now: &mut Step<'_>) {
        self.of_kind(rng.block_kind()).step(t, trial, rng, now);
    }

    fn answer(&self, trial: &T::Trial) -> Option<usize> {
        self.of_kind(None).answer(trial)
    }

    fn closed_loop(&self) -> bool {
        self.tasks.iter().chain(&self.neutral).any(T::closed_loop)
    }
}
