//! Recurrent noise, addressed by trial, step and unit.
//!
//! The generator is Philox4x32-10: a function of a counter and a key, so that any step of any trial can be drawn by itself,
//! whole vectors at a time. Salmon JK, Moraes MA, Dror RO, Shaw DE (2011), doi:10.1145/2063384.2063405.

use std::sync::Arc;

use ndarray::{Array2, Array3};
use pulp::{Simd, WithSimd};
use serde::{Deserialize, Serialize};

use super::lanes::{BatchMajor, Block, Pool, Spare, Steps, dispatch};
use super::math;
use crate::random::{Seed, root};
use crate::{Error, Result, threads};

/// The noise of units that do not all have the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitNoise {
    /// The standard deviation `σ` of each unit `[n_rec]`.
    PerUnit(Vec<f32>),
    /// Noise that units share.
    Covariance(Covariance),
}

/// The covariance of noise that units share, `[n_rec, n_rec]`.
///
/// It may be singular: units may share all of their noise.
///
/// ```
/// use ndarray::arr2;
/// use psychrnn::dynamics::Covariance;
/// assert!(Covariance::new(arr2(&[[0.04, 0.02], [0.02, 0.04]])).is_ok());
/// assert!(Covariance::new(arr2(&[[0.04, 0.05], [0.05, 0.04]])).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Array2<f32>", into = "Array2<f32>")]
pub struct Covariance {
    matrix: Arc<Array2<f32>>,
    /// `R` with `R Rᵀ` the covariance, found once, since a network is made anew in each update.
    root: Arc<Array2<f32>>,
}

impl Covariance {
    /// This covariance.
    ///
    /// # Errors
    /// If the matrix is not symmetric, or has a negative variance in some direction.
    pub fn new(matrix: Array2<f32>) -> Result<Self> {
        let root = Arc::new(root("covariance of the noise", &matrix)?);
        Ok(Self { matrix: Arc::new(matrix), root })
    }

    /// The matrix.
    #[must_use]
    pub fn matrix(&self) -> &Array2<f32> {
        &self.matrix
    }

    /// A matrix `R` with `R Rᵀ` the covariance.
    #[cfg(feature = "torch")]
    pub(crate) fn root(&self) -> &Array2<f32> {
        &self.root
    }
}

impl TryFrom<Array2<f32>> for Covariance {
    type Error = Error;
    fn try_from(matrix: Array2<f32>) -> Result<Self> {
        Self::new(matrix)
    }
}

impl From<Covariance> for Array2<f32> {
    fn from(covariance: Covariance) -> Self {
        covariance.matrix.as_ref().clone()
    }
}

/// The unit Gaussian noise of a run.
pub(crate) enum Noise {
    /// There is none.
    Off,
    /// It is given, `[n_batch, n_steps, n_rec]`.
    Given(Array3<f32>),
    /// It is drawn for the trials with these numbers. What a unit gets at a step depends only on the seed, on the number of
    /// the trial, on the step and on the unit: a longer trial, another batch or more threads change nothing. The run begins with
    /// the step `first` of these trials.
    Drawn { seed: Seed, numbers: Vec<u64>, first: usize },
}

impl Noise {
    /// The shape of what is given.
    pub(in crate::dynamics) fn shape(&self) -> Option<&[usize]> {
        match self {
            Self::Given(noise) => Some(noise.shape()),
            Self::Off | Self::Drawn { .. } => None,
        }
    }

    /// The same noise mixed by a covariance: drawn for all steps at once, since a product a step is slower.
    pub(in crate::dynamics) fn mixed(self, covariance: &Covariance, n_steps: usize) -> Self {
        let mut noise = match self {
            Self::Off => return Self::Off,
            Self::Given(noise) => noise,
            Self::Drawn { seed, numbers, first } => {
                standard_normal_from(first, seed, &numbers, n_steps, covariance.root.nrows())
            }
        };
        // Trial by trial, so that the numbers of a trial do not depend on the batch. Nothing in it can fail.
        let _ = threads::map(noise.outer_iter_mut().collect(), |mut trial| {
            let mixed = trial.dot(&covariance.root.t());
            trial.assign(&mixed);
            Ok(())
        });
        Self::Given(noise)
    }

