//! Psychometric and chronometric curves, and pairs.

use super::{along, ends};
use crate::analysis::{BayesianTiming, Chronometric, Counts, LogisticFit, PsychometricFit, Timing};
use crate::plot::{Color, Figure, Marker, Number, Panel, Style};
use crate::{Error, Result};

/// The confidence of the intervals about shares.
const CONFIDENCE: f64 = 0.95;
/// The ticks of shares.
const QUARTERS: [(f64, &str); 5] = [(0.0, "0.00"), (0.25, "0.25"), (0.5, "0.50"), (0.75, "0.75"), (1.0, "1.00")];

impl PsychometricFit {
    /// The share of hits at each level with its 95 % interval, the fitted curve, and the threshold (dashed).
    ///
    /// # Errors
    /// None that can be reached by a fit; that of [`Counts::intervals`](crate::analysis::Counts::intervals).
    pub fn plot(&self) -> Result<Figure> {
        let counts = &self.counts;
        let (low, high): (Vec<f64>, Vec<f64>) = counts.intervals(CONFIDENCE)?.into_iter().unzip();
        let (left, right) = ends(&counts.levels);
        let along = along(left, right);
        let threshold = self.threshold.value;
        // As many digits as tell a thousandth of the axis.
        let digits = (3.0 - (right - left).log10().floor()).clamp(0.0, 9.0) as usize;
        let label = format!("threshold {threshold:.digits$}");
        let panel = Panel::new()
            .x_label(&counts.level_name)
            .y_label(&counts.hit_name)
            .x_range(left, right)
            .y_range(-0.03, 1.03)
            .y_ticks(QUARTERS)
            .hline(self.at(threshold), Style::new().color(Color::LIGHT_GRAY).dashed())
            .vline(threshold, Style::new().color(Color::GRAY).dashed().label(label))
            .line(&along, along.iter().map(|&level| self.at(level)), Color::BLUE)
            .intervals(&counts.levels, low, high, Color::BLACK)
            .points(&counts.levels, counts.shares(), Color::BLACK);
        Ok(panel.figure().size(360.0, 280.0))
    }
}

impl Counts {
    /// The share of hits at each level with its 95 % interval.
    ///
    /// # Errors
    /// None that can be reached; that of [`Counts::intervals`].
    pub fn plot(&self) -> Result<Figure> {
        shares([("", self)])
    }
}

/// The shares of several counts over their levels, a line with 95 % intervals for each, by its name: the share correct
/// against the duration of the stimulus, for each coherence. The axes are labeled as the first counts are.
///
/// ```
/// use psychrnn::analysis::Counts;
/// use psychrnn::plot::shares;
/// let weak = Counts::new("Duration (ms)", &[100.0, 300.0, 900.0], &[50, 50, 50], &[27, 31, 38])?;
/// let strong = Counts::new("Duration (ms)", &[100.0, 300.0, 900.0], &[50, 50, 50], &[35, 46, 50])?;
/// let figure = shares([("3.2 %", &weak), ("51.2 %", &strong)])?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// # Errors
/// If there are none.
pub fn shares<'a, N: Into<String>>(counts: impl IntoIterator<Item = (N, &'a Counts)>) -> Result<Figure> {
    let counts: Vec<(String, &Counts)> = counts.into_iter().map(|(name, counts)| (name.into(), counts)).collect();
    let Some((_, first)) = counts.first() else {
        return Err(Error::argument("counts", "at least one", "none"));
    };
    let levels: Vec<f64> = counts.iter().flat_map(|(_, counts)| counts.levels.iter().copied()).collect();
    let (left, right) = ends(&levels);
    let mut panel = Panel::new()
        .x_label(&first.level_name)
        .y_label(&first.hit_name)
        .x_range(left, right)
        .y_range(-0.03, 1.03)
        .y_ticks(QUARTERS)
        .hline(0.5, Style::new().color(Color::LIGHT_GRAY).dashed());
    for (i, (name, counts)) in counts.iter().enumerate() {
        let color = Color::cycle(i);
        let line = if name.is_empty() { Style::new() } else { Style::from(name.as_str()) };
        let (low, high): (Vec<f64>, Vec<f64>) = counts.intervals(CONFIDENCE)?.into_iter().unzip();
        panel = panel
            .line(&counts.levels, counts.shares(), line.color(color))
            .intervals(&counts.levels, low, high, color)
            .points(&counts.levels, counts.shares(), color);
    }
    Ok(panel.figure().size(360.0, 280.0))
}

