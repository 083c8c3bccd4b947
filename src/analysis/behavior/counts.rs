//! How often each level of a stimulus had one of two answers.

use serde::{Deserialize, Serialize};

use crate::analysis::statistics::special::{check_confidence, normal_quantile};
use crate::simulate::Session;
use crate::{Error, Result};

/// How many trials there were at each level, and in how many of them the answer was the one that is counted.
///
/// ```
/// use psychrnn::analysis::Counts;
/// let counts = Counts::new("coherence", &[-0.2, 0.0, 0.2], &[40, 40, 40], &[3, 22, 38])?;
/// assert_eq!(counts.shares(), [0.075, 0.55, 0.95]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// What the level is, with its unit: the name of a column, the label of an axis.
    pub level_name: String,
    /// What is counted: the label of the other axis.
    pub hit_name: String,
    /// The levels, ascending, each once, with at least one trial.
    #[serde(with = "crate::number")]
    pub levels: Vec<f64>,
    /// The trials at each level.
    pub trials: Vec<usize>,
    /// Those of them in which the answer was the one that is counted.
    pub hits: Vec<usize>,
    /// The trials that were left out since their level is no finite number, such as the logarithm of a ratio without a
    /// denominator, or missing (NaN).
    #[serde(default)]
    pub without_level: usize,
    /// The trials that were left out since they have a level, but no answer.
    #[serde(default)]
    pub without_answer: usize,
}

impl Counts {
    /// Counts from elsewhere. Equal levels are put together; levels without trials are left out, and so are, counted in
    /// [`Counts::without_level`], trials whose level is NaN or infinite.
    ///
    /// # Errors
    /// If the lists differ in length, if there are more hits than trials, or no trials at all.
    pub fn new(level_name: &str, levels: &[f64], trials: &[usize], hits: &[usize]) -> Result<Self> {
        for (name, length) in [("trials", trials.len()), ("hits", hits.len())] {
            if length != levels.len() {
                return Err(Error::shape(name, format!("[n_levels = {}]", levels.len()), &[length]));
            }
        }
        if let Some(at) = (0..levels.len()).find(|&at| hits[at] > trials[at]) {
            let got = format!("{} at level {}", hits[at], levels[at]);
            return Err(Error::argument("hits", format!("at most the number of trials, {}", trials[at]), got));
        }
        let mut rows: Vec<(f64, usize, usize)> = (0..levels.len())
            .filter(|&at| trials[at] > 0 && levels[at].is_finite())
            .map(|at| (levels[at], trials[at], hits[at]))
            .collect();
        let without_level = (0..levels.len()).filter(|&at| !levels[at].is_finite()).map(|at| trials[at]).sum();
        if rows.is_empty() {
            let got = if without_level == 0 {
                "none".into()
            } else {
                format!("{without_level}, at `levels` that are NaN or infinite")
            };
            return Err(Error::argument("trials", "at least one with an answer, at a finite level", got));
        }
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut counts = Self {
            level_name: level_name.to_owned(),
            hit_name: "Share of hits".into(),
            levels: Vec::new(),
            trials: Vec::new(),
            hits: Vec::new(),
            without_level,
            without_answer: 0,
        };
        for same in rows.chunk_by(|a, b| a.0 == b.0) {
            // Zero with a sign, as a product of a coherence of 0 and a direction gives it, is zero.
            counts.levels.push(same[0].0 + 0.0);
            counts.trials.push(same.iter().map(|row| row.1).sum());
            counts.hits.push(same.iter().map(|row| row.2).sum());
        }
        Ok(counts)
    }

    /// Counts from the level of each trial, and whether its answer was the one that is counted. Trials whose level is NaN or
    /// infinite are left out, and so are those with `None`: they are counted in [`Counts::without_level`] and
    /// [`Counts::without_answer`].
    ///
    /// # Errors
    /// As [`Counts::new`].
    pub fn of_trials(level_name: &str, levels: &[f64], hits: &[Option<bool>]) -> Result<Self> {
        if hits.len() != levels.len() {
            return Err(Error::shape("hits", format!("[n_trials = {}]", levels.len()), &[hits.len()]));
        }
        let trials: Vec<usize> =
            levels.iter().zip(hits).map(|(level, hit)| usize::from(hit.is_some() || !level.is_finite())).collect();
        let without_answer = trials.iter().filter(|&&counted| counted == 0).count();
        let hits: Vec<usize> = hits.iter().map(|&hit| usize::from(hit == Some(true))).collect();
        Ok(Self { without_answer, ..Self::new(level_name, levels, &trials, &hits)? })
    }