    /// Writes the noise of step `t` into the one step of `to`; false if there is none.
    #[inline(always)]
    pub(in crate::dynamics) fn fill<S: Simd>(&self, simd: S, block: &Block, t: usize, to: &mut Steps) -> bool {
        match self {
            Self::Off => return false,
            Self::Given(noise) => to.gather(0, 0, &BatchMajor::new(&noise.view()), t, block, Spare::Zero),
            Self::Drawn { seed, numbers, first } => {
                Simd::vectorize(simd, Draw { key: key(*seed), numbers, block, t: first + t, to });
            }
        }
        true
    }
}

fn key(seed: Seed) -> u64 {
    seed.child("recurrent noise").0
}

/// Unit Gaussian noise `[n_batch, n_steps, n_rec]`, the same numbers that a run draws for itself for the trials with these
/// numbers.
#[must_use]
pub fn standard_normal(seed: Seed, numbers: &[u64], n_steps: usize, n_rec: usize) -> Array3<f32> {
    standard_normal_from(0, seed, numbers, n_steps, n_rec)
}

/// As [`standard_normal`], of so many steps from `first` on.
pub(crate) fn standard_normal_from(
    first: usize,
    seed: Seed,
    numbers: &[u64],
    n_steps: usize,
    n_rec: usize,
) -> Array3<f32> {
    let mut noise = Array3::zeros((numbers.len(), n_steps, n_rec));
    let key = key(seed);
    let blocks = Block::partition(numbers.len());
    let size = blocks.first().map_or(1, Block::lanes) * n_steps * n_rec;
    let parts = noise.as_slice_mut().unwrap_or_default().chunks_mut(size.max(1));
    // Nothing in it can fail.
    let _ = threads::map(blocks.into_iter().zip(parts).collect(), |(block, part)| {
        let mut step = Steps::unwritten(&Pool::default(), &block, 1, n_rec);
        for t in 0..n_steps {
            dispatch(Draw { key, numbers, block: &block, t: first + t, to: &mut step });
            step.scatter(0, n_rec, None, part, n_steps, t);
        }
        Ok(())
    });
    noise
}

/// Draws one step of a block.
struct Draw<'a> {
    key: u64,
    /// The numbers of all trials of the batch.
    numbers: &'a [u64],
    block: &'a Block,
    t: usize,
    to: &'a mut Steps,
}

impl WithSimd for Draw<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let key = [self.key as u32, (self.key >> 32) as u32];
        for v in 0..self.block.vectors {
            let (mut low, mut high) = (simd.splat_u32s(0), simd.splat_u32s(0));
            let lanes = S::as_mut_simd_u32s;
            let (mut low_lanes, mut high_lanes) = ([0; 64], [0; 64]);
            for lane in 0..S::F32_LANES {
                let trial = self.block.trials.start + v * S::F32_LANES + lane;
                let number = self.numbers[trial.min(self.block.trials.end - 1)];
                (low_lanes[lane], high_lanes[lane]) = (number as u32, (number >> 32) as u32);
            }
            if let (Some(first), Some(second)) = (lanes(&mut low_lanes).0.first(), lanes(&mut high_lanes).0.first()) {
                (low, high) = (*first, *second);
            }
            let step = simd.splat_u32s(self.t as u32);
            for (i, units) in self.to.slab_mut::<S>(0, v).chunks_mut(4).enumerate() {
                let bits = philox(simd, [simd.splat_u32s(i as u32), step, low, high], key);
                let (a, b) = gaussian_pair(simd, bits[0], bits[1]);
                let (c, d) = gaussian_pair(simd, bits[2], bits[3]);
                for (unit, number) in units.iter_mut().zip([a, b, c, d]) {
                    *unit = number;
                }
            }
        }
    }
}