impl Chronometric {
    /// The mean reaction time at each level, with its interval.
    #[must_use]
    pub fn plot(&self) -> Figure {
        let (low, high): (Vec<f64>, Vec<f64>) = self.intervals.iter().copied().unzip();
        let (left, right) = ends(&self.levels);
        Panel::new()
            .x_label(&self.level_name)
            .y_label("Reaction time (ms)")
            .x_range(left, right)
            .line(&self.levels, &self.means, Color::BLUE)
            .intervals(&self.levels, low, high, Color::BLACK)
            .points(&self.levels, &self.means, Color::BLACK)
            .figure()
            .size(360.0, 280.0)
    }
}

impl Timing {
    /// The mean produced interval at each interval that was asked for, with its standard deviation, and what would be right (dashed).
    #[must_use]
    pub fn plot(&self) -> Figure {
        let (left, right) = ends(&self.intervals);
        let sd = |sign: f64| self.means.iter().zip(&self.sds).map(move |(mean, sd)| mean + sign * sd);
        Panel::new()
            .x_label("Interval (ms)")
            .y_label("Produced interval (ms)")
            .x_range(left, right)
            .line([left, right], [left, right], Style::new().color(Color::GRAY).dashed())
            .line(&self.intervals, &self.means, Color::BLUE)
            .intervals(&self.intervals, sd(-1.0), sd(1.0), Color::BLACK)
            .points(&self.intervals, &self.means, Color::BLACK)
            .figure()
            .size(360.0, 280.0)
    }
}

impl BayesianTiming {
    /// The mean produced intervals of a subject with their standard deviations, and what this observer would produce (lines): by interval, of each
    /// prior, by its name. Dashed is what would be right.
    ///
    /// # Errors
    /// If there are none.
    pub fn plot<'a, N: Into<String>>(&self, timings: impl IntoIterator<Item = (N, &'a Timing)>) -> Result<Figure> {
        let timings: Vec<(String, &Timing)> = timings.into_iter().map(|(name, timing)| (name.into(), timing)).collect();
        let intervals: Vec<f64> = timings.iter().flat_map(|(_, timing)| timing.intervals.iter().copied()).collect();
        if intervals.is_empty() {
            return Err(Error::argument("timings", "at least one", "none"));
        }
        let (left, right) = ends(&intervals);
        let mut panel = Panel::new()
            .x_label("Interval (ms)")
            .y_label("Produced interval (ms)")
            .x_range(left, right)
            .line([left, right], [left, right], Style::new().color(Color::GRAY).dashed());
        for (i, (name, timing)) in timings.into_iter().enumerate() {
            let color = Color::cycle(i);
            let prior = &timing.intervals;
            let along = along(prior.iter().copied().fold(right, f64::min), prior.iter().copied().fold(left, f64::max));
            let expected = along.iter().map(|&interval| self.expected(prior, interval).0);
            let sd = |sign: f64| timing.means.iter().zip(&timing.sds).map(move |(mean, sd)| mean + sign * sd);
            panel = panel
                .line(&along, expected, Style::from(name.as_str()).color(color))
                .intervals(prior, sd(-1.0), sd(1.0), color)
                .points(prior, &timing.means, color);
        }
        Ok(panel.figure().size(400.0, 320.0))
    }
}

impl LogisticFit {
    /// The weight of each predictor but for the intercept, with its standard error.
    #[must_use]
    pub fn plot(&self) -> Figure {
        let shown = (0..self.names.len()).filter(|&k| self.names[k] != "intercept");
        let shown: Vec<usize> = shown.collect();
        let places: Vec<f64> = (0..shown.len()).map(|place| place as f64).collect();
        let weight = |sign: f64| shown.iter().map(move |&k| self.weights[k] + sign * self.errors[k]);
        Panel::new()
            .x_label("Predictor")
            .y_label("Weight")
            .x_range(-0.5, shown.len() as f64 - 0.5)
            .x_ticks(places.iter().copied().zip(shown.iter().map(|&k| self.names[k].clone())))
            .hline(0.0, Style::new().color(Color::LIGHT_GRAY).dashed())
            .line(&places, weight(0.0), Color::BLUE)
            .intervals(&places, weight(-1.0), weight(1.0), Color::BLACK)
            .points(&places, weight(0.0), Color::BLACK)
            .figure()
            .size(360.0, 280.0)
    }
}