    /// The same counts in at most so many bins of neighboring levels, with about equally many trials in each: for levels that
    /// hardly ever come twice, such as random durations. The level of a bin is the mean over its trials; a level is never
    /// parted.
    ///
    /// ```no_run
    /// use psychrnn::plot::shares;
    /// use psychrnn::prelude::*;
    /// use psychrnn::tasks::RandomDots;
    /// let batch = RandomDots::variable_duration().testing().batch(5000, Seed(1))?;
    /// let session = Simulator::load("weights.npz")?.run(&batch)?;
    /// let durations = session.batch.durations("stimulus")?;
    /// let session = session.with_column("Stimulus duration (ms)", durations)?;
    /// let of = |coherence: f32| session.only("coherence", coherence)?.correct_by("Stimulus duration (ms)")?.binned(10);
    /// shares([("6.4 %", &of(0.064)?), ("51.2 %", &of(0.512)?)])?.save("duration.png")?;
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If `n_bins` is 0.
    pub fn binned(&self, n_bins: usize) -> Result<Self> {
        if n_bins == 0 {
            return Err(Error::argument("n_bins", "at least 1", 0));
        }
        let total = self.trials.iter().sum::<usize>() as f64;
        let mut before = 0;
        let mut places = Vec::new();
        for &trials in &self.trials {
            // A level belongs where the middle of its trials falls.
            let middle = before as f64 + trials as f64 / 2.0;
            places.push((middle / total * n_bins as f64) as usize);
            before += trials;
        }
        let mut binned = Self { levels: Vec::new(), trials: Vec::new(), hits: Vec::new(), ..self.clone() };
        let all: Vec<usize> = (0..self.levels.len()).collect();
        for bin in all.chunk_by(|&a, &b| places[a] == places[b]) {
            let sum = |numbers: &[usize]| bin.iter().map(|&at| numbers[at]).sum::<usize>();
            let trials = sum(&self.trials);
            let level: f64 = bin.iter().map(|&at| self.levels[at] * self.trials[at] as f64).sum();
            binned.levels.push(level / trials as f64);
            binned.trials.push(trials);
            binned.hits.push(sum(&self.hits));
        }
        Ok(binned)
    }

    /// What is counted: the label of the axis.
    #[must_use]
    pub fn hit_name(mut self, name: &str) -> Self {
        self.hit_name = name.to_owned();
        self
    }

    /// The share of hits at each level.
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        self.hits.iter().zip(&self.trials).map(|(&hits, &trials)| hits as f64 / trials as f64).collect()
    }

    /// The interval of each share (Wilson EB (1927), doi:10.1080/01621459.1927.10502953), which is also right where no
    /// trial or every trial is a hit.
    ///
    /// # Errors
    /// If `confidence` is not between 0 and 1.
    pub fn intervals(&self, confidence: f64) -> Result<Vec<(f64, f64)>> {
        check_confidence(confidence)?;
        let z = normal_quantile((1.0 + confidence) / 2.0);
        Ok(self
            .shares()
            .into_iter()
            .zip(&self.trials)
            .map(|(share, &trials)| {
                let n = trials as f64;
                let center = share + z * z / (2.0 * n);
                let half = z * (share * (1.0 - share) / n + (z / (2.0 * n)).powi(2)).sqrt();
                let scale = 1.0 + z * z / n;
                (((center - half) / scale).max(0.0), ((center + half) / scale).min(1.0))
            })
            .collect())
    }

    /// The trials of both.
    pub(super) fn joined(&self, other: &Self) -> Result<Self> {
        let both = |a: &[usize], b: &[usize]| [a, b].concat();
        let levels = [self.levels.as_slice(), &other.levels].concat();
        let joined =
            Self::new(&self.level_name, &levels, &both(&self.trials, &other.trials), &both(&self.hits, &other.hits))?;
        Ok(Self {
            without_level: self.without_level + other.without_level,
            without_answer: self.without_answer + other.without_answer,
            ..joined.hit_name(&self.hit_name)
        })
    }
}

impl Session {
    /// How often the network made this choice at each level of a column of [`Session::trials`]. Trials without a choice
    /// are left out.
    ///
    /// # Errors
    /// If there is no such column, if it holds text, if the task has no such choice, or if there is no trial with a choice.
    pub fn choices_by(&self, column: &str, choice: usize) -> Result<Counts> {
        self.batch.check_choice(choice)?;
        let hits: Vec<_> = self.choices.iter().map(|made| made.map(|made| made == choice)).collect();
        Ok(Counts::of_trials(column, &self.trials().numbers(column)?, &hits)?
            .hit_name(&format!("Share of choice {choice}")))
    }

    /// How often the network was correct at each level of a column of [`Session::trials`]. Trials without a correct
    /// choice are left out.
    ///
    /// # Errors
    /// If there is no such column, if it holds text, or if there is no trial with a correct choice.
    pub fn correct_by(&self, column: &str) -> Result<Counts> {
        Ok(Counts::of_trials(column, &self.trials().numbers(column)?, &self.correct)?.hit_name("Share correct"))
    }
}
