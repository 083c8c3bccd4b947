//! What choices and responses owe to the trials before them.

use super::{along, ends};
use crate::analysis::{HistoryWeights, SerialDependenceFit};
use crate::plot::{Color, Figure, Panel, Style};
use crate::{Error, Result};

impl HistoryWeights {
    /// The weights of choices and of transitions over lags, a panel for each, with one standard error to both sides.
    ///
    /// # Errors
    /// If there are no lags.
    pub fn plot(&self) -> Result<Figure> {
        let mut kinds: Vec<(&str, Vec<&str>)> = Vec::new();
        for one in self.weights.iter().filter(|one| one.lag.is_some()) {
            let name = one.regressor.as_str();
            let kind = name.trim_end_matches(['+', '-']);
            match kinds.iter_mut().find(|(other, _)| *other == kind) {
                Some((_, names)) if names.contains(&name) => {}
                Some((_, names)) => names.push(name),
                None => kinds.push((kind, vec![name])),
            }
        }
        let lags: Vec<f64> = self.weights.iter().filter_map(|one| one.lag).map(|lag| lag as f64).collect();
        if lags.is_empty() {
            return Err(Error::argument("lags", "at least 1", 0));
        }
        let (left, right) = ends(&lags);
        let panels = kinds.into_iter().map(|(kind, names)| {
            let line = Style::new().color(Color::LIGHT_GRAY).dashed();
            let panel = Panel::new()
                .x_label("Trials back")
                .y_label(format!("Weight of the {kind} (log odds)"))
                .x_range(left, right)
                .hline(0.0, line);
            names.iter().enumerate().fold(panel, |panel, (i, name)| {
                let of = self.weights.iter().filter(|one| one.regressor == *name && one.weight.is_finite());
                let of: Vec<_> = of.collect();
                let lags: Vec<f64> = of.iter().map(|one| one.lag.unwrap_or(0) as f64).collect();
                let ends = |sign: f64| of.iter().map(move |one| one.weight + sign * one.se).collect::<Vec<_>>();
                panel
                    .line(&lags, of.iter().map(|one| one.weight), Style::from(*name).color(Color::cycle(i)))
                    .intervals(&lags, ends(-1.0), ends(1.0), Color::cycle(i))
                    .points(&lags, of.iter().map(|one| one.weight), Color::cycle(i))
            })
        });
        let panels: Vec<Panel> = panels.collect();
        let (n, width) = (panels.len(), 360.0 * panels.len() as f64);
        Ok(Figure::new().panels(panels).columns(n).size(width, 280.0))
    }
}

impl SerialDependenceFit {
    /// The mean error in each bin of differences with one standard error to both sides, and the fitted curve.
    #[must_use]
    pub fn plot(&self) -> Figure {
        let (left, right) = ends(&self.differences);
        let along = along(left, right);
        let ends =
            |sign: f64| self.means.iter().zip(&self.ses).map(move |(mean, se)| mean + sign * se).collect::<Vec<_>>();
        Panel::new()
            .x_label("Last stimulus minus this one")
            .y_label("Error of the response")
            .x_range(left, right)
            .hline(0.0, Style::new().color(Color::LIGHT_GRAY).dashed())
            .line(&along, along.iter().map(|&x| self.at(x)), Color::BLUE)
            .intervals(&self.differences, ends(-1.0), ends(1.0), Color::BLACK)
            .points(&self.differences, &self.means, Color::BLACK)
            .figure()
            .size(360.0, 280.0)
    }
}
