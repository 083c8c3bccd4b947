//! A number, digit by digit.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use crate::setters::setters;
use crate::task::{Decision, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::{Form, form_setters};
use crate::{Error, Result};

const BOTVINICK: Paper = Paper { citation: "Botvinick MM, Plaut DC (2006)", doi: "10.1037/0033-295X.113.2.201" };

/// More digits than this nobody remembers, and no number holds.
const MOST: usize = 15;

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "memory_number",
    about: "Repeat the digits of a number in their order.",
    papers: &[BOTVINICK],
    tags: &["working memory", "sequence", "several answers"],
    reached: Some("87.2 % of new trials correct after 512,000 (100 units); an ideal observer has 100.0 %."),
    usual: usual!(MemoryNumber::default()),
}];

/// Remember a number: its digits are shown one after the other, and after a delay repeated in the same order, or backward.
///
/// | | |
/// | --- | --- |
/// | inputs | 0 the cue to fixate, 1 until the recall; 1 to 10 the digits 0 to 9: 1 while it is shown |
/// | outputs | 0 fixate; 1 to 10 the digits 0 to 9 |
/// | epochs | `fixation` (300 ms); for each of `n_digits` (3) digits `digit1` (200 ms) and `gap1` (100 ms), `digit2` and so on; `delay` (500 ms); `recall1` (300 ms), `recall2` and so on |
///
/// The number is any with so many digits, those that begin with 0 among them, all equally likely. In the recalls, which follow
/// each other without a sign, the digits are asked for in their order, with `backward` from the last to the first. All must be
/// right ([`Decision::in_each`]); those of each recall are columns of their own. All else is that of [`Form`]; errors do not
/// count in the first 100 ms of each recall (`grace`). Values: see [`ShownNumber`].
///
/// Immediate serial recall by a recurrent network: Botvinick MM, Plaut DC (2006), doi:10.1037/0033-295X.113.2.201.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{MemoryNumber, ShownNumber};
/// let batch = MemoryNumber::default().n_digits(4).backward(true).of(&[ShownNumber { number: 1789 }], Seed(1))?;
/// assert_eq!(batch.inputs.dim(), (1, 160, 11));
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryNumber {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The number of digits.
    pub n_digits: usize,
    /// Whether the last digit is asked for first.
    pub backward: bool,
    /// The fixation before the first digit.
    pub fixation: Duration,
    /// Each digit.
    pub digit: Duration,
    /// The gap after each digit.
    pub gap: Duration,
    /// The delay before the recall.
    pub delay: Duration,
    /// The recall of each digit.
    pub recall: Duration,
}

/// The value of a trial of [`MemoryNumber`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct ShownNumber {
    /// The number; digits that it lacks before the first are 0.
    pub number: u64,
}

impl Default for MemoryNumber {
    fn default() -> Self {
        Self {
            form: Form::default(),
            n_digits: 3,
            backward: false,
            fixation: 300.into(),
            digit: 200.into(),
            gap: 100.into(),
            delay: 500.into(),
            recall: 300.into(),
        }
    }
}

impl MemoryNumber {
    form_setters! {}

    setters! {
        /// The number of digits.
        n_digits: usize;
        /// Whether the last digit is asked for first.
        backward: bool;
        /// The fixation before the first digit, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// Each digit, in milliseconds.
        digit: impl Into<Duration> => digit.into();
        /// The gap after each digit, in milliseconds.
        gap: impl Into<Duration> => gap.into();
        /// The delay before the recall, in milliseconds.
        delay: impl Into<Duration> => delay.into();
        /// The recall of each digit, in milliseconds.
        recall: impl Into<Duration> => recall.into();
    }

    /// How many numbers there are.
    fn n_numbers(&self) -> u64 {
        10_u64.pow(self.n_digits.min(MOST) as u32)
    }

    /// The digits of a number, from the first.
    fn digits(&self, number: u64) -> Vec<usize> {
        let place = |k: usize| 10_u64.pow((self.n_digits - 1 - k) as u32);
        (0..self.n_digits).map(|k| (number / place(k) % 10) as usize).collect()
    }

    /// The names of the epochs of one kind.
    fn names(&self, kind: &str) -> Vec<String> {
        (1..=self.n_digits.clamp(1, MOST)).map(|k| format!("{kind}{k}")).collect()
    }
}

impl Task for MemoryNumber {
    type Trial = ShownNumber;

    fn spec(&self) -> TaskSpec {
        let recalls = self.names("recall");
        let decision = Decision::largest_at_end().in_each(recalls.iter().map(String::as_str));
        let mut spec = self.form.spec(11, 11).decision(decision).epoch("fixation", self.fixation.clone());
        for (digit, gap) in self.names("digit").iter().zip(self.names("gap")) {
            spec = spec.epoch(digit, self.digit.clone()).epoch(&gap, self.gap.clone());
        }
        spec = spec.epoch("delay", self.delay.clone());
        recalls.iter().fold(spec, |spec, recall| spec.epoch(recall, self.recall.clone()))
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        match (1..=MOST).contains(&self.n_digits) {
            true => Ok(()),
            false => Err(Error::argument("n_digits", format!("from 1 to {MOST}"), self.n_digits)),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> ShownNumber {
        let number = (0..self.n_digits).fold(0, |number, _| 10 * number + rng.index(10) as u64);
        ShownNumber { number }
    }

    fn complete(&self, trial: &mut ShownNumber) -> Result<()> {
        match trial.number < self.n_numbers() {
            true => Ok(()),
            false => Err(Error::argument("number", format!("of at most {} digits", self.n_digits), trial.number)),
        }
    }

    fn step(&self, _: f32, trial: &ShownNumber, _: &mut TrialRng, now: &mut Step<'_>) {
        let (mut asked, shown) = (self.digits(trial.number), self.digits(trial.number));
        if self.backward {
            asked.reverse();
        }
        let recalls = self.names("recall");
        let answers: Vec<_> = recalls.iter().zip(asked).map(|(recall, digit)| (recall.as_str(), 1 + digit)).collect();
        self.form.ask(now, &answers);
        for (name, digit) in self.names("digit").iter().zip(shown) {
            if now.is_in(name) {
                now.input[1 + digit] = 1.0;
            }
        }
    }
}