/// Ten rounds of Philox.
#[inline(always)]
fn philox<S: Simd>(simd: S, mut counter: [S::u32s; 4], mut key: [u32; 2]) -> [S::u32s; 4] {
    for _ in 0..10 {
        let [a, b, c, d] = counter;
        let (low_a, high_a) = simd.widening_mul_u32s(a, simd.splat_u32s(0xd251_1f53));
        let (low_c, high_c) = simd.widening_mul_u32s(c, simd.splat_u32s(0xcd9e_8d57));
        counter = [
            simd.xor_u32s(simd.xor_u32s(high_c, b), simd.splat_u32s(key[0])),
            low_c,
            simd.xor_u32s(simd.xor_u32s(high_a, d), simd.splat_u32s(key[1])),
            low_a,
        ];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    counter
}

/// 23 random bits as the fraction of a number in [1, 2).
#[inline(always)]
fn between_one_and_two<S: Simd>(simd: S, bits: S::u32s) -> S::f32s {
    let one = simd.transmute_u32s_f32s(simd.splat_f32s(1.0));
    simd.transmute_f32s_u32s(simd.or_u32s(math::shift_right(simd, bits, 9), one))
}

/// Two independent Gaussian numbers from 32 random bits each. Box GEP, Muller ME (1958), doi:10.1214/aoms/1177706645.
#[inline(always)]
fn gaussian_pair<S: Simd>(simd: S, a: S::u32s, b: S::u32s) -> (S::f32s, S::f32s) {
    let uniform = simd.sub_f32s(simd.splat_f32s(2.0), between_one_and_two(simd, a));
    let radius = simd.sqrt_f32s(simd.mul_f32s(simd.splat_f32s(-2.0), math::ln(simd, uniform)));
    // A quarter of the circle around 0; two more bits say which quarter.
    let turn = simd.sub_f32s(between_one_and_two(simd, b), simd.splat_f32s(1.5));
    let (sin, cos) = math::sin_cos_quarter(simd, simd.mul_f32s(turn, simd.splat_f32s(std::f32::consts::FRAC_PI_2)));
    let sign = simd.and_u32s(math::shift_left(simd, b, 31), simd.splat_u32s(1 << 31));
    let cos = simd.transmute_f32s_u32s(simd.xor_u32s(simd.transmute_u32s_f32s(cos), sign));
    let (x, y) = (simd.mul_f32s(radius, cos), simd.mul_f32s(radius, sin));
    let swap = simd.equal_u32s(simd.and_u32s(b, simd.splat_u32s(2)), simd.splat_u32s(0));
    (simd.select_f32s(swap, x, y), simd.select_f32s(swap, y, x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::with_threads;
    use ndarray::{Axis, s};
    use pulp::Scalar;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        let known = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in known {
            assert_eq!(philox(Scalar, counter, key), expected);
        }
    }

    #[test]
    fn noise_is_gaussian_and_addressed_by_trial_and_step() {
        let noise = standard_normal(Seed(1), &[0, 1, 2, 3], 500, 51);
        let n = noise.len() as f64;
        let moment = |k: i32| noise.iter().map(|&x| f64::from(x).powi(k)).sum::<f64>() / n;
        assert!(moment(1).abs() < 0.02 && (moment(2) - 1.0).abs() < 0.02);
        assert!(moment(3).abs() < 0.05 && (moment(4) - 3.0).abs() < 0.1);
        // Neighbouring units, which share a radius, neighbouring steps and neighbouring trials are not correlated.
        for axis in 0..3 {
            let product = &noise.slice_axis(Axis(axis), (1..).into()) * &noise.slice_axis(Axis(axis), (..-1).into());
            assert!(product.mean().unwrap().abs() < 0.02, "{axis}");
        }
        // All directions of a pair are equally likely: the fourth harmonic sees the quarters.
        for harmonic in [1.0, 2.0, 4.0, 8.0] {
            let angles = noise.exact_chunks((1, 1, 2)).into_iter().map(|pair| pair[[0, 0, 1]].atan2(pair[[0, 0, 0]]));
            let mean = angles.map(|angle| f64::from(harmonic * angle).cos()).sum::<f64>() / (n / 2.0);
            assert!(mean.abs() < 0.02, "{harmonic}: {mean}");
        }

        let part = with_threads(3, || standard_normal(Seed(1), &[2, 7], 20, 51));
        assert_eq!(part.slice(s![0, .., ..]), noise.slice(s![2, ..20, ..]));
        assert_ne!(part.slice(s![1, .., ..]), noise.slice(s![2, ..20, ..]));
        assert_ne!(standard_normal(Seed(2), &[2], 20, 51).slice(s![0, .., ..]), part.slice(s![0, .., ..]));
    }
}
