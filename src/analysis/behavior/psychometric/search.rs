//! The search for the curve that makes counts most likely.

use linfa_linalg::cholesky::InverseC;
use ndarray::Array2;

use super::curve::{Curve, Parameters, Psi, weighted_log};
use super::fit::{Estimate, LikelihoodRatio, PsychometricFit};
use super::model::Psychometric;
use crate::analysis::behavior::counts::Counts;
use crate::analysis::statistics::minimize::minimize;
use crate::{Error, Result};

impl Psychometric {
    /// The curve that makes the counts most likely; of a rising and a falling one the likelier, and the rising one if there is no
    /// difference.
    ///
    /// The threshold is sought from one span of the levels below them to one span above them, the width from a tenth of
    /// the smallest distance between two levels to ten spans (for [`Curve::Weibull`] on a logarithmic axis). What ends
    /// on such a bound says so, see [`Estimate::at_bound`]. So a subject without errors, whose answers change from all
    /// to none between two levels, gets a curve that is steep there, between the two, and the width at its lower bound.
    ///
    /// # Errors
    /// If there are fewer than two levels (above 0 for [`Curve::Weibull`]) and neither threshold nor width is known, if all
    /// answers are the same and the threshold is not known, if a level is negative for [`Curve::Weibull`], if a known
    /// threshold or width makes no sense, or if a rate is not between 0 and 1, both are 1 or more together, or each is tied to
    /// the other.
    pub fn fit(&self, counts: &Counts) -> Result<PsychometricFit> {
        let bounds = self.bounds(counts)?;
        let (hits, trials): (usize, usize) = (counts.hits.iter().sum(), counts.trials.iter().sum());
        if self.threshold.is_none() && (hits == 0 || hits == trials) {
            let got = format!("the same in all {trials} trials");
            return Err(Error::argument("hits", "hits and misses, or there is no threshold", got));
        }
        // What the search for the best curve leaves over is no difference.
        const SAME: f64 = 1e-6;
        let along = |falling| self.fit_along(counts, &bounds, Psi { curve: self.curve, falling });
        if let Some(falling) = self.falling {
            return along(falling);
        }
        let (rising, falling) = (along(false)?, along(true)?);
        Ok(if falling.log_likelihood > rising.log_likelihood + SAME { falling } else { rising })
    }

    fn fit_along(&self, counts: &Counts, bounds: &[(f64, f64); 4], psi: Psi) -> Result<PsychometricFit> {
        let sought = self.free(bounds);
        let within: Vec<_> = sought.iter().map(|&i| bounds[i]).collect();
        let lows = bounds.map(|(low, _)| low);
        let place = |found: &[f64]| {
            let mut at = lows;
            sought.iter().zip(found).for_each(|(&i, &found)| at[i] = found);
            at
        };
        let cost = |at: &[f64]| -psi.log_likelihood(counts, self.parameters(place(at)));
        let mut best = (f64::INFINITY, lows);
        let starts = if sought.is_empty() { Vec::new() } else { self.starts(counts, bounds, psi) };
        let climb = |start: [f64; 4], best: &mut (f64, [f64; 4])| -> Result<()> {
            let from: Vec<_> = sought.iter().map(|&i| start[i]).collect();
            let found = minimize(&within, &from, cost)?;
            let least = cost(&found);
            if least < best.0 {
                *best = (least, place(&found));
            }
            Ok(())
        };
        for start in starts {
            climb(start, &mut best)?;
        }
        // Errors at one end of the levels can be told by the one rate or by the other with another width: a summit for each.
        if sought.ends_with(&[2, 3]) {
            let share = |i: usize, share: f64| bounds[i].0 + (bounds[i].1 - bounds[i].0) * share;
            for (guess, lapse) in [(0.05, 0.95), (0.95, 0.05)] {
                let [threshold, width, ..] = best.1;
                climb([threshold, width, share(2, guess), share(3, lapse)], &mut best)?;
            }
        }
        let mut at = best.1;
        let mut at_bound = [false; 4];
        for i in sought {
            let (low, high) = bounds[i];
            let nearer = if at[i] - low < high - at[i] { low } else { high };
            if (at[i] - nearer).abs() < 1e-4 * (high - low) {
                (at[i], at_bound[i]) = (nearer, true);
            }
        }
        if let Some((tied, to)) = self.tied() {
            at_bound[tied] = at_bound[to];
        }
        Ok(self.fitted(counts, psi, self.parameters(at), at_bound, self.free(bounds)))
    }

