//! Blocks of trials within a session.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::Duration;
use super::duration::number_or_named;
use super::past::Place;
use crate::error::Error;
use crate::random::TrialRng;
use crate::{Result, setters::setters};

/// The blocks of a session: how long they are, of how many kinds, and which follows which. A number of trials converts into the
/// blocks of two kinds that take turns.
///
/// A task asks [`History::block`](super::History::block) and [`History::block_kind`](super::History::block_kind); [`Blocks`](super::Blocks) has a task for each kind. The first kind is
/// drawn at random in each session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockPlan {
    /// How many trials a block has.
    pub lasting: Lasting,
    /// How many kinds of blocks there are; 2 by default.
    pub kinds: usize,
    /// The trials of a block before all others, which is of no kind; 0 by default.
    pub first: usize,
    /// Whether the kind after one is drawn from the others; by default they come in turn.
    pub random: bool,
}

/// How many trials a block has. A number converts into it, in a file too, and a range `20..=100`, of which all are equally likely.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub enum Lasting {
    /// So many.
    Trials(usize),
    /// All numbers from `low` to `high` are equally likely.
    Uniform {
        /// The fewest.
        low: usize,
        /// The most.
        high: usize,
    },
    /// Exponential with this mean, as if drawn again until it lies between `low` and `high`, and then rounded. The mean is the one
    /// before cutting.
    TruncatedExponential {
        /// The mean of the distribution before it is cut.
        mean: f32,
        /// The fewest.
        low: usize,
        /// The most.
        high: usize,
    },
    /// After each trial the block ends with this probability.
    Switch(f32),
}

number_or_named!(
    Lasting,
    "a whole number of trials, or one of trials, uniform, truncated_exponential, switch",
    |trials| (trials >= 0.0 && trials.fract() == 0.0).then_some(Lasting::Trials(trials as usize))
);

impl From<usize> for Lasting {
    fn from(trials: usize) -> Self {
        Self::Trials(trials)
    }
}

impl From<RangeInclusive<usize>> for Lasting {
    fn from(range: RangeInclusive<usize>) -> Self {
        Self::Uniform { low: *range.start(), high: *range.end() }
    }
}

impl<L: Into<Lasting>> From<L> for BlockPlan {
    fn from(lasting: L) -> Self {
        Self { lasting: lasting.into(), kinds: 2, first: 0, random: false }
    }
}

impl Lasting {
    /// Exponential with this mean, cut to `low` and `high`.
    #[must_use]
    pub fn truncated_exponential(mean: f32, low: usize, high: usize) -> Self {
        Self::TruncatedExponential { mean, low, high }
    }

    /// The trials of a block; `None` where chance ends it.
    fn draw(self, rng: &mut TrialRng) -> Option<usize> {
        match self {
            Self::Trials(trials) => Some(trials),
            Self::Uniform { low, high } => Some(low + rng.index(high - low + 1)),
            Self::TruncatedExponential { mean, low, high } => {
                Some(Duration::truncated_exponential(mean, low as f32, high as f32).draw(rng).round() as usize)
            }
            Self::Switch(_) => None,
        }
    }

    fn check(self) -> Result<()> {
        let fine = match self {
            Self::Trials(trials) => trials > 0,
            Self::Uniform { low, high } => low > 0 && low <= high,
            Self::TruncatedExponential { mean, low, high } => low > 0 && low <= high && mean > 0.0 && mean.is_finite(),
            Self::Switch(chance) => chance > 0.0 && chance <= 1.0,
        };
        if fine {
            return Ok(());
        }
        let expected = "at least one trial, the shortest first, or a probability above 0 and up to 1 a trial to end";
        Err(Error::argument("lasting", expected, format!("{self:?}")))
    }
}

impl BlockPlan {
    setters! {
        /// How many kinds of blocks there are.
        kinds: usize;
        /// The trials of a block before all others, which is of no kind.
        first: usize;
        /// Whether the kind after one is drawn from the others; by default they come in turn.
        random: bool;
    }

    pub(super) fn check(&self) -> Result<()> {
        self.lasting.check()?;
        if self.kinds == 0 {
            return Err(Error::argument("kinds of blocks", "at least 1", 0));
        }
        Ok(())
    }
}

