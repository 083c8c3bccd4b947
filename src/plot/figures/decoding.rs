//! What is decoded, and when.

use ndarray::s;

use super::population::colors;
use crate::analysis::{Decoded, Generalized};
use crate::plot::{Color, Colormap, Figure, Heatmap, Legend, Panel, Style};

/// Stretches of time are marked if their probability is below this, and chance is drawn with its middle `1 - ALPHA`.
const ALPHA: f64 = 0.05;

impl Decoded {
    /// The accuracy of decoders at their own time, with its standard error over folds as a band, and chance: a dashed line for the
    /// most frequent class, and with permutations a gray band for the middle 95 % of them. Stretches that are above chance with
    /// p < 0.05, corrected for the number of times ([`clusters`](Decoded::clusters)), have a bar below.
    #[must_use]
    pub fn plot(&self) -> Figure {
        let accuracy = self.accuracy.diag().to_vec();
        let sem = self.sem();
        let (low, high): (Vec<f64>, Vec<f64>) = accuracy.iter().zip(&sem).map(|(x, sem)| (x - sem, x + sem)).unzip();
        let (chance_low, chance_high) = self.by_chance(1.0 - ALPHA);
        let least = low.iter().chain(&chance_low).chain([&self.chance()]).fold(1.0_f64, |least, &x| least.min(x));
        let floor = (least - 0.08).max(-0.03);
        let mut panel = time_axis(self.signal.is_none(), self.event.as_deref(), &self.times)
            .y_label(format!("Accuracy of {}", self.column))
            .y_range(floor, 1.03)
            .legend(Legend::Outside)
            .hline(self.chance(), Style::from("most frequent class").color(Color::GRAY).dashed());
        if self.permuted.nrows() > 0 {
            let style = Style::from("95 % of permutations").color(Color::GRAY);
            panel = panel.band(&self.times, chance_low, chance_high, style);
        }
        let label = Style::from(format!("decoded ({} trials)", self.n_trials.iter().sum::<usize>()));
        panel = panel.band(&self.times, low, high, Color::BLUE).line(&self.times, accuracy, label.color(Color::BLUE));
        let mut style = Style::from("p < 0.05, corrected").color(Color::BLACK).width(4.0);
        for cluster in self.clusters(ALPHA).unwrap_or_default().iter().filter(|cluster| cluster.p < ALPHA) {
            let room = if cluster.start == cluster.end { 0.2 * step(&self.times) } else { 0.0 };
            panel = panel.line([cluster.start - room, cluster.end + room], [floor + 0.025; 2], style);
            style = Style::new().color(Color::BLACK).width(4.0);
        }
        panel.figure().size(520.0, 280.0)
    }

    /// The cross-temporal matrix: the accuracy of decoders fitted at one time (up) and tried at another (to the right). White is the
    /// most frequent class's share, red more, blue less.
    #[must_use]
    pub fn plot_matrix(&self) -> Figure {
        let far = self.accuracy.iter().fold(0.0_f64, |most, x| most.max((x - self.chance()).abs()));
        let far = if far > 0.0 { far } else { 0.5 };
        let half = 0.5 * step(&self.times);
        let (first, last) = match (self.times.first(), self.times.last()) {
            (Some(first), Some(last)) => (first - half, last + half),
            _ => (0.0, 1.0),
        };
        let picture = Heatmap::new(&self.accuracy.slice(s![..;-1, ..]))
            .colormap(Colormap::Diverging)
            .range(self.chance() - far, self.chance() + far)
            .label(format!("Accuracy of {}", self.column))
            .x_extent(first, last)
            .y_extent(last, first);
        let unit = if self.signal.is_some() { " (ms)" } else { "" };
        let mut panel = Panel::new()
            .x_label(format!("Time tested{unit}"))
            .y_label(format!("Time fitted{unit}"))
            .heatmap(picture)
            .line([first, last], [first, last], Style::new().color(Color::GRAY).width(1.0).dashed())
            .equal();
        if first < 0.0 && last > 0.0 {
            panel = panel.vline(0.0, ()).hline(0.0, ());
        }
        panel.figure().size(420.0, 340.0)
    }
}

impl Generalized {
    /// The accuracy over time in each condition of decoders of one, a panel for each: the thick line is cross-validated in the same
    /// condition, the others are of other conditions.
    #[must_use]
    pub fn plot(&self) -> Figure {
        let colors = colors(&self.conditions);
        let n = self.conditions.len();
        let least = self.accuracy.iter().fold(1.0 / self.classes.len() as f64, |least, &x| least.min(x));
        let panel = |train: usize| {
            let mut panel = time_axis(self.signal.is_none(), self.event.as_deref(), &self.times)
                .title(format!("Fitted where {} is {}", self.by, self.conditions[train]))
                .y_label(format!("Accuracy of {}", self.column))
                .y_range((least - 0.05).max(-0.03), 1.03)
                .legend(if train + 1 == n { Legend::Outside } else { Legend::None })
                .hline(1.0 / self.classes.len() as f64, Style::new().color(Color::GRAY).dashed());
            for (test, &color) in colors.iter().enumerate() {
                let style = Style::from(format!("{}: {}", self.by, self.conditions[test])).color(color);
                let style = style.width(if test == train { 3.0 } else { 1.5 });
                panel = panel.line(&self.times, self.accuracy.slice(s![train, test, ..]).to_vec(), style);
            }
            panel
        };
        Figure::new()
            .panels((0..n).map(panel))
            .size(if n == 1 { 420.0 } else { 760.0 }, 260.0 * n.div_ceil(2) as f64)
            .columns(2)
    }
}

/// Axes over time, with the event; times of plain arrays have no unit.
pub(super) fn time_axis(is_plain: bool, event: Option<&str>, times: &[f64]) -> Panel {
    let panel = Panel::new().x_label(match event {
        Some(event) => format!("Time from {event} (ms)"),
        None if is_plain => "Time".to_owned(),
        None => "Time (ms)".to_owned(),
    });
    match times {
        [one] => panel.x_range(one - 0.5, one + 0.5),
        [first, ..] if *first < 0.0 => panel.vline(0.0, ()),
        _ => panel,
    }
}

/// How far times are apart.
fn step(times: &[f64]) -> f64 {
    match times {
        [first, second, ..] => second - first,
        _ => 1.0,
    }
}