    /// Whether two sets of counts, of two networks or of one before and after training, come from one curve: the
    /// likelihood ratio of a curve for each against one curve for both. Its statistic, twice the difference of the
    /// log-likelihoods, is about a chi-square with as many degrees of freedom as there are free parameters; where a
    /// rate ends on a bound, `p` is on the safe side.
    ///
    /// The trials must be different ones. The same trials, answered by an intact and by a lesioned network, are pairs:
    /// [`mcnemar`](crate::analysis::mcnemar).
    ///
    /// # Errors
    /// As [`Psychometric::fit`], of each set and of both together; if no parameter is free.
    pub fn compare(&self, first: &Counts, second: &Counts) -> Result<LikelihoodRatio> {
        let apart = [self.fit(first)?, self.fit(second)?];
        let together = self.fit(&first.joined(second)?)?;
        let log_likelihood = apart.iter().map(|fit| fit.log_likelihood).sum();
        LikelihoodRatio::new((log_likelihood, 2 * together.n_free), (together.log_likelihood, together.n_free))
    }

    /// The parameters that are found from the counts.
    fn free(&self, bounds: &[(f64, f64); 4]) -> Vec<usize> {
        let tied = self.tied().map(|(tied, _)| tied);
        (0..4).filter(|&i| bounds[i].0 < bounds[i].1 && tied != Some(i)).collect()
    }

    /// Where to look: the place of the threshold and the logarithm of the width on the axis of [`Curve::place`], and
    /// the rates. What is known has one place.
    fn bounds(&self, counts: &Counts) -> Result<[(f64, f64); 4]> {
        let (Some(guess), Some(lapse)) = (self.guess.bounds(self.lapse), self.lapse.bounds(self.guess)) else {
            return Err(Error::argument(
                "guess",
                "a number or Rate::UpTo where the lapse rate is tied to it",
                "tied too",
            ));
        };
        for (name, (low, high)) in [("guess", guess), ("lapse", lapse)] {
            if !(low >= 0.0 && low <= high && high < 1.0) {
                return Err(Error::argument(name, "0 or more and below 1", if low == 0.0 { high } else { low }));
            }
        }
        if guess.1 + lapse.1 >= 1.0 {
            return Err(Error::argument("guess + lapse", "below 1", guess.1 + lapse.1));
        }
        let weibull = self.curve == Curve::Weibull;
        if weibull && counts.levels.iter().any(|&level| level < 0.0) {
            let negative = counts.levels.iter().copied().fold(f64::INFINITY, f64::min);
            return Err(Error::argument("levels", "0 or more for a Weibull curve", negative));
        }
        if let Some(threshold) = self.threshold
            && !(threshold.is_finite() && (threshold > 0.0 || !weibull))
        {
            let expected = if weibull { "a number above 0 for a Weibull curve" } else { "a number" };
            return Err(Error::argument("threshold", expected, threshold));
        }
        if let Some(width) = self.width
            && !(width.is_finite() && width > 0.0)
        {
            return Err(Error::argument("width", "above 0, for falling curves too", width));
        }
        let known = self.threshold.into_iter();
        let mut places: Vec<f64> = counts.levels.iter().copied().chain(known).map(|x| self.curve.place(x)).collect();
        places.retain(|place| place.is_finite());
        places.sort_by(f64::total_cmp);
        let (first, last) = (places.first().copied().unwrap_or(0.0), places.last().copied().unwrap_or(0.0));
        let across = self.width.map(|width| if weibull { 1.0 / width } else { width });
        let span = last - first;
        if places.is_empty() || !(span > 0.0 && span.is_finite() || across.is_some()) {
            let expected = match weibull {
                true => "at least two above 0 for a Weibull curve, unless threshold and width are known",
                false => "at least two, unless threshold and width are known",
            };
            return Err(Error::argument("levels", expected, format!("{:?}", counts.levels)));
        }
        // A wide curve may have its threshold far from the levels.
        let reach = span.max(5.0 * across.unwrap_or(0.0));
        let threshold = match self.threshold.map(|threshold| self.curve.place(threshold)) {
            Some(place) => (place, place),
            None => (first - reach, last + reach),
        };
        let closest =
            places.windows(2).map(|pair| pair[1] - pair[0]).filter(|&d| d > 0.0).fold(f64::INFINITY, f64::min);
        let width = match across.map(f64::ln) {
            Some(width) => (width, width),
            None => ((closest / 10.0).ln(), (10.0 * span).ln()),
        };
        Ok([threshold, width, guess, lapse])
    }

