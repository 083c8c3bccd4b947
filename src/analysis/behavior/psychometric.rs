//! Psychometric curves: how the share of one answer rises or falls with the level of the stimulus.

use linfa_linalg::cholesky::InverseC;
use ndarray::{Array1, Array2, Axis};
use rand_distr::{Binomial, Distribution};
use serde::{Deserialize, Serialize};

use super::counts::Counts;
use crate::analysis::Bootstrap;
use crate::analysis::statistics::minimize::minimize;
use crate::analysis::statistics::special::{check_confidence, chi_square_above, middle, normal_cdf, normal_quantile};
use crate::random::TrialRng;
use crate::setters::setters;
use crate::task::{Table, Value};
use crate::{Error, Result};

/// The shape of a psychometric curve, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    /// The cumulative Gaussian `F(x) = Φ((x - threshold) / width)`: `F(threshold) = 1/2`, the width is its standard
    /// deviation.
    #[default]
    Gaussian,
    /// The logistic function `F(x) = 1 / (1 + exp(-(x - threshold) / width))`: `F(threshold) = 1/2`.
    Logistic,
    /// The Weibull function `F(x) = 1 - exp(-(x / threshold)^width)` of levels of 0 or more: `F(threshold) = 1 - 1/e`,
    /// which is 82 % correct where the guess rate is 0.5. The width is the exponent, which has no unit: larger is
    /// steeper.
    Weibull,
}

impl Curve {
    /// `F` and `1 - F` at `z`, the distance from the threshold in widths. Both, since one alone rounds the other to 0.
    fn standard(self, z: f64) -> (f64, f64) {
        match self {
            Self::Gaussian => (normal_cdf(z), normal_cdf(-z)),
            Self::Logistic => (1.0 / (1.0 + (-z).exp()), 1.0 / (1.0 + z.exp())),
            Self::Weibull => (-(-z.exp()).exp_m1(), (-z.exp()).exp()),
        }
    }

    /// The distance from the threshold in widths at which `F` is `p`.
    fn quantile(self, p: f64) -> f64 {
        match self {
            Self::Gaussian => normal_quantile(p),
            Self::Logistic => (p / (1.0 - p)).ln(),
            Self::Weibull => (-(-p).ln_1p()).ln(),
        }
    }

    /// A level on the axis on which the curve is only shifted and stretched.
    fn place(self, level: f64) -> f64 {
        if self == Self::Weibull { level.ln() } else { level }
    }

    fn level(self, place: f64) -> f64 {
        if self == Self::Weibull { place.exp() } else { place }
    }

    /// `z` of a level.
    fn distance(self, level: f64, threshold: f64, width: f64) -> f64 {
        match self {
            Self::Weibull => width * (level / threshold).ln(),
            _ => (level - threshold) / width,
        }
    }

    /// The level of a `z`.
    fn level_at(self, z: f64, threshold: f64, width: f64) -> f64 {
        match self {
            Self::Weibull => threshold * (z / width).exp(),
            _ => threshold + z * width,
        }
    }

    /// `dF/dx` at `z`.
    fn slope(self, z: f64, threshold: f64, width: f64) -> f64 {
        match self {
            Self::Gaussian => (-z * z / 2.0).exp() / (width * (2.0 * std::f64::consts::PI).sqrt()),
            Self::Logistic => {
                let (below, above) = self.standard(z);
                below * above / width
            }
            Self::Weibull => (z - z.exp()).exp() * width / self.level_at(z, threshold, width),
        }
    }
}

/// A curve with its direction: `ψ` of any parameters.
#[derive(Clone, Copy)]
struct Psi {
    curve: Curve,
    falling: bool,
}

/// Threshold, width, guess rate and lapse rate.
type Parameters = [f64; 4];

impl Psi {
    /// The probabilities of a hit and of a miss at a level.
    fn probabilities(self, level: f64, [threshold, width, guess, lapse]: Parameters) -> (f64, f64) {
        let (below, above) = self.curve.standard(self.curve.distance(level, threshold, width));
        let (up, down) = if self.falling { (above, below) } else { (below, above) };
        let range = 1.0 - guess - lapse;
        (guess + range * up, lapse + range * down)
    }

