//! Items in a row, each compared with one some places before.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use crate::setters::setters;
use crate::task::{Decision, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;
use crate::tasks::form::{Form, form_setters};
use crate::{Error, Result};

/// Longer rows are sessions.
const MOST: usize = 100;

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "n_back",
    about: "Say of each item in a row whether it is the same as the one two before it.",
    papers: &[Paper { citation: "Kirchner WK (1958)", doi: "10.1037/h0043688" }],
    tags: &["working memory", "updating", "several answers"],
    reached: None,
    usual: usual!(NBack::default()),
}];

/// Is this item the one that was there `n` (2) items ago?
///
/// | | |
/// | --- | --- |
/// | inputs | 0 the cue to fixate, 1 but during items that are asked about; 1 to `n_stimuli` (5) the stimuli: 1 while it is shown |
/// | outputs | 0 fixate; 1 match, 2 no match |
/// | epochs | `fixation` (300 ms), then for each of `n_items` (6) items `item1` (400 ms) and `gap1` (200 ms), `item2` and so on |
///
/// From the item after the first `n` on, each is a match with the probability `p_match` (0.5), whatever the others are, and otherwise any other
/// stimulus; among these are *lures*, which were there one item more or one item less ago. The answer is asked for while the item is shown.
/// What is held has to be renewed with every item, in order: that an item was there says nothing.
///
/// All answers must be right ([`Decision::in_each`]); those of each item are columns of their own. All else is that of [`Form`]. Values: see
/// [`ItemRow`].
///
/// After Kirchner WK (1958), doi:10.1037/h0043688.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{ItemRow, NBack};
/// let row = ItemRow { items: vec![0, 1, 0, 1, 1], n_matches: 0, n_lures: 0 };
/// let batch = NBack::default().n_items(5).of(&[row], Seed(1))?;
/// assert_eq!(batch.values.numbers("n_matches")?, [2.0]);
/// assert_eq!(batch.values.numbers("n_lures")?, [1.0]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NBack {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// How many items ago the one was with which an item is compared.
    pub n: usize,
    /// The number of items.
    pub n_items: usize,
    /// The number of stimuli that an item may be.
    pub n_stimuli: usize,
    /// The probability that an item is a match.
    pub p_match: f32,
    /// The fixation before the first item.
    pub fixation: Duration,
    /// Each item.
    pub item: Duration,
    /// The gap after each item.
    pub gap: Duration,
}

/// The values of a trial of [`NBack`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct ItemRow {
    /// The stimulus of each item, counted from 0.
    #[trial(skip)]
    pub items: Vec<usize>,
    /// How many of the items are matches, which follows from these.
    pub n_matches: usize,
    /// How many are none and were there one item more or one item less ago, which follows too.
    pub n_lures: usize,
}

impl Default for NBack {
    fn default() -> Self {
        Self {
            form: Form::default(),
            n: 2,
            n_items: 6,
            n_stimuli: 5,
            p_match: 0.5,
            fixation: 300.into(),
            item: 400.into(),
            gap: 200.into(),
        }
    }
}

impl NBack {
    form_setters! {}

    setters! {
        /// How many items ago the one was with which an item is compared.
        n: usize;
        /// The number of items.
        n_items: usize;
        /// The number of stimuli that an item may be.
        n_stimuli: usize;
        /// The probability that an item is a match.
        p_match: f32;
        /// The fixation before the first item, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// Each item, in milliseconds.
        item: impl Into<Duration> => item.into();
        /// The gap after each item, in milliseconds.
        gap: impl Into<Duration> => gap.into();
    }

    /// The names of the items, as many as there can be at most.
    fn names(&self) -> Vec<String> {
        (1..=self.n_items.clamp(1, MOST)).map(|k| format!("item{k}")).collect()
    }

    /// Those that are asked about, of which there is one at least.
    fn asked(&self) -> Vec<String> {
        let names = self.names();
        names[self.n.min(names.len() - 1)..].to_vec()
    }
}

impl Task for NBack {
    type Trial = ItemRow;

    fn spec(&self) -> TaskSpec {
        let decision = Decision::largest_at_end().in_each(self.asked().iter().map(String::as_str));
        let spec = self.form.spec(1 + self.n_stimuli, 3).decision(decision).epoch("fixation", self.fixation.clone());
        self.names().iter().enumerate().fold(spec, |spec, (k, item)| {
            spec.epoch(item, self.item.clone()).epoch(&format!("gap{}", k + 1), self.gap.clone())
        })
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::probability("p_match", self.p_match)?;
        if self.n == 0 {
            return Err(Error::argument("n", "at least 1", 0));
        }
        if !(self.n.saturating_add(1)..=MOST).contains(&self.n_items) {
            let expected = format!("more than the {} that are not asked about, and at most {MOST}", self.n);
            return Err(Error::argument("n_items", expected, self.n_items));
        }
        match self.n_stimuli {
            0 | 1 => Err(Error::argument("n_stimuli", "at least 2, or all items are matches", self.n_stimuli)),
            _ => Ok(()),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> ItemRow {
        let mut items: Vec<usize> = Vec::new();
        for k in 0..self.n_items {
            items.push(match k.checked_sub(self.n).map(|before| items[before]) {
                None => rng.index(self.n_stimuli),
                Some(before) if rng.chance(self.p_match) => before,
                Some(before) => (before + 1 + rng.index(self.n_stimuli - 1)) % self.n_stimuli,
            });
        }
        ItemRow { items, n_matches: 0, n_lures: 0 }
    }

    fn complete(&self, trial: &mut ItemRow) -> Result<()> {
        let items = &trial.items;
        if items.len() != self.n_items {
            return Err(Error::argument("items", format!("the stimuli of {} items", self.n_items), items.len()));
        }
        if let Some(stimulus) = items.iter().find(|&&stimulus| stimulus >= self.n_stimuli) {
            return Err(Error::argument("items", format!("below {}, counted from 0", self.n_stimuli), stimulus));
        }
        let is_ago = |k: usize, ago: usize| ago > 0 && ago <= k && items[k] == items[k - ago];
        let count = |is: &dyn Fn(usize) -> bool| (self.n..self.n_items).filter(|&k| is(k)).count();
        let is_lure = |k: usize| !is_ago(k, self.n) && (is_ago(k, self.n - 1) || is_ago(k, self.n + 1));
        (trial.n_matches, trial.n_lures) = (count(&|k| is_ago(k, self.n)), count(&is_lure));
        Ok(())
    }

    fn step(&self, _: f32, trial: &ItemRow, _: &mut TrialRng, now: &mut Step<'_>) {
        let (names, items) = (self.names(), &trial.items);
        let answer = |k: usize| if items[k] == items[k - self.n] { 1 } else { 2 };
        let answers: Vec<_> = (self.n..self.n_items).map(|k| (names[k].as_str(), answer(k))).collect();
        self.form.ask(now, &answers);
        for (name, &stimulus) in names.iter().zip(items) {
            if now.is_in(name) {
                now.input[1 + stimulus] = 1.0;
            }
        }
    }
}
