//! Demixed components.

use std::collections::BTreeSet;

use ndarray::s;

use super::decoding::time_axis;
use super::population::colors;
use crate::analysis::{Demixed, Marginal};
use crate::plot::{Color, Figure, Legend, Panel, Style};
use crate::table::Value;
use crate::{Error, Result};

/// More components than this are not told apart, and what explains less is not seen.
const BARS: usize = 15;
const SEEN: f64 = 1e-3;

impl Demixed {
    /// The first components of each marginal, a row of panels for each, with the share of variance that each explains: a line for
    /// each condition, in the colors of the first column's values, dashed for every other value of the second column. A black bar below
    /// is where a component is significant, if that was tested.
    ///
    /// # Errors
    /// If no component is asked for.
    pub fn plot(&self, n_components: usize) -> Result<Figure> {
        let most = self.marginals.iter().map(|marginal| marginal.explained.len()).max().unwrap_or(0);
        let n = n_components.min(most);
        if n == 0 {
            return Err(Error::argument("n_components", "at least 1", n_components));
        }
        let rows: Vec<&Marginal> = self.marginals.iter().filter(|marginal| !marginal.explained.is_empty()).collect();
        let mut panels = Vec::new();
        for (row, marginal) in rows.iter().enumerate() {
            for k in 0..n {
                let panel = time_axis(self.signal.is_none(), self.event.as_deref(), &self.times);
                let panel = match marginal.explained.get(k) {
                    Some(_) => self.component(panel, marginal, k),
                    None => panel.title(format!("{} {}: none", marginal.name, k + 1)),
                };
                let is_last = row == 0 && k + 1 == n;
                panels.push(panel.legend(if is_last { Legend::Outside } else { Legend::None }));
            }
        }
        let size = (300.0 * n as f64 + 120.0, 200.0 * rows.len() as f64);
        Ok(Figure::new().panels(panels).columns(n).size(size.0, size.1))
    }

    fn component(&self, panel: Panel, marginal: &Marginal, k: usize) -> Panel {
        let numbers = |column: usize| -> Vec<usize> {
            let values: Vec<&Value> = self.conditions.iter().filter_map(|condition| condition.get(column)).collect();
            let mut kinds: Vec<&Value> = values.clone();
            kinds.dedup();
            let mut seen: Vec<&Value> = Vec::new();
            kinds.into_iter().for_each(|kind| {
                if !seen.contains(&kind) {
                    seen.push(kind)
                }
            });
            values.iter().map(|value| seen.iter().position(|kind| kind == value).unwrap_or(0)).collect()
        };
        let (first, second) = (numbers(0), numbers(1));
        let n_first = first.iter().collect::<BTreeSet<_>>().len();
        let of_first = |number: usize| first.iter().position(|&other| other == number);
        let values = (0..n_first).filter_map(|number| Some(self.conditions[of_first(number)?][0].clone()));
        let colors = colors(&values.collect::<Vec<Value>>());
        let points = marginal.points.slice(s![k, .., ..]);
        let (low, high) =
            points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
        let room = if high > low { high - low } else { 1.0 };
        let mut panel = panel
            .title(format!("{} {} ({:.1} %)", marginal.name, k + 1, 100.0 * marginal.explained[k]))
            .y_label(if k == 0 { "Activity along it" } else { "" })
            .y_range(low - 0.15 * room, high + 0.05 * room);
        for (condition, values) in self.conditions.iter().enumerate() {
            let named = self.columns.iter().zip(values).map(|(column, value)| format!("{column} {value}"));
            let style = Style::from(named.collect::<Vec<_>>().join(", ")).color(colors[first[condition]]);
            let dashed = second.get(condition).is_some_and(|number| number % 2 == 1);
            panel = panel.line(&self.times, points.row(condition), if dashed { style.dashed() } else { style });
        }
        let significant = marginal.significant().filter(|significant| k < significant.nrows());
        let bar = |there: &bool| if *there { low - 0.1 * room } else { f64::NAN };
        match significant {
            Some(there) => {
                let bars: Vec<f64> = there.row(k).iter().map(bar).collect();
                panel.line(&self.times, bars, Style::new().color(Color::BLACK).width(3.0))
            }
            None => panel,
        }
    }

    /// The share of variance that the first components explain, those of all marginals in one order: each bar is made of what it explains in
    /// each marginal, so that one of a single color is demixed. The legend has the share of each marginal in the variance.
    #[must_use]
    pub fn plot_variance(&self) -> Figure {
        let all = self.marginals.iter().flat_map(|marginal| (0..marginal.explained.len()).map(move |k| (marginal, k)));
        let mut all: Vec<(&Marginal, usize)> = all.collect();
        all.sort_by(|(a, i), (b, j)| b.explained[*j].total_cmp(&a.explained[*i]));
        let seen = all.iter().take_while(|(marginal, k)| marginal.explained[*k] > SEEN).count();
        all.truncate(seen.clamp(1, BARS));
        let width = (260.0 / all.len().max(1) as f64).clamp(4.0, 24.0);
        let mut panel = Panel::new()
            .x_label("Component")
            .y_label("Variance explained (%)")
            .x_range(0.3, all.len() as f64 + 0.7)
            .legend(Legend::Outside);
        let mut floors = vec![0.0; all.len()];
        for (place, marginal) in self.marginals.iter().enumerate() {
            // What is below zero, by rounding or by what a component takes away, is not seen.
            let part = |&(of, k): &(&Marginal, usize)| (100.0 * of.explained_by_marginal[[k, place]]).max(0.0);
            let tops: Vec<f64> = all.iter().zip(&floors).map(|(one, floor)| floor + part(one)).collect();
            let color = Color::cycle(place);
            let label = format!("{} ({:.0} %)", marginal.name, 100.0 * marginal.share);
            panel = panel
                .intervals(1..=all.len(), floors, tops.clone(), Style::new().color(color).width(width))
                .line::<f64, f64>([], [], Style::from(label).color(color).width(6.0));
            floors = tops;
        }
        let top = floors.iter().fold(0.0_f64, |most, &x| most.max(x));
        panel.y_range(0.0, if top > 0.0 { 1.08 * top } else { 1.0 }).figure().size(520.0, 280.0)
    }
}
