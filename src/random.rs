//! Seeds, and the independent random streams that they open.
//!
//! A seed is a value that is passed, never a global. What is drawn depends only on the seed, on the purpose and on the
//! number of the trial, not on threads or on what was drawn before.
//!
//! ```
//! use psychrnn::prelude::*;
//! let mut trial = Seed(1).child("my stimuli").stream(7); // the stream of trial 7
//! let coherence = trial.choice(&[0.1, 0.2, 0.4]);
//! let evidence = trial.normal(coherence, 0.3);
//! # assert!(evidence.is_finite());
//! ```

use linfa_linalg::eigh::Eigh;
use ndarray::{Array1, Array2};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The seed of everything that is drawn at random.
///
/// ```
/// use psychrnn::random::Seed;
/// assert_eq!(Seed(1), Seed::from(1));
/// assert_ne!(Seed(1).child("noise"), Seed(1).child("initial weights"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl From<u64> for Seed {
    fn from(seed: u64) -> Self {
        Self(seed)
    }
}

impl Seed {
    /// The seed for one purpose: what is drawn under different purposes is independent.
    #[must_use]
    pub fn child(self, purpose: &str) -> Self {
        // FNV-1a over the purpose, then the SplitMix64 finalizer, so that close seeds end far apart.
        let tag = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let mut mixed = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ tag;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(mixed ^ (mixed >> 31))
    }

    /// The random stream with this number. Streams of one seed do not overlap.
    #[must_use]
    pub fn stream(self, number: u64) -> TrialRng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.0);
        rng.set_stream(number);
        TrialRng { own: rng, block: None, kind: None }
    }
}

/// The random stream of one trial, with the draws that tasks need.
///
/// A task whose conditions come in blocks or in turn asks for [`TrialRng::number`].
///
/// It is also a [`rand::RngCore`], so every distribution of `rand_distr` 0.4 can be sampled from it.
#[derive(Clone, Debug)]
pub struct TrialRng {
    own: ChaCha8Rng,
    /// That of the block of trials to which this one belongs.
    block: Option<Box<TrialRng>>,
    /// Of which kind the block of its session is in which the trial lies.
    kind: Option<usize>,
}

impl TrialRng {
    /// The number of this stream: in a task, that of the trial.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.own.get_stream()
    }

    /// The stream that all trials of a block have in common, each from its start: what is drawn of it is the same in all of them, if
    /// all draw the same from it. In a task whose trials share nothing ([`TaskSpec::shared_by`](crate::task::TaskSpec::shared_by)), the
    /// trial's own.
    pub fn shared(&mut self) -> &mut Self {
        match self {
            Self { block: Some(block), .. } => block,
            alone => alone,
        }
    }

    /// The same stream as one of a block.
    #[must_use]
    pub(crate) fn of_block(self, block: Self) -> Self {
        Self { block: Some(Box::new(block)), ..self }
    }

    /// Of which kind the block of its session is in which the trial lies, from 0, see
    /// [`Sessions::blocks`](crate::task::Sessions::blocks): for what a task does in each time step. `None` where there are no blocks, and in
    /// one that comes before those of a kind.
    #[must_use]
    pub fn block_kind(&self) -> Option<usize> {
        self.kind
    }

    /// The same stream in a block of this kind.
    #[must_use]
    pub(crate) fn in_block(self, kind: Option<usize>) -> Self {
        Self { kind, ..self }
    }

    /// A number between `low` (included) and `high` (excluded), all equally likely.
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.own.r#gen::<f32>()
    }

    /// A Gaussian number with this mean and standard deviation.
    pub fn normal(&mut self, mean: f32, sd: f32) -> f32 {
        let z: f32 = StandardNormal.sample(&mut self.own);
        mean + sd * z
    }

    /// An exponential number with this mean.
    pub fn exponential(&mut self, mean: f32) -> f32 {
        let e: f32 = Exp1.sample(&mut self.own);
        mean * e
    }

    /// One of `options`, all equally likely. The list must not be empty.
    #[track_caller]
    pub fn choice<T: Clone>(&mut self, options: &[T]) -> T {
        assert!(!options.is_empty(), "there is nothing to choose from: the list is empty");
        options[self.index(options.len())].clone()
    }

    /// A whole number from 0 to `n - 1`, all equally likely; 0 if `n` is 0.
    pub fn index(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { self.own.gen_range(0..n) }
    }

    /// A whole number from 0 to `weights.len() - 1`, each as likely as its weight is large; the last one if all are 0.
    pub fn weighted(&mut self, weights: &[f32]) -> usize {
        let total: f64 = weights.iter().copied().map(f64::from).sum();
        let mut left = f64::from(self.uniform(0.0, 1.0)) * total;
        let is_it = |&weight: &f32| {
            left -= f64::from(weight);
            left < 0.0
        };
        weights.iter().position(is_it).unwrap_or(weights.len().saturating_sub(1))
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.own.r#gen::<f32>() < probability
    }
}