    /// `z` where `ψ` is `share`; `None` if it never is.
    fn distance_at(self, share: f64, [_, _, guess, lapse]: Parameters) -> Option<f64> {
        let up = (share - guess) / (1.0 - guess - lapse);
        let p = if self.falling { 1.0 - up } else { up };
        (0.0 < p && p < 1.0).then(|| self.curve.quantile(p))
    }

    /// The level at which `ψ` is `share`; NaN if it never is.
    fn level_at(self, share: f64, parameters: Parameters) -> f64 {
        let [threshold, width, ..] = parameters;
        self.distance_at(share, parameters).map_or(f64::NAN, |z| self.curve.level_at(z, threshold, width))
    }

    /// `dψ/dx` at `z`.
    fn slope(self, z: f64, [threshold, width, guess, lapse]: Parameters) -> f64 {
        let rise = (1.0 - guess - lapse) * self.curve.slope(z, threshold, width);
        if self.falling { -rise } else { rise }
    }

    /// `dψ/dx` where `ψ` is `share`; NaN if it never is.
    fn slope_at(self, share: f64, parameters: Parameters) -> f64 {
        self.distance_at(share, parameters).map_or(f64::NAN, |z| self.slope(z, parameters))
    }

    /// `Σ hits ln ψ + misses ln(1 - ψ)`, without the binomial coefficients, which no parameter changes.
    fn log_likelihood(self, counts: &Counts, parameters: Parameters) -> f64 {
        let mut sum = 0.0;
        for ((&level, &trials), &hits) in counts.levels.iter().zip(&counts.trials).zip(&counts.hits) {
            let (hit, miss) = self.probabilities(level, parameters);
            sum += weighted_log(hits as f64, hit) + weighted_log(trials as f64 - hits as f64, miss);
        }
        sum
    }
}

/// A guess rate or a lapse rate: known, or to be found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// Known; a plain number converts into it.
    Fixed(f64),
    /// To be found, between 0 and this number.
    UpTo(f64),
    /// The same as the other of the two rates, whatever that is: both are one parameter.
    Tied,
}

impl From<f64> for Rate {
    fn from(rate: f64) -> Self {
        Self::Fixed(rate)
    }
}

impl Rate {
    /// Where it is sought, if the other rate is this one.
    fn bounds(self, other: Self) -> Option<(f64, f64)> {
        match (self, other) {
            (Self::Fixed(rate), _) | (Self::Tied, Self::Fixed(rate)) => Some((rate, rate)),
            (Self::UpTo(most), _) | (Self::Tied, Self::UpTo(most)) => Some((0.0, most)),
            (Self::Tied, Self::Tied) => None,
        }
    }
}

