//! Tests of any statistic by exchanging what would be alike without a difference.

use serde::{Deserialize, Serialize};

use super::Alternative;
use super::bootstrap::{draw, finite};
use super::special::{check_finite, mean};
use crate::random::{Seed, TrialRng};
use crate::setters::setters;
use crate::{Error, Result, threads};

/// Tests whether two samples differ in any statistic by exchanging their values: between independent samples, or within
/// pairs. If there is no difference, all exchanges are alike, so `p` is the share of them whose statistic is at least as
/// far out (Fisher's and Pitman's test; Phipson B, Smyth GK (2010), doi:10.2202/1544-6115.1585).
///
/// If there are no more exchanges than `resamples`, all of them are made, and `p` is exact; else so many are drawn, and `p` is
/// `(1 + as far out) / (1 + resamples)`. The same seed gives the same numbers, for any number of threads. If it is interrupted (see
/// [`interrupt`](crate::interrupt)), it gives what the exchanges so far say.
///
/// ```
/// use psychrnn::analysis::{Alternative, Permutation};
/// let (curriculum, fixed) = ([1400.0, 1200.0, 1600.0], [2900.0, 2100.0, 2500.0, 3100.0]);
/// let test = Permutation::default().means(&curriculum, &fixed, Alternative::TwoSided)?;
/// assert!(test.exact && (test.p - 2.0 / 35.0).abs() < 1e-12);
///
/// let median = |sample: &[f64]| { let mut sample = sample.to_vec(); sample.sort_by(f64::total_cmp); sample[sample.len() / 2] };
/// let of = |a: &[f64], b: &[f64]| median(a) - median(b);
/// let test = Permutation::default().seed(1).unpaired(&curriculum, &fixed, Alternative::Less, of)?;
/// assert!(test.p < 0.1);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Permutation {
    /// How many exchanges are drawn if there are more; 9999 by default.
    pub resamples: usize,
    /// The seed of the draws; 0 by default.
    pub seed: Seed,
}

impl Default for Permutation {
    fn default() -> Self {
        Self { resamples: 9999, seed: Seed(0) }
    }
}

/// The outcome of a [`Permutation`] test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PermutationTest {
    /// The statistic of the samples.
    #[serde(with = "crate::number")]
    pub statistic: f64,
    /// The probability of a statistic at least as far out, if there is no difference.
    #[serde(with = "crate::number")]
    pub p: f64,
    /// How many exchanges were made.
    pub exchanges: usize,
    /// Whether these are all that there are; else they were drawn.
    pub exact: bool,
    /// Whether the work was interrupted: fewer exchanges than asked for.
    pub interrupted: bool,
}

/// Which values of both samples, one after the other, the first and the second has.
type Split = (Vec<usize>, Vec<usize>);

impl Permutation {
    setters! {
        /// How many exchanges are drawn if there are more.
        resamples: usize;
        /// The seed of the draws.
        seed: impl Into<Seed> => seed.into();
    }

    /// Whether the means of two independent samples differ: [`Permutation::unpaired`] of `mean(first) - mean(second)`.
    ///
    /// # Errors
    /// If a sample is empty, if a number is not finite, or if `resamples` is 0.
    pub fn means(&self, first: &[f64], second: &[f64], alternative: Alternative) -> Result<PermutationTest> {
        check_finite("first", first)?;
        check_finite("second", second)?;
        self.unpaired(first, second, alternative, |first, second| mean(first) - mean(second))
    }

    /// Whether two independent samples differ in a statistic of both: each exchange gives the values to the two samples anew.
    ///
    /// # Errors
    /// If a sample is empty, if `resamples` is 0, or if a statistic is not finite.
    pub fn unpaired<T: Clone + Sync>(
        &self,
        first: &[T],
        second: &[T],
        alternative: Alternative,
        statistic: impl Fn(&[T], &[T]) -> f64 + Sync,
    ) -> Result<PermutationTest> {
        check_samples(first, second)?;
        let (n, n_first) = (first.len() + second.len(), first.len());
        let every = (ways(n, n_first) <= self.resamples as f64).then(|| ways(n, n_first) as u64);
        let drawn = |rng: &mut TrialRng| {
            let mut order: Vec<usize> = (0..n).collect();
            // The first so many of a shuffled list are enough.
            (0..n_first).for_each(|i| order.swap(i, i + rng.index(n - i)));
            let rest = order.split_off(n_first);
            (order, rest)
        };
        self.test(first, second, alternative, statistic, (every, &|number| split(number, n, n_first)), drawn)
    }

    /// Whether pairs differ in a statistic of both samples, such as the threshold of an intact and of a lesioned network on the
    /// same trials: each exchange swaps the two within some of the pairs.
    ///
    /// # Errors
    /// If the samples differ in length or are empty, if `resamples` is 0, or if a statistic is not finite.
    pub fn paired<T: Clone + Sync>(
        &self,
        first: &[T],
        second: &[T],
        alternative: Alternative,
        statistic: impl Fn(&[T], &[T]) -> f64 + Sync,
    ) -> Result<PermutationTest> {
        let n = check_alike(first, second, "n_pairs")?;
        let swapped = |swap: &dyn Fn(usize) -> bool| -> Split {
            (0..n).map(swap).enumerate().map(|(i, swap)| if swap { (n + i, i) } else { (i, n + i) }).unzip()
        };
        let every = (n < 64 && (n as f64).exp2() <= self.resamples as f64).then(|| 1_u64 << n);
        let drawn = |rng: &mut TrialRng| {
            let swaps: Vec<bool> = (0..n).map(|_| rng.index(2) == 1).collect();
            swapped(&|i| swaps[i])
        };
        let numbered = |number: u64| swapped(&|i| number >> i & 1 == 1);
        self.test(first, second, alternative, statistic, (every, &numbered), drawn)
    }