impl RngCore for TrialRng {
    fn next_u32(&mut self) -> u32 {
        self.own.next_u32()
    }
    fn next_u64(&mut self) -> u64 {
        self.own.next_u64()
    }
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.own.fill_bytes(bytes);
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand::Error> {
        self.own.try_fill_bytes(bytes)
    }
}

/// An error if nothing can be drawn by these weights.
pub(crate) fn check_weights(name: &str, weights: &[f32]) -> Result<()> {
    match weights.iter().find(|weight| !(**weight >= 0.0 && weight.is_finite())) {
        Some(weight) => Err(Error::argument(name, "0 or positive numbers", weight)),
        None if weights.iter().all(|weight| *weight == 0.0) => {
            Err(Error::argument(name, "at least one of them above 0", if weights.is_empty() { "none" } else { "0" }))
        }
        None => Ok(()),
    }
}

/// The variances of Gaussian noise with this covariance along the directions `[n, n]` (in columns) in which it is independent. It may be
/// singular: channels or units may share all of their noise.
pub(crate) fn spectrum(name: &str, covariance: &Array2<f32>) -> Result<(Array1<f64>, Array2<f64>)> {
    let expected = "a covariance: symmetric, and without negative variance in any direction";
    let largest = covariance.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    let symmetric = |((i, j), &x): ((usize, usize), &f32)| (x - covariance[[j, i]]).abs() <= 1e-5 * largest;
    let is_finite = covariance.iter().all(|x| x.is_finite());
    if !covariance.is_square() || !is_finite || !covariance.indexed_iter().all(symmetric) {
        return Err(Error::argument(name, expected, covariance));
    }
    let (variances, directions) =
        covariance.mapv(f64::from).eigh().map_err(|error| Error::argument(name, expected, error))?;
    if let Some(variance) = variances.iter().find(|&&variance| variance < -1e-5 * f64::from(largest)) {
        return Err(Error::argument(name, expected, format!("one with a variance of {variance}")));
    }
    Ok((variances.mapv(|variance| variance.max(0.0)), directions))
}

/// A matrix `R` with `R Rᵀ` the covariance.
pub(crate) fn root(name: &str, covariance: &Array2<f32>) -> Result<Array2<f32>> {
    let (variances, directions) = spectrum(name, covariance)?;
    Ok((directions * variances.mapv(f64::sqrt)).mapv(|x| x as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_and_children_are_reproducible_and_distinct() {
        let first = |seed: Seed, stream| seed.stream(stream).next_u64();
        assert_eq!(first(Seed(7), 3), first(Seed(7), 3));
        let seeds =
            [Seed(7), Seed(8), Seed(7).child("a"), Seed(7).child("b"), Seed(8).child("a"), Seed(0), Seed(0).child("a")];
        let mut drawn: Vec<u64> = seeds.iter().flat_map(|seed| (0..50).map(move |i| first(*seed, i))).collect();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), seeds.len() * 50);
    }

    #[test]
    fn draws_have_the_moments_that_they_promise() {
        let mut rng = Seed(1).stream(0);
        let n = 100_000;
        let mean = |f: &mut dyn FnMut() -> f32| (0..n).map(|_| f64::from(f())).sum::<f64>() / f64::from(n);
        assert!((mean(&mut || rng.uniform(2.0, 4.0)) - 3.0).abs() < 0.01);
        assert!((mean(&mut || rng.normal(1.0, 2.0)) - 1.0).abs() < 0.03);
        assert!((mean(&mut || rng.normal(0.0, 2.0).powi(2)) - 4.0).abs() < 0.08);
        assert!((mean(&mut || rng.exponential(5.0)) - 5.0).abs() < 0.08);
        assert!((mean(&mut || rng.index(3) as f32) - 1.0).abs() < 0.02);
        let mut counts = [0.0; 4];
        (0..n).for_each(|_| counts[rng.weighted(&[1.0, 0.0, 5.0, 2.0])] += 1.0 / f64::from(n));
        assert!([0.125, 0.0, 0.625, 0.25].iter().zip(counts).all(|(share, ours)| (share - ours).abs() < 0.01));
        assert!((mean(&mut || f32::from(u8::from(rng.chance(0.2)))) - 0.2).abs() < 0.01);
    }
}