/// A psychometric function, to be fitted to counts by maximum likelihood:
///
/// ```text
/// ψ(x) = guess + (1 - guess - lapse) F(x; threshold, width)         rising
/// ψ(x) = guess + (1 - guess - lapse) (1 - F(x; threshold, width))   falling
/// ```
///
/// with the [`Curve`] `F`. The guess rate is the lower end of the curve, the share of hits where they are rarest; the lapse
/// rate is the share of misses at its upper end, where hits are most frequent. So a rising curve leaves the guess rate
/// far below the threshold and comes to the lapse rate far above it, a falling curve the other way round. The width is positive
/// for both; the slope is negative where the curve falls. Wichmann FA, Hill NJ (2001), doi:10.3758/BF03194544.
///
/// Whether the curve rises or falls is found from the counts, see [`PsychometricFit::falling`], unless it is set. Threshold,
/// width and either rate can be fixed, and one rate can be tied to the other ([`Rate::Tied`]): what is not free is not counted
/// among the degrees of freedom.
///
/// Defaults: a cumulative Gaussian, both rates found between 0 and 0.1: made for the share of one of two choices over a
/// stimulus with a sign. For the share of correct choices between two alternatives set `.guess(0.5)`.
///
/// ```
/// use psychrnn::analysis::{Counts, Curve, Psychometric, Rate};
/// let levels = [-0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4];
/// let counts = Counts::new("coherence", &levels, &[100; 7], &[2, 11, 28, 51, 74, 88, 99])?;
/// let fit = Psychometric::default().curve(Curve::Logistic).guess(Rate::UpTo(0.06)).lapse(Rate::Tied).fit(&counts)?;
/// assert!(fit.threshold.value.abs() < 0.02 && fit.guess == fit.lapse);
/// assert!(fit.deviance_p().unwrap() > 0.05);
/// let (low, high) = fit.level_at(0.75)?.interval(0.95)?;
/// assert!(low < 0.11 && 0.11 < high);
/// fit.plot()?; // in a notebook, as the last line of a cell
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Psychometric {
    /// The shape.
    pub curve: Curve,
    /// Whether the share of hits falls along the levels; without it, as the counts say.
    #[serde(default)]
    pub falling: Option<bool>,
    /// The threshold, in units of the levels, if it is known.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// The width, in units of the levels (no unit for [`Curve::Weibull`]), if it is known.
    #[serde(default)]
    pub width: Option<f64>,
    /// The share of hits at the lower end of the curve.
    pub guess: Rate,
    /// The share of misses at the upper end of the curve.
    pub lapse: Rate,
}

impl Default for Psychometric {
    fn default() -> Self {
        Self {
            curve: Curve::default(),
            falling: None,
            threshold: None,
            width: None,
            guess: Rate::UpTo(0.1),
            lapse: Rate::UpTo(0.1),
        }
    }
}