    /// The highest summits on a coarse grid of thresholds and widths, since the likelihood can have more than one, and the highest
    /// places of some widths: all curves that are steep between two levels are equally likely, a plateau on which no summit beside it
    /// is seen.
    fn starts(&self, counts: &Counts, bounds: &[(f64, f64); 4], psi: Psi) -> Vec<[f64; 4]> {
        const MOST: usize = 4;
        // In log-likelihood: the grid is not so coarse that a summit is hidden by more.
        const NEAR: f64 = 10.0;
        let along = |(low, high): (f64, f64), share: f64| low + (high - low) * share;
        let axis = |i: usize, n: u8, first: f64, step: f64| -> Vec<f64> {
            let n = if bounds[i].0 < bounds[i].1 { n } else { 1 };
            (0..n).map(|place| along(bounds[i], first + step * f64::from(place))).collect()
        };
        let (thresholds, widths) = (axis(0, 13, 0.2, 0.05), axis(1, 9, 0.02, 0.12));
        let grid = Array2::from_shape_fn((thresholds.len(), widths.len()), |(threshold, width)| {
            let with = |rates: f64| {
                let at = [thresholds[threshold], widths[width], along(bounds[2], rates), along(bounds[3], rates)];
                (psi.log_likelihood(counts, self.parameters(at)), at)
            };
            let (few, many) = (with(0.1), with(0.5));
            if many.0 > few.0 { many } else { few }
        });
        let higher = |(i, j): (usize, usize), height: f64| {
            let near = |at: usize, n: usize| at.saturating_sub(1)..(at + 2).min(n);
            let mut around = near(i, thresholds.len()).flat_map(|k| near(j, widths.len()).map(move |l| (k, l)));
            // Of a plateau the first one counts.
            around.any(|at| grid[at].0 > height || grid[at].0 == height && at < (i, j))
        };
        let mut summits: Vec<(f64, [f64; 4])> =
            grid.indexed_iter().filter(|&(at, &(height, _))| !higher(at, height)).map(|(_, &summit)| summit).collect();
        summits.sort_by(|a, b| b.0.total_cmp(&a.0));
        summits.truncate(MOST);
        // The narrowest are steep between any two levels.
        let of_width = |column: ndarray::ArrayView1<'_, (f64, [f64; 4])>| {
            column.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0))
        };
        for start in grid.columns().into_iter().skip(3).filter_map(of_width) {
            if start.0 > summits[0].0 - NEAR && !summits.contains(&start) {
                summits.push(start);
            }
        }
        summits.into_iter().map(|(_, at)| at).collect()
    }

    /// Threshold, width and rates of a place within the bounds.
    fn parameters(&self, at: [f64; 4]) -> Parameters {
        let width = if self.curve == Curve::Weibull { (-at[1]).exp() } else { at[1].exp() };
        let threshold = self.threshold.unwrap_or_else(|| self.curve.level(at[0]));
        self.with_ties([threshold, self.width.unwrap_or(width), at[2], at[3]])
    }

    /// The covariance of the parameters that are free and on no bound, `[4, 4]` with zeros for the others: the inverse
    /// of the Hessian of the negative log-likelihood, by central differences. A tied rate varies as the other does. `None` if
    /// nothing is free, or if the likelihood has no proper summit there: one so flat in some direction that a parameter is 100 times
    /// less sure than if all others were known is lost in rounding.
    fn covariance(&self, counts: &Counts, psi: Psi, parameters: Parameters, free: &[usize]) -> Option<Array2<f64>> {
        let [threshold, width, guess, lapse] = parameters;
        let across = if self.curve == Curve::Weibull { threshold / width } else { width };
        let steps = [1e-4 * across, 1e-4 * width, (1e-4_f64).min(0.003 * guess), (1e-4_f64).min(0.003 * lapse)];
        let at = |moves: &[(usize, f64)]| {
            let mut moved = parameters;
            moves.iter().for_each(|&(i, steps_of)| moved[i] += steps_of * steps[i]);
            psi.log_likelihood(counts, self.with_ties(moved))
        };
        let here = at(&[]);
        let hessian = Array2::from_shape_fn((free.len(), free.len()), |(row, column)| {
            let (i, j) = (free[row], free[column]);
            let bend = if i == j {
                at(&[(i, 1.0)]) + at(&[(i, -1.0)]) - 2.0 * here
            } else {
                let corner = |a, b| at(&[(i, a), (j, b)]);
                (corner(1.0, 1.0) + corner(-1.0, -1.0) - corner(1.0, -1.0) - corner(-1.0, 1.0)) / 4.0
            };
            -bend / (steps[i] * steps[j])
        });
        if free.is_empty() {
            return None;
        }
        const FLAT: f64 = 1e4;
        let inverse = hessian.invc().ok()?;
        let told = hessian.diag().iter().zip(inverse.diag()).all(|(&bend, &variance)| bend * variance <= FLAT);
        if !told {
            return None;
        }
        let source = |i: usize| match self.tied() {
            Some((tied, to)) if tied == i => to,
            _ => i,
        };
        let place = |i: usize| free.iter().position(|&free| free == source(i));
        Some(Array2::from_shape_fn((4, 4), |(i, j)| match (place(i), place(j)) {
            (Some(row), Some(column)) => inverse[[row, column]],
            _ => 0.0,
        }))
    }

    fn fitted(
        &self,
        counts: &Counts,
        psi: Psi,
        parameters: Parameters,
        at_bound: [bool; 4],
        free: Vec<usize>,
    ) -> PsychometricFit {
        let n_free = free.len();
        let inside: Vec<usize> = free.into_iter().filter(|&i| !at_bound[i]).collect();
        let covariance = self.covariance(counts, psi, parameters, &inside);
        let [threshold, width, guess, lapse] = std::array::from_fn(|i| Estimate {
            value: parameters[i],
            se: covariance.as_ref().map(|covariance| covariance[[i, i]].sqrt()).filter(|&se| se > 0.0),
            at_bound: at_bound[i],
        });
        let log_likelihood = psi.log_likelihood(counts, parameters);
        let mut fit = PsychometricFit {
            model: *self,
            counts: counts.clone(),
            falling: psi.falling,
            threshold,
            width,
            guess,
            lapse,
            slope: Estimate { value: f64::NAN, se: None, at_bound: false },
            covariance,
            log_likelihood,
            deviance: deviance(counts, log_likelihood),
            n_free,
            dof: counts.levels.len().saturating_sub(n_free),
        };
        fit.slope = fit.derived(|parameters| psi.slope(0.0, parameters));
        fit
    }
}

/// Twice the difference between the log-likelihood of the shares themselves and this one.
fn deviance(counts: &Counts, log_likelihood: f64) -> f64 {
    let saturated: f64 = counts
        .shares()
        .into_iter()
        .zip(counts.trials.iter().zip(&counts.hits))
        .map(|(share, (&trials, &hits))| {
            weighted_log(hits as f64, share) + weighted_log(trials as f64 - hits as f64, 1.0 - share)
        })
        .sum();
    (2.0 * (saturated - log_likelihood)).max(0.0)
}
