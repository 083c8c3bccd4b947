//! What the subject saw, as predictors of its choices.

use ndarray::{Array2, Axis};

use crate::simulate::Session;
use crate::{Error, Result};

impl Session {
    /// The evidence in each of `n` equally long stretches of an epoch `[n_trials, n]`: the mean of the input `plus` less that of the input
    /// `minus` over its steps, noise among it, as the subject saw it. NaN in a trial without the epoch, or in which a stretch has no step.
    ///
    /// Regressed on choices it says when evidence counts, which is called a regression kernel, or a psychophysical one:
    ///
    /// ```no_run
    /// use psychrnn::prelude::*;
    /// use psychrnn::analysis::LogisticRegression;
    /// use psychrnn::tasks::PulseAccumulation;
    /// let session = Simulator::load("weights.npz")?.run(&PulseAccumulation::default().batch(5000, Seed(2))?)?;
    /// let evidence = session.evidence("stimulus", 2, 1, 4)?;
    /// let right: Vec<Option<bool>> = session.choices.iter().map(|choice| choice.filter(|&c| c > 0).map(|c| c == 2)).collect();
    /// let kernel = LogisticRegression::default().fit(&["1st", "2nd", "3rd", "4th"], &evidence, &right)?;
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If no trial has that epoch, if there are no such inputs, or if `n` is 0.
    pub fn evidence(&self, epoch: &str, plus: usize, minus: usize, n: usize) -> Result<Array2<f64>> {
        self.batch.starts(epoch)?;
        let n_in = self.batch.spec.n_in;
        for (name, input) in [("plus", plus), ("minus", minus)] {
            if input >= n_in {
                let expected = format!("one of the inputs, of which there are {n_in}, counted from 0");
                return Err(Error::argument(name, expected, input));
            }
        }
        if n == 0 {
            return Err(Error::argument("n", "at least 1", 0));
        }
        let mut evidence = Array2::from_elem((self.n_trials(), n), f64::NAN);
        for (trial, mut row) in evidence.outer_iter_mut().enumerate() {
            let Some(steps) = self.batch.steps_of(trial, epoch) else { continue };
            let inputs = self.batch.inputs.index_axis(Axis(0), trial);
            for (k, mean) in row.iter_mut().enumerate() {
                let end = |k: usize| steps.start + steps.len() * k / n;
                let stretch = end(k)..end(k + 1);
                let sum: f64 = stretch
                    .clone()
                    .map(|step| f64::from(inputs[[step, plus]]) - f64::from(inputs[[step, minus]]))
                    .sum();
                *mean = sum / stretch.len() as f64;
            }
        }
        Ok(evidence)
    }
}