impl Psychometric {
    setters! {
        /// The shape.
        curve: Curve;
        /// Whether the share of hits falls along the levels; `None` to find it from the counts.
        falling: impl Into<Option<bool>> => falling.into();
        /// A threshold that is known, in units of the levels; `None` to find it.
        threshold: impl Into<Option<f64>> => threshold.into();
        /// A width that is known, positive, in units of the levels (no unit for [`Curve::Weibull`]); `None` to find it.
        width: impl Into<Option<f64>> => width.into();
        /// The share of hits at the lower end of the curve: a number, [`Rate::UpTo`] or [`Rate::Tied`].
        guess: impl Into<Rate> => guess.into();
        /// The share of misses at the upper end of the curve: a number, [`Rate::UpTo`] or [`Rate::Tied`].
        lapse: impl Into<Rate> => lapse.into();
    }

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
        for start in starts {
            let from: Vec<_> = sought.iter().map(|&i| start[i]).collect();
            let found = minimize(&within, &from, cost)?;
            let least = cost(&found);
            if least < best.0 {
                best = (least, place(&found));
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

    /// Whether all curves of another model, but for their direction, are among those of this one.
    fn includes(&self, other: &Self) -> bool {
        let known = |own: Option<f64>, other: Option<f64>| own.is_none() || own == other;
        let rate = |own: Rate, other: Rate| match (own, other) {
            (Rate::UpTo(most), Rate::Fixed(rate) | Rate::UpTo(rate)) => rate <= most,
            (Rate::Fixed(_), _) => own == other,
            // Whether the other one's rates are the same is asked below.
            (Rate::UpTo(_), Rate::Tied) | (Rate::Tied, _) => true,
        };
        let tied = other.tied().is_some() || matches!(other.guess, Rate::Fixed(_)) && other.guess == other.lapse;
        known(self.threshold, other.threshold)
            && known(self.width, other.width)
            && rate(self.guess, other.guess)
            && rate(self.lapse, other.lapse)
            && (self.tied().is_none() || tied)
    }

    /// The rate that is tied, and the one that it is tied to.
    fn tied(&self) -> Option<(usize, usize)> {
        match (self.guess, self.lapse) {
            (Rate::Tied, _) => Some((2, 3)),
            (_, Rate::Tied) => Some((3, 2)),
            _ => None,
        }
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

    fn with_ties(&self, mut parameters: Parameters) -> Parameters {
        if let Some((tied, to)) = self.tied() {
            parameters[tied] = parameters[to];
        }
        parameters
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

/// `n ln p`, where none of something impossible is no surprise.
fn weighted_log(n: f64, p: f64) -> f64 {
    if n == 0.0 { 0.0 } else { n * p.max(f64::MIN_POSITIVE).ln() }
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

/// One number of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value at which the counts are most likely.
    #[serde(with = "crate::number")]
    pub value: f64,
    /// The standard error, from the curvature of the log-likelihood. `None` for what was fixed, for what ended
    /// on a bound, and where the likelihood has no proper summit: [`PsychometricFit::bootstrap`] then tells more.
    #[serde(with = "crate::number")]
    pub se: Option<f64>,
    /// Whether it ended on a bound of the search: the counts only tell that it lies there or beyond.
    pub at_bound: bool,
}

impl Estimate {
    /// The interval of this confidence, such as 0.95: as many standard errors to either side as a normal distribution has. For a
    /// rate near 0, and for few trials, take that of [`PsychometricFit::bootstrap`].
    ///
    /// # Errors
    /// If `confidence` is not between 0 and 1, or if there is no standard error.
    pub fn interval(&self, confidence: f64) -> Result<(f64, f64)> {
        check_confidence(confidence)?;
        let Some(se) = self.se else {
            let got = if self.at_bound {
                "at a bound of the search: bootstrap the fit"
            } else {
                "fixed, or not to be told: bootstrap the fit"
            };
            return Err(Error::argument("estimate", "one with a standard error", got));
        };
        let half = normal_quantile((1.0 + confidence) / 2.0) * se;
        Ok((self.value - half, self.value + half))
    }
}

/// A fitted psychometric function, of [`Psychometric::fit`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PsychometricFit {
    /// What was fitted.
    pub model: Psychometric,
    /// The counts to which it was fitted.
    pub counts: Counts,
    /// Whether the curve falls along the levels.
    pub falling: bool,
    /// The threshold, in units of the levels.
    pub threshold: Estimate,
    /// The width, in units of the levels (no unit for [`Curve::Weibull`]); positive for falling curves, too.
    pub width: Estimate,
    /// The guess rate: the lower end of the curve.
    pub guess: Estimate,
    /// The lapse rate: how far the upper end of the curve is from 1.
    pub lapse: Estimate,
    /// The slope `dψ/dx` at the threshold, in shares per unit of the levels, negative for a falling curve; its standard
    /// error follows from those of the others.
    pub slope: Estimate,
    /// The covariance of threshold, width, guess and lapse rate `[4, 4]`, 0 for what is fixed or on a bound; `None` if there are no
    /// standard errors.
    #[serde(with = "crate::number")]
    pub covariance: Option<Array2<f64>>,
    /// The log-likelihood, without the binomial coefficients.
    #[serde(with = "crate::number")]
    pub log_likelihood: f64,
    /// How much worse the curve explains the counts than the shares themselves do:
    /// `2 Σ hits ln(share / ψ) + misses ln((1 - share) / (1 - ψ))`.
    #[serde(with = "crate::number")]
    pub deviance: f64,
    /// How many parameters were free: neither fixed nor tied.
    pub n_free: usize,
    /// The degrees of freedom that are left: levels minus free parameters, 0 if that is negative.
    pub dof: usize,
}

impl PsychometricFit {
    /// `ψ` at a level.
    #[must_use]
    pub fn at(&self, level: f64) -> f64 {
        self.psi().probabilities(level, self.parameters()).0
    }

    /// The level at which `ψ` is `share`, with its standard error, by the delta method: the level at 75 % correct and
    /// its interval are `fit.level_at(0.75)?.interval(0.95)?`.
    ///
    /// # Errors
    /// If `ψ` is nowhere `share`: it lies between the guess rate and 1 - the lapse rate.
    pub fn level_at(&self, share: f64) -> Result<Estimate> {
        self.reaches(share)?;
        Ok(self.derived(|parameters| self.psi().level_at(share, parameters)))
    }

    /// The slope `dψ/dx` where `ψ` is `share`, in shares per unit of the levels, with its standard error, by the delta method;
    /// negative for a falling curve.
    ///
    /// # Errors
    /// As [`PsychometricFit::level_at`].
    pub fn slope_at(&self, share: f64) -> Result<Estimate> {
        self.reaches(share)?;
        Ok(self.derived(|parameters| self.psi().slope_at(share, parameters)))
    }

    fn reaches(&self, share: f64) -> Result<()> {
        if self.psi().distance_at(share, self.parameters()).is_some() {
            return Ok(());
        }
        let (low, high) = (self.guess.value, 1.0 - self.lapse.value);
        Err(Error::argument("share", format!("between {low:.3} and {high:.3}, the ends of this curve"), share))
    }

    /// A number that follows from the parameters, with the standard error that follows from theirs: `sqrt(gᵀ C g)` for its
    /// gradient `g`, by central differences.
    fn derived(&self, of: impl Fn(Parameters) -> f64) -> Estimate {
        let here = self.parameters();
        let [threshold, width, ..] = here;
        let across = if self.model.curve == Curve::Weibull { threshold / width } else { width };
        let steps = [1e-5 * across, 1e-5 * width, 1e-7, 1e-7];
        let gradient: Array1<f64> = (0..4)
            .map(|i| {
                let moved = |sign: f64| {
                    let mut moved = here;
                    moved[i] += sign * steps[i];
                    of(moved)
                };
                (moved(1.0) - moved(-1.0)) / (2.0 * steps[i])
            })
            .collect();
        let at_bound = [self.threshold, self.width].iter().zip(&gradient).any(|(on, &g)| on.at_bound && g != 0.0);
        let covariance = self.covariance.as_ref().filter(|_| !at_bound);
        let se = covariance.map(|covariance| gradient.dot(&covariance.dot(&gradient)).max(0.0).sqrt());
        Estimate { value: of(here), se: se.filter(|se| se.is_finite() && *se > 0.0), at_bound }
    }

    /// Whether this fit explains its counts better than one with fewer free parameters does, such as one with both rates tied or
    /// the threshold fixed at 0: the likelihood ratio, as in [`Psychometric::compare`], with as many degrees of freedom as
    /// this one has free parameters more.
    ///
    /// ```
    /// use psychrnn::analysis::{Counts, Psychometric};
    /// let counts = Counts::new("coherence", &[-0.4, -0.1, 0.0, 0.1, 0.4], &[100; 5], &[2, 20, 40, 68, 98])?;
    /// let model = Psychometric::default();
    /// let bias = model.fit(&counts)?.compare(&model.threshold(0.0).fit(&counts)?)?;
    /// assert!(bias.dof == 1 && bias.p < 0.05);
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the other is of other counts or another curve, if it has not fewer free parameters, or if its curve is not one of those
    /// among which this one was sought: what is fixed in this one must be fixed alike in the other.
    pub fn compare(&self, simpler: &Self) -> Result<LikelihoodRatio> {
        if self.counts != simpler.counts || self.model.curve != simpler.model.curve {
            return Err(Error::argument("simpler", "a fit of the same curve to the same counts", "of others"));
        }
        if !self.model.includes(&simpler.model) || self.model.falling.is_some_and(|falling| falling != simpler.falling)
        {
            let expected = "a fit with more parameters fixed or tied, and else as the other";
            return Err(Error::argument("simpler", expected, "one that leaves free what the other fixes"));
        }
        LikelihoodRatio::new((self.log_likelihood, self.n_free), (simpler.log_likelihood, simpler.n_free))
    }

    /// The probability of a deviance at least this large if the curve is right, by the chi-square that the deviance
    /// follows with many trials at each level; small where the curve does not fit. `None` without degrees of freedom.
    ///
    /// With few trials at a level, or shares near 0 or 1, take [`PsychometricBootstrap::deviance_p`] of a parametric
    /// bootstrap.
    #[must_use]
    pub fn deviance_p(&self) -> Option<f64> {
        (self.dof > 0).then(|| chi_square_above(self.deviance, self.dof))
    }

    /// Intervals of all parameters, by fitting the same model, along the same direction, to counts that are drawn anew:
    /// percentiles, see [`Bootstrap`].
    ///
    /// # Errors
    /// If `resamples` is 0, if `confidence` is not between 0 and 1, or if all answers are the same in every resample.
    pub fn bootstrap(&self, resampling: Resampling, bootstrap: &Bootstrap) -> Result<PsychometricBootstrap> {
        let shares = match resampling {
            Resampling::Parametric => self.counts.levels.iter().map(|&level| self.at(level)).collect(),
            Resampling::NonParametric => self.counts.shares(),
        };
        // The direction is that of this fit: a width has another meaning along the other one.
        let model = self.model.falling(self.falling);
        let draw = |rng: &mut TrialRng| {
            let mut counts = self.counts.clone();
            for ((hits, &trials), &share) in counts.hits.iter_mut().zip(&self.counts.trials).zip(&shares) {
                // A share is between 0 and 1 but for rounding.
                *hits = Binomial::new(trials as u64, share.clamp(0.0, 1.0))
                    .map_or(0, |binomial| binomial.sample(rng) as usize);
            }
            // A resample of which all answers are the same has no threshold.
            Ok(model.fit(&counts).ok().map(|fit| (fit.parameters(), fit.slope.value, fit.deviance)))
        };
        let drawn = bootstrap.draw(draw)?;
        let fits: Vec<_> = drawn.iter().flatten().copied().collect();
        if fits.is_empty() {
            return Err(Error::argument("counts", "hits and misses in at least one resample", "the same in all"));
        }
        let samples =
            Array2::from_shape_fn((fits.len(), 5), |(fit, i)| if i < 4 { fits[fit].0[i] } else { fits[fit].1 });
        let interval = |i: usize| middle(&mut samples.index_axis(Axis(1), i).to_vec(), bootstrap.confidence);
        let larger = fits.iter().filter(|fit| fit.2 >= self.deviance).count();
        Ok(PsychometricBootstrap {
            model,
            threshold: interval(0),
            width: interval(1),
            guess: interval(2),
            lapse: interval(3),
            slope: interval(4),
            deviance_p: (resampling == Resampling::Parametric).then(|| (larger + 1) as f64 / (fits.len() + 1) as f64),
            failed: drawn.len() - fits.len(),
            interrupted: drawn.len() < bootstrap.resamples,
            samples,
        })
    }

    /// The parameters with their standard errors, as a table.
    #[must_use]
    pub fn table(&self) -> Table {
        let rows = [
            ("threshold", self.threshold),
            ("width", self.width),
            ("slope", self.slope),
            ("guess", self.guess),
            ("lapse", self.lapse),
        ];
        let mut table = Table::new();
        // All columns have one row a parameter, so no insertion can fail.
        let mut add = |name: &str, column: Vec<Value>| drop(table.insert(name, column));
        add("parameter", rows.iter().map(|(name, _)| (*name).into()).collect());
        add("value", rows.iter().map(|(_, estimate)| estimate.value.into()).collect());
        add("standard error", rows.iter().map(|(_, estimate)| estimate.se.into()).collect());
        add("at bound", rows.iter().map(|(_, estimate)| estimate.at_bound.into()).collect());
        table
    }

    fn psi(&self) -> Psi {
        Psi { curve: self.model.curve, falling: self.falling }
    }

    fn parameters(&self) -> Parameters {
        [self.threshold.value, self.width.value, self.guess.value, self.lapse.value]
    }
}

/// How counts are drawn anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resampling {
    /// From the fitted curve: what the counts would be if it were right.
    Parametric,
    /// From the shares at each level, which is to draw the trials of each level with replacement.
    NonParametric,
}

/// What [`PsychometricFit::bootstrap`] finds. Intervals are pairs of a lower and an upper end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PsychometricBootstrap {
    /// What was fitted to each resample, with the direction of the curve.
    pub model: Psychometric,
    /// The interval of the threshold, in units of the levels.
    #[serde(with = "crate::number")]
    pub threshold: (f64, f64),
    /// The interval of the width.
    #[serde(with = "crate::number")]
    pub width: (f64, f64),
    /// The interval of the guess rate.
    #[serde(with = "crate::number")]
    pub guess: (f64, f64),
    /// The interval of the lapse rate.
    #[serde(with = "crate::number")]
    pub lapse: (f64, f64),
    /// The interval of the slope at the threshold, in shares per unit of the levels.
    #[serde(with = "crate::number")]
    pub slope: (f64, f64),
    /// The share of resamples that the curve fits no better than the data, `(1 + larger) / (1 + resamples)`: the
    /// goodness of fit without an assumption on the deviance. `None` if the resampling was not parametric.
    #[serde(with = "crate::number")]
    pub deviance_p: Option<f64>,
    /// The resamples that were left out, since all their answers were the same.
    pub failed: usize,
    /// Whether the work was interrupted: fewer resamples than asked for.
    pub interrupted: bool,
    /// All fits, `[n_fits, 5]`: threshold, width, guess, lapse, slope.
    #[serde(with = "crate::number")]
    pub samples: Array2<f64>,
}

impl PsychometricBootstrap {
    /// The interval of the level at which `ψ` is `share`, of any confidence: percentiles of the fits. An end is infinite where
    /// too many fits nowhere come to `share`.
    ///
    /// # Errors
    /// If `confidence` or `share` is not between 0 and 1.
    pub fn level_at(&self, share: f64, confidence: f64) -> Result<(f64, f64)> {
        self.percentiles(share, confidence, |psi, parameters| {
            let [_, _, guess, lapse] = parameters;
            // Where the whole curve is above the share it would come to it before all levels if it rises, after them if it falls.
            let beyond = if psi.falling == (share <= guess) { f64::INFINITY } else { f64::NEG_INFINITY };
            if guess < share && share < 1.0 - lapse { psi.level_at(share, parameters) } else { beyond }
        })
    }

    /// The interval of the slope `dψ/dx` where `ψ` is `share`, of any confidence: percentiles of the fits; 0 in those that
    /// nowhere come to `share`.
    ///
    /// # Errors
    /// As [`PsychometricBootstrap::level_at`].
    pub fn slope_at(&self, share: f64, confidence: f64) -> Result<(f64, f64)> {
        self.percentiles(share, confidence, |psi, parameters| {
            let slope = psi.slope_at(share, parameters);
            if slope.is_nan() { 0.0 } else { slope }
        })
    }

    fn percentiles(&self, share: f64, confidence: f64, of: impl Fn(Psi, Parameters) -> f64) -> Result<(f64, f64)> {
        check_confidence(confidence)?;
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::argument("share", "between 0 and 1, both excluded", share));
        }
        let psi = Psi { curve: self.model.curve, falling: self.model.falling == Some(true) };
        let fits = self.samples.outer_iter().map(|fit| of(psi, [fit[0], fit[1], fit[2], fit[3]]));
        Ok(middle(&mut fits.collect::<Vec<_>>(), confidence))
    }
}

/// The outcome of a likelihood-ratio test, of [`Psychometric::compare`] or [`PsychometricFit::compare`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LikelihoodRatio {
    /// Twice the difference of the log-likelihoods.
    #[serde(with = "crate::number")]
    pub statistic: f64,
    /// The degrees of freedom.
    pub dof: usize,
    /// The probability of a statistic at least this large if the simpler model is right.
    #[serde(with = "crate::number")]
    pub p: f64,
}

impl LikelihoodRatio {
    /// Of two models, each by its log-likelihood and its number of free parameters.
    fn new((full, n_full): (f64, usize), (simple, n_simple): (f64, usize)) -> Result<Self> {
        if n_full <= n_simple {
            let expected = format!("fewer than those of the other model, {n_full}");
            return Err(Error::argument("free parameters", expected, n_simple));
        }
        let (statistic, dof) = ((2.0 * (full - simple)).max(0.0), n_full - n_simple);
        Ok(Self { statistic, dof, p: chi_square_above(statistic, dof) })
    }
}