    /// Whether two values of each trial have to do with each other, by a statistic of both lists, such as their correlation: each exchange
    /// gives the second values to the first anew.
    ///
    /// ```
    /// use psychrnn::analysis::{Alternative, Permutation};
    /// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.1, 3.9, 6.2, 8.0]);
    /// let slope = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum();
    /// let test = Permutation::default().association(&x, &y, Alternative::Greater, slope)?;
    /// assert!(test.exact && (test.p - 1.0 / 24.0).abs() < 1e-12);
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the lists differ in length or are empty, if `resamples` is 0, or if a statistic is not finite.
    pub fn association<T: Clone + Sync>(
        &self,
        first: &[T],
        second: &[T],
        alternative: Alternative,
        statistic: impl Fn(&[T], &[T]) -> f64 + Sync,
    ) -> Result<PermutationTest> {
        let n = check_alike(first, second, "n_trials")?;
        let orders = (1..=n).fold(1.0, |orders, i| orders * i as f64);
        let every = (orders <= self.resamples as f64).then_some(orders as u64);
        // Of each that is left the one at a place: by chance, or by the digits of a number.
        let ordered = |place: &mut dyn FnMut(usize) -> usize| -> Split {
            let mut left: Vec<usize> = (n..2 * n).collect();
            ((0..n).collect(), (0..n).map(|i| left.remove(place(n - i))).collect())
        };
        let numbered = |number: u64| {
            let mut rest = number as usize;
            ordered(&mut |left| {
                let place = rest % left;
                rest /= left;
                place
            })
        };
        let drawn = |rng: &mut TrialRng| {
            let mut order: Vec<usize> = (n..2 * n).collect();
            (1..n).rev().for_each(|i| order.swap(i, rng.index(i + 1)));
            ((0..n).collect(), order)
        };
        self.test(first, second, alternative, statistic, (every, &numbered), drawn)
    }

    fn test<T: Clone + Sync>(
        &self,
        first: &[T],
        second: &[T],
        alternative: Alternative,
        statistic: impl Fn(&[T], &[T]) -> f64 + Sync,
        (every, numbered): (Option<u64>, &(dyn Fn(u64) -> Split + Sync)),
        drawn: impl Fn(&mut TrialRng) -> Split + Sync,
    ) -> Result<PermutationTest> {
        let observed = finite(statistic(first, second))?;
        let all = [first, second].concat();
        let of = |(first, second): Split| {
            let take = |places: Vec<usize>| places.into_iter().map(|place| all[place].clone()).collect::<Vec<T>>();
            finite(statistic(&take(first), &take(second)))
        };
        let exact = every.is_some();
        let found = match every {
            Some(n) => threads::map((0..n).collect(), |number| of(numbered(number)))?,
            None => draw(self.resamples, self.seed.child("permutation"), |rng| of(drawn(rng)))?,
        };
        // What differs by rounding, since its values were added up in another order, is the same.
        let hair = 1e-12 * found.iter().fold(observed.abs(), |most, value| most.max(value.abs()));
        let share = |far: &dyn Fn(f64) -> bool| {
            let n = found.iter().filter(|&&value| far(value)).count();
            if exact { n as f64 / found.len() as f64 } else { (n + 1) as f64 / (found.len() + 1) as f64 }
        };
        let (at_most, at_least) = (share(&|value| value <= observed + hair), share(&|value| value >= observed - hair));
        Ok(PermutationTest {
            statistic: observed,
            p: alternative.p(at_most, at_least),
            exchanges: found.len(),
            exact,
            interrupted: !exact && found.len() < self.resamples,
        })
    }
}

fn check_samples<T>(first: &[T], second: &[T]) -> Result<()> {
    for (name, n) in [("first", first.len()), ("second", second.len())] {
        if n == 0 {
            return Err(Error::argument(name, "at least one value", "empty"));
        }
    }
    Ok(())
}

/// How many there are of each, if there are as many of the one as of the other.
fn check_alike<T>(first: &[T], second: &[T], n: &str) -> Result<usize> {
    check_samples(first, second)?;
    match first.len() == second.len() {
        true => Ok(first.len()),
        false => Err(Error::shape("second", format!("[{n} = {}], as `first`", first.len()), &[second.len()])),
    }
}

/// In how many ways `k` of `n` can be taken.
fn ways(n: usize, k: usize) -> f64 {
    (0..k.min(n - k)).fold(1.0, |ways, i| ways * (n - i) as f64 / (i + 1) as f64)
}

/// One of the ways to take `k` of `n`, by its number, and what is left.
fn split(number: u64, n: usize, k: usize) -> Split {
    let (mut taken, mut left, mut number) = (Vec::with_capacity(k), Vec::with_capacity(n - k), number as f64);
    for i in 0..n {
        let wanted = k - taken.len();
        let with = if wanted == 0 { 0.0 } else { ways(n - i - 1, wanted - 1) };
        if number < with {
            taken.push(i);
        } else {
            number -= with;
            left.push(i);
        }
    }
    (taken, left)
}
