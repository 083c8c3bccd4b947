//! Intervals by resampling.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use super::special::{check_confidence, mean, middle, normal_cdf, normal_quantile, quantile, variance};
use crate::random::{Seed, TrialRng};
use crate::setters::setters;
use crate::{Error, Result, interrupt, memory, threads};

/// Intervals of any statistic by resampling the data with replacement (Efron B (1979), doi:10.1214/aos/1176344552).
///
/// The same seed gives the same numbers, for any number of threads. If it is interrupted (see [`interrupt`]), it gives what
/// the resamples so far say.
///
/// ```
/// use psychrnn::analysis::Bootstrap;
/// let trials_to_criterion = [1400.0, 1600.0, 1250.0, 2100.0, 1500.0, 1700.0];
/// let mean = |sample: &[f64]| sample.iter().sum::<f64>() / sample.len() as f64;
/// let interval = Bootstrap::default().seed(1).bca(&trials_to_criterion, mean)?;
/// assert!(interval.low < 1591.0 && 1592.0 < interval.high);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// How many times the data are drawn anew; 2000 by default.
    pub resamples: usize,
    /// The share of resamples within the interval; 0.95 by default.
    pub confidence: f64,
    /// The seed of the draws; 0 by default.
    pub seed: Seed,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 2000, confidence: 0.95, seed: Seed(0) }
    }
}

/// A statistic with an interval about it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The statistic of the data.
    #[serde(with = "crate::number")]
    pub estimate: f64,
    /// The standard deviation of the statistic over resamples.
    #[serde(with = "crate::number")]
    pub se: f64,
    /// The lower end.
    #[serde(with = "crate::number")]
    pub low: f64,
    /// The upper end.
    #[serde(with = "crate::number")]
    pub high: f64,
    /// Whether the work was interrupted (see [`interrupt`]): fewer resamples than asked for.
    pub interrupted: bool,
}

impl Bootstrap {
    setters! {
        /// How many times the data are drawn anew.
        resamples: usize;
        /// The share of resamples within the interval.
        confidence: f64;
        /// The seed of the draws.
        seed: impl Into<Seed> => seed.into();
    }

    /// The percentile interval: from the quantile `(1 - confidence) / 2` of the resampled statistics to the quantile
    /// `(1 + confidence) / 2`. For paired data give the pairs: `&[(f64, f64)]`.
    ///
    /// # Errors
    /// If there are no data, if `resamples` is 0, if `confidence` is not between 0 and 1, or if a statistic is not
    /// finite.
    pub fn percentile<T: Clone + Sync>(&self, data: &[T], statistic: impl Fn(&[T]) -> f64 + Sync) -> Result<Interval> {
        let (estimate, mut resampled) = self.resampled(data, &statistic)?;
        let interrupted = resampled.len() < self.resamples;
        let se = variance(&resampled).sqrt();
        let (low, high) = middle(&mut resampled, self.confidence);
        Ok(Interval { estimate, se, low, high, interrupted })
    }

    /// The bias-corrected and accelerated interval: as [`Bootstrap::percentile`], with quantiles moved by the share of
    /// resamples below the estimate (`z0`) and by the skewness of the statistic when each datum is left out in turn
    /// (`a`): `Φ(z0 + (z0 + z) / (1 - a (z0 + z)))` for the normal quantile `z` (Efron B (1987),
    /// doi:10.1080/01621459.1987.10478410).
    ///
    /// # Errors
    /// As [`Bootstrap::percentile`]; also if the statistic does not vary, or if the estimate lies beyond all resamples:
    /// there is no such interval then.
    pub fn bca<T: Clone + Sync>(&self, data: &[T], statistic: impl Fn(&[T]) -> f64 + Sync) -> Result<Interval> {
        let (estimate, mut resampled) = self.resampled(data, &statistic)?;
        let se = variance(&resampled).sqrt();
        resampled.sort_unstable_by(f64::total_cmp);
        let below = resampled.partition_point(|&value| value < estimate);
        let not_above = resampled.partition_point(|&value| value <= estimate);
        let bias = normal_quantile((below + not_above) as f64 / 2.0 / resampled.len() as f64);
        let left_out = |i: usize| statistic(&[&data[..i], &data[i + 1..]].concat());
        let left_out = threads::map((0..data.len()).collect(), |i| finite(left_out(i)))?;
        let center = mean(&left_out);
        let moment = |power| left_out.iter().map(|value| (center - value).powi(power)).sum::<f64>();
        let acceleration = moment(3) / (6.0 * moment(2).powf(1.5));
        if !(bias.is_finite() && acceleration.is_finite()) {
            let got = "the same for all resamples, or an estimate beyond all of them: use the percentile interval";
            return Err(Error::argument("statistic", "one that varies with the data", got));
        }
        let end = |p: f64| {
            let z = bias + normal_quantile(p);
            quantile(&resampled, normal_cdf(bias + z / (1.0 - acceleration * z)))
        };
        let (low, high) = (end((1.0 - self.confidence) / 2.0), end((1.0 + self.confidence) / 2.0));
        Ok(Interval { estimate, se, low, high, interrupted: resampled.len() < self.resamples })
    }

    /// The statistic of the data, and those of the resamples.
    fn resampled<T: Clone + Sync>(
        &self,
        data: &[T],
        statistic: &(impl Fn(&[T]) -> f64 + Sync),
    ) -> Result<(f64, Vec<f64>)> {
        if data.is_empty() {
            return Err(Error::argument("data", "at least one value", "empty"));
        }
        let estimate = finite(statistic(data))?;
        let resampled = self.draw(|rng| {
            let sample: Vec<T> = (0..data.len()).map(|_| data[rng.index(data.len())].clone()).collect();
            finite(statistic(&sample))
        })?;
        Ok((estimate, resampled))
    }

    /// What `one` gives for each resample, each with a random stream of its own; for the first ones if it is interrupted.
    pub(crate) fn draw<R: Send>(&self, one: impl Fn(&mut TrialRng) -> Result<R> + Sync) -> Result<Vec<R>> {
        check_confidence(self.confidence)?;
        draw(self.resamples, self.seed.child("bootstrap"), one)
    }
}

/// What `one` gives for each of so many resamples, each with a random stream of its own; for the first ones if it is interrupted.
pub(super) fn draw<R: Send>(
    resamples: usize,
    stream: Seed,
    one: impl Fn(&mut TrialRng) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    if resamples == 0 {
        return Err(Error::argument("resamples", "at least 1", 0));
    }
    // Each has a place, and a number before it is drawn.
    let needed = memory::floats(&[resamples, 16 + size_of::<R>() / 2]);
    memory::check(format!("{resamples} resamples"), needed, "take fewer `resamples`")?;
    let (work, taken) = (interrupt::watch(), AtomicUsize::new(0));
    // Of two a standard error can be had.
    let go_on = || taken.fetch_add(1, Ordering::Relaxed) < 2 || !work.is_interrupted();
    threads::map_while((0..resamples as u64).collect(), go_on, |number| one(&mut stream.stream(number)))
}

pub(super) fn finite(statistic: f64) -> Result<f64> {
    if statistic.is_finite() {
        return Ok(statistic);
    }
    Err(Error::NotFinite { name: "statistic".into(), value: statistic, at: "the data or a resample of them".into() })
}
