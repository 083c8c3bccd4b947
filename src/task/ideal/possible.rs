//! What trials of one timing may be, and how probable each of it is by what was seen.

use std::hash::{DefaultHasher, Hash, Hasher};

use indexmap::IndexMap;
use indexmap::map::Entry;
use ndarray::{Array1, Array2, ArrayView1, Axis};

use crate::task::decision::Reading;
use crate::task::sensory::Law;
use crate::{Error, Result};

/// The best candidate is close if what was seen is at most by this factor, as a logarithm, less probable than by what was shown.
const CLOSE: f64 = 2.0;

/// All that trials of one timing may be.
pub(super) struct Possible {
    /// What is shown, a row each, along the axes of the noise, step after step.
    shown: Array2<f64>,
    /// Where rows differ, and what they have there.
    telling: Vec<usize>,
    told: Array2<f64>,
    hashes: Vec<u64>,
    drawn: Vec<[f64; 2]>,
    /// What each asks for: the place in the list.
    asks: Vec<usize>,
    pub(super) asked: Vec<Vec<Reading>>,
}

/// What becomes of it: of what shows the same and asks for the same one.
#[derive(Default)]
pub(super) struct Gathered {
    different: IndexMap<(u64, usize), [f64; 2]>,
    rows: Vec<f64>,
    asked: Asked,
}

impl Gathered {
    /// One that shows this and asks for that, with how often it was drawn in all and in the first half of the draws.
    pub(super) fn add(&mut self, shown: Array1<f64>, asked: Vec<Reading>, drawn: [f64; 2]) {
        let entry = self.different.entry((hash(&bits(shown.iter().copied())), self.asked.place(asked)));
        if matches!(entry, Entry::Vacant(_)) {
            self.rows.extend(shown);
        }
        entry.or_default().iter_mut().zip(drawn).for_each(|(all, drawn)| *all += drawn);
    }

    /// All of them, each of which shows so many numbers.
    pub(super) fn of(self, n: usize) -> Result<Possible> {
        let Self { different, rows, asked } = self;
        let shown = Array2::from_shape_vec((different.len(), n), rows);
        let shown = shown.map_err(|error| Error::argument("inputs", "as many in each trial of a timing", error))?;
        let differs = |&at: &usize| shown.column(at).iter().any(|&value| value != shown[[0, at]]);
        let telling: Vec<usize> = (0..n).filter(differs).collect();
        let told = shown.select(Axis(1), &telling);
        let (hashes, asks) = different.keys().copied().unzip();
        Ok(Possible { shown, telling, told, hashes, drawn: different.into_values().collect(), asks, asked: asked.0 })
    }
}

impl Possible {
    /// The logarithm of the probability of what is seen for each, up to what all have in common.
    pub(super) fn logs(&self, seen: &Array1<f64>, law: &Law) -> Vec<f64> {
        let log = |row: ArrayView1<'_, f64>| {
            self.telling.iter().zip(row).map(|(&at, &shown)| law.log(at, shown, seen[at])).sum()
        };
        self.told.outer_iter().map(log).collect()
    }

    /// How probable it is that each of the answers is asked for, up to a factor: by all draws (0), or by the first half of them (1).
    pub(super) fn probable(&self, logs: &[f64], half: usize) -> Vec<f64> {
        let weighed: Vec<f64> = logs.iter().zip(&self.drawn).map(|(log, drawn)| log + drawn[half].ln()).collect();
        let most = weighed.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut probable = vec![0.0; self.asked.len()];
        if most.is_finite() {
            self.asks.iter().zip(weighed).for_each(|(&ask, log)| probable[ask] += (log - most).exp());
        }
        probable
    }

    /// Whether what was seen is about as probable by one of them as by what was shown.
    pub(super) fn is_close(&self, logs: &[f64], truth: Array1<f64>, seen: &Array1<f64>, law: &Law) -> bool {
        let best = (0..logs.len()).max_by(|&a, &b| logs[a].total_cmp(&logs[b])).filter(|&best| logs[best].is_finite());
        let all = |shown: ArrayView1<'_, f64>| -> f64 {
            shown.iter().zip(seen).enumerate().map(|(at, (&shown, &seen))| law.log(at, shown, seen)).sum()
        };
        let is_there = || self.hashes.contains(&hash(&bits(truth.iter().copied())));
        best.is_some_and(|best| is_there() || all(truth.view()) - all(self.shown.row(best)) <= CLOSE)
    }
}

/// Different things that are asked for.
#[derive(Default)]
pub(super) struct Asked(pub(super) Vec<Vec<Reading>>);

impl Asked {
    /// The place of one.
    pub(super) fn place(&mut self, asked: Vec<Reading>) -> usize {
        self.0.iter().position(|other| *other == asked).unwrap_or_else(|| {
            self.0.push(asked);
            self.0.len() - 1
        })
    }
}

pub(super) fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// Numbers as they can be hashed; 0 has no sign.
pub(super) fn bits(numbers: impl Iterator<Item = f64>) -> Vec<u64> {
    numbers.map(|number| (number + 0.0).to_bits()).collect()
}
