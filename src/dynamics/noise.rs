//! Recurrent noise, addressed by trial and step.

use ndarray::{Array3, Axis};
use rand::RngCore;

use crate::random::Seed;
use crate::{Result, threads};

/// Unit Gaussian noise `[n_batch, n_steps, n_rec]`. The row of a trial depends only on the seed and on the trial's
/// number, that of a step besides only on the step: a longer trial, another batch or more threads change nothing.
pub(crate) fn standard_normal(seed: Seed, numbers: &[u64], n_steps: usize, n_rec: usize) -> Result<Array3<f32>> {
    let mut noise = Array3::zeros((numbers.len(), n_steps, n_rec));
    let seed = seed.child("recurrent noise");
    let trials: Vec<_> = numbers.iter().copied().zip(noise.axis_iter_mut(Axis(0))).collect();
    threads::map(trials, |(number, mut trial)| {
        let mut rng = seed.stream(number);
        for mut step in trial.rows_mut() {
            // Box-Muller takes the same number of draws for every step, so that steps can be addressed.
            for mut pair in step.exact_chunks_mut(2) {
                let (a, b) = gaussian_pair(&mut rng);
                (pair[0], pair[1]) = (a, b);
            }
            if n_rec % 2 == 1 {
                step[n_rec - 1] = gaussian_pair(&mut rng).0;
            }
        }
        Ok(())
    })?;
    Ok(noise)
}

fn gaussian_pair(rng: &mut impl RngCore) -> (f32, f32) {
    let unit = 1.0 / (1_u64 << 24) as f32;
    let radius = (-2.0 * (((rng.next_u32() >> 8) + 1) as f32 * unit).ln()).sqrt();
    let (sin, cos) = (std::f32::consts::TAU * ((rng.next_u32() >> 8) as f32 * unit)).sin_cos();
    (radius * cos, radius * sin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::with_threads;
    use ndarray::s;

    #[test]
    fn noise_is_gaussian_and_addressed_by_trial_and_step() {
        let noise = standard_normal(Seed(1), &[0, 1, 2, 3], 500, 51).unwrap();
        let n = noise.len() as f64;
        let moment = |k: i32| noise.iter().map(|&x| f64::from(x).powi(k)).sum::<f64>() / n;
        assert!(moment(1).abs() < 0.02 && (moment(2) - 1.0).abs() < 0.02);
        assert!(moment(3).abs() < 0.05 && (moment(4) - 3.0).abs() < 0.1);

        let part = with_threads(3, || standard_normal(Seed(1), &[2, 7], 20, 51)).unwrap();
        assert_eq!(part.slice(s![0, .., ..]), noise.slice(s![2, ..20, ..]));
        assert_ne!(part.slice(s![1, .., ..]), noise.slice(s![2, ..20, ..]));
        assert_ne!(standard_normal(Seed(2), &[2], 20, 51).unwrap().slice(s![0, .., ..]), part.slice(s![0, .., ..]));
    }
}