/// Two measurements of the same subjects side by side, a line for each subject, and the mean of each measurement with
/// its standard error: trials to criterion with and without a curriculum, accuracy before and after a lesion.
///
/// ```
/// use psychrnn::plot::pairs;
/// let figure = pairs("Trials to criterion", ["curriculum", "fixed"], &[1400, 1200, 1600], &[2900, 2100, 2500])?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// # Errors
/// If the two differ in length or are empty, or if a number is not finite.
pub fn pairs<N: Number>(what: &str, names: [&str; 2], first: &[N], second: &[N]) -> Result<Figure> {
    censored_pairs(what, names, [first, second], [&vec![false; first.len()], &vec![false; second.len()]])
}

/// As [`pairs`], of measurements of which some are only lower limits: runs that reached no criterion before they were
/// ended. These are open circles. The means, which are then too small, count them as they are.
///
/// ```
/// use psychrnn::plot::censored_pairs;
/// let (with, without) = ([1400, 1200, 1600], [2900, 5000, 2500]);
/// let ended = [[false, false, false], [false, true, false]];
/// let figure = censored_pairs("Trials to criterion", ["curriculum", "fixed"], [&with, &without], [&ended[0], &ended[1]])?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// # Errors
/// If the four differ in length or are empty, or if a number is not finite.
pub fn censored_pairs<N: Number>(
    what: &str,
    names: [&str; 2],
    values: [&[N]; 2],
    censored: [&[bool]; 2],
) -> Result<Figure> {
    let [first, second] = values;
    if first.is_empty() || first.len() != second.len() {
        let expected = format!("[n_pairs = {}], as `first`, and not 0", first.len());
        return Err(Error::shape("second", expected, &[second.len()]));
    }
    for (name, values) in names.into_iter().zip(values) {
        if let Some(at) = values.iter().position(|value| !value.value().is_finite()) {
            let expected = "finite numbers: leave a pair out that lacks one";
            return Err(Error::argument(name, expected, format!("{} in pair {at}", values[at].value())));
        }
    }
    if let Some(wrong) = censored.iter().find(|censored| censored.len() != first.len()) {
        return Err(Error::shape("censored", format!("[n_pairs = {}]", first.len()), &[wrong.len()]));
    }
    let mut panel = Panel::new().y_label(what).x_range(-0.5, 1.5).x_ticks([(0.0, names[0]), (1.0, names[1])]);
    for (first, second) in first.iter().zip(second) {
        let line = Style::new().color(Color::GRAY).width(1.0);
        panel = panel.line([0.0, 1.0], [first.value(), second.value()], line);
    }
    let mut named = false;
    for (place, (values, censored)) in values.into_iter().zip(censored).enumerate() {
        let n = values.len() as f64;
        let mean = values.iter().map(N::value).sum::<f64>() / n;
        let se = (values.iter().map(|value| (value.value() - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
        // The mean stands outside the lines.
        let (x, beside) = (place as f64, place as f64 + if place == 0 { -0.2 } else { 0.2 });
        let color = Color::cycle(place);
        let of = |wanted: bool| -> Vec<f64> {
            let all = values.iter().zip(censored).filter(|(_, censored)| **censored == wanted);
            all.map(|(value, _)| value.value()).collect()
        };
        let (reached, ended) = (of(false), of(true));
        panel = panel.points(vec![x; reached.len()], &reached, color);
        if !ended.is_empty() {
            let open = Style::new().color(color).marker(Marker::Circle).size(6.0);
            // One name is enough.
            let open = if named { open } else { open.label("censored") };
            panel = panel.points(vec![x; ended.len()], &ended, open);
            named = true;
        }
        panel = panel.intervals([beside], [mean - se], [mean + se], Style::new().color(color).width(2.0)).points(
            [beside],
            [mean],
            Style::new().color(color).size(9.0),
        );
    }
    Ok(panel.figure().size(280.0, 300.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn censored_runs_are_named_and_counted_apart() {
        let draw = |censored: [&[bool]; 2]| censored_pairs("Trials", ["a", "b"], [&[1, 2, 3], &[4, 9, 9]], censored);
        let none = [false; 3];
        let (all, some) = (draw([&none, &none]).unwrap(), draw([&none, &[false, true, true]]).unwrap());
        assert_eq!(all, pairs("Trials", ["a", "b"], &[1, 2, 3], &[4, 9, 9]).unwrap());
        assert!(!all.to_string().contains("censored") && some.to_string().contains("points \"censored\""));
        let open = Panel::new().points(
            [1.0, 1.0],
            [9, 9],
            Style::new().color(Color::cycle(1)).marker(Marker::Circle).size(6.0).label("censored"),
        );
        assert!(some.panels[0].marks.contains(&open.marks[0]), "those that were ended, at their places");
        assert!(draw([&none, &[true]]).unwrap_err().to_string().contains("censored"));
    }
}