/// The way through the blocks of a session, trial by trial.
pub(super) struct Walk<'a> {
    plan: Option<&'a BlockPlan>,
    rng: TrialRng,
    /// Where the next trial lies.
    place: Place,
    /// The trials of this block; `None` where chance ends it.
    length: Option<usize>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(plan: Option<&'a BlockPlan>, rng: TrialRng) -> Self {
        let mut walk = Self { plan, rng, place: Place::default(), length: None };
        if let Some(plan) = plan {
            match plan.first {
                0 => walk.begin(plan),
                first => walk.length = Some(first),
            }
        }
        walk
    }

    /// Where the next trial lies; then the one after it is the next.
    pub(super) fn step(&mut self) -> Place {
        let here = self.place;
        self.place.trial += 1;
        if let Some(plan) = self.plan {
            let ends = match (self.length, plan.lasting) {
                (Some(length), _) => self.place.trial >= length,
                (None, Lasting::Switch(chance)) => self.rng.chance(chance),
                (None, _) => false,
            };
            if ends {
                self.place = Place { block: here.block + 1, trial: 0, kind: here.kind };
                self.begin(plan);
            }
        }
        here
    }

    /// Draws the kind of a block, and its length.
    fn begin(&mut self, plan: &BlockPlan) {
        let kinds = plan.kinds;
        self.place.kind = Some(match self.place.kind {
            None => self.rng.index(kinds),
            Some(last) if plan.random && kinds > 1 => (last + 1 + self.rng.index(kinds - 1)) % kinds,
            Some(last) => (last + 1) % kinds,
        });
        self.length = plan.lasting.draw(&mut self.rng);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    fn walk(plan: &BlockPlan, n: usize, seed: u64) -> Vec<Place> {
        let mut walk = Walk::new(Some(plan), Seed(seed).stream(0));
        (0..n).map(|_| walk.step()).collect()
    }

    /// The lengths of the blocks that end within these trials.
    fn lengths(places: &[Place]) -> Vec<usize> {
        let mut all: Vec<usize> = places.chunk_by(|a, b| a.block == b.block).map(<[Place]>::len).collect();
        all.pop();
        all
    }

    #[test]
    fn blocks_have_the_lengths_and_kinds_that_were_asked_for() {
        let places = walk(&BlockPlan::from(7).first(5), 100, 1);
        assert_eq!(lengths(&places)[..3], [5, 7, 7]);
        assert!(places[..5].iter().all(|place| place.kind.is_none() && place.block == 0));
        assert!(places[5..].windows(8).all(|few| few[0].kind != few[7].kind && few[7].trial == few[0].trial));

        let uniform = lengths(&walk(&(20..=22).into(), 60_000, 2));
        for length in 20..=22 {
            let n = uniform.iter().filter(|&&found| found == length).count() as f64;
            let expected = uniform.len() as f64 / 3.0;
            assert!((n - expected).abs() < 4.0 * (expected * 2.0 / 3.0).sqrt(), "{length}: {n} of {expected}");
        }
        let mean = |lengths: Vec<usize>| lengths.iter().sum::<usize>() as f64 / lengths.len() as f64;
        let cut = lengths(&walk(&Lasting::truncated_exponential(60.0, 20, 100).into(), 100_000, 3));
        assert!(cut.iter().all(|length| (20..=100).contains(length)));
        // m + (a e^(-a/m) - b e^(-b/m)) / (e^(-a/m) - e^(-b/m))
        let (m, a, b) = (60.0_f64, 20.0_f64, 100.0_f64);
        let (ea, eb) = ((-a / m).exp(), (-b / m).exp());
        assert!((mean(cut) - (m + (a * ea - b * eb) / (ea - eb))).abs() < 2.0);
        assert!((mean(lengths(&walk(&Lasting::Switch(0.05).into(), 100_000, 4))) - 20.0).abs() < 1.2);

        let random = walk(&BlockPlan::from(1).kinds(4).random(true), 10_000, 5);
        assert!(random.windows(2).all(|pair| pair[0].kind != pair[1].kind));
        let after_0 =
            |kind| random.windows(2).filter(|pair| pair[0].kind == Some(0) && pair[1].kind == Some(kind)).count();
        assert!((1..4).all(|kind| (700..970).contains(&after_0(kind))));
    }

    #[test]
    fn the_first_kind_is_drawn_anew_in_each_session() {
        let firsts = (0..1000).filter(|&seed| walk(&BlockPlan::from(9), 1, seed)[0].kind == Some(0)).count();
        assert!((440..560).contains(&firsts), "{firsts}");
    }

    #[test]
    fn blocks_that_make_no_sense_are_refused() {
        let switch = |chance: f32| BlockPlan::from(Lasting::Switch(chance));
        for plan in [
            BlockPlan::from(0),
            #[allow(clippy::reversed_empty_ranges)]
            BlockPlan::from(3..=2),
            BlockPlan::from(0..=2),
            BlockPlan::from(4).kinds(0),
            switch(0.0),
            switch(1.5),
            switch(f32::NAN),
            Lasting::truncated_exponential(f32::NAN, 1, 2).into(),
        ] {
            assert!(plan.check().is_err(), "{plan:?}");
        }
    }

    #[test]
    fn a_number_of_trials_may_stand_in_a_file() {
        let read = |text: &str| serde_json::from_str::<Lasting>(text);
        let all = [Lasting::Trials(16), Lasting::from(20..=40), Lasting::Switch(0.05)];
        assert_eq!(read("16").unwrap(), all[0]);
        for lasting in all {
            assert_eq!(read(&serde_json::to_string(&lasting).unwrap()).unwrap(), lasting);
        }
        for wrong in ["16.5", "-1", "true"] {
            assert!(read(wrong).unwrap_err().to_string().contains("a whole number of trials"), "{wrong}");
        }
    }
}
