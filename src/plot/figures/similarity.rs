//! Populations compared: dissimilarities of conditions, clusters of units, planes of rotation.

use ndarray::{Axis, s};

use crate::analysis::{Composed, JpcaPlanes, Rdm, TaskClusters, TaskVariances};
use crate::plot::{Color, Colormap, Figure, Heatmap, Panel};
use crate::{Error, Result};

/// Conditions whose names fit along an axis.
const NAMED: usize = 12;

impl Rdm {
    /// The dissimilarity of each pair of conditions.
    #[must_use]
    pub fn plot(&self) -> Figure {
        let heatmap = Heatmap::new(&self.distances).label(&self.measure);
        // Cross-validated ones may be negative.
        let signed = self.distances.iter().any(|&distance| distance < 0.0);
        let heatmap = heatmap.colormap(if signed { Colormap::Diverging } else { Colormap::Sequential });
        let panel = Panel::new().x_label(&self.by).y_label(&self.by).heatmap(heatmap).equal();
        let ticks = || self.conditions.iter().enumerate().map(|(i, value)| (i as f64, value.to_string()));
        let panel = if self.conditions.len() <= NAMED { panel.x_ticks(ticks()).y_ticks(ticks()) } else { panel };
        panel.figure().size(400.0, 320.0)
    }
}

impl TaskVariances {
    /// How many units have which fractional task variance of two tasks, see [`TaskVariances::fractional`]: those at the right end vary in
    /// the first only, those at the left in the second only, those in the middle in both.
    ///
    /// # Errors
    /// If there is no such task, or if no unit varies in either.
    pub fn plot_fractional(&self, a: &str, b: &str) -> Result<Figure> {
        const BINS: usize = 20;
        let fractional: Vec<f64> = self.fractional(a, b)?.into_iter().filter(|share| !share.is_nan()).collect();
        if fractional.is_empty() {
            let expected = format!("above {} in some unit, in {a} and {b} together", self.least);
            return Err(Error::argument("the task variances", expected, "smaller in all"));
        }
        let mut counts = [0_usize; BINS];
        for share in &fractional {
            counts[(((share + 1.0) / 2.0 * BINS as f64) as usize).min(BINS - 1)] += 1;
        }
        // The outline of the bars.
        let edge = |bin: usize| -1.0 + 2.0 * bin as f64 / BINS as f64;
        let x = (0..BINS).flat_map(|bin| [edge(bin), edge(bin + 1)]);
        let y: Vec<f64> = counts.iter().flat_map(|&count| [count as f64; 2]).collect();
        let most = y.iter().fold(1.0_f64, |most, &count| most.max(count));
        let panel = Panel::new()
            .title(format!("{} units", fractional.len()))
            .x_label(format!("Fractional variance ({a} - {b})"))
            .y_label("Units")
            .x_range(-1.05, 1.05)
            .y_range(0.0, 1.05 * most)
            .band(x, vec![0.0; 2 * BINS], y, Color::BLUE);
        Ok(panel.figure().size(320.0, 240.0))
    }
}

impl Composed {
    /// The four tasks in the plane of their first two principal components, with an arrow's line from the first to the second and from
    /// the third to the fourth, which are parallel and of one length if tasks are composed. Above stand the share of the variance in that
    /// plane and how far they are from a parallelogram.
    #[must_use]
    pub fn plot(&self) -> Figure {
        let line = |panel: Panel, from: usize, to: usize, color: Color| {
            let of = |axis: usize| [from, to].map(|task| self.plane[[task, axis]]);
            panel.line(of(0), of(1), color)
        };
        let most = self.plane.iter().fold(0.0_f64, |most, &x| most.max(x.abs()));
        let panel = Panel::new()
            .title(format!("Error {:.2}, {:.0} % in the plane", self.error, 100.0 * self.explained))
            .x_label("Component 1")
            .y_label("Component 2")
            .x_range(-1.5 * most, 1.5 * most)
            .y_range(-1.5 * most, 1.5 * most)
            .equal();
        let panel = line(line(panel, 0, 1, Color::GRAY), 2, 3, Color::GRAY);
        let of_task = |panel: Panel, (task, name): (usize, &String)| {
            let (x, y) = (self.plane[[task, 0]], self.plane[[task, 1]]);
            panel.points([x], [y], Color::cycle(task)).text(x, y + 0.12 * most, name, Color::cycle(task))
        };
        self.tasks.iter().enumerate().fold(panel, of_task).figure().size(320.0, 300.0)
    }
}

impl TaskClusters {
    /// How much each active unit varies in each task, as a share of its largest, in the order of the clusters, whose colors stand above
    /// the units; and, if several numbers of clusters were tried, the mean silhouette of each.
    #[must_use]
    pub fn plot(&self) -> Figure {
        let n_clusters = self.clusters.centers.nrows();
        let of_clusters: Vec<Vec<usize>> = (0..n_clusters).map(|cluster| self.clusters.of_cluster(cluster)).collect();
        let mut ticks = Vec::new();
        let mut left = 0.0;
        for (cluster, units) in of_clusters.iter().enumerate() {
            let right = left + units.len() as f64;
            ticks.push(((left + right - 1.0) / 2.0, (cluster + 1).to_string()));
            left = right;
        }
        let order: Vec<usize> = of_clusters.into_iter().flatten().collect();
        let cells = self.normalized.select(Axis(0), &order).reversed_axes();
        let heatmap = Heatmap::new(&cells)
            .colormap(Colormap::Sequential)
            .range(0.0, 1.0)
            .label("Normalized task variance")
            .column_colors(order.iter().map(|&unit| Color::cycle(self.clusters.labels[unit])));
        let tasks = self.tasks.iter().enumerate().map(|(i, task)| (i as f64, task.as_str()));
        let title = format!("{} units", order.len());
        let variance = Panel::new().title(title).x_label("Cluster").heatmap(heatmap).x_ticks(ticks).y_ticks(tasks);
        // Each task has room for its name.
        let height = 100.0 + 17.0 * self.tasks.len() as f64;
        let clusters = &self.clusters;
        if clusters.tried.len() < 2 {
            return variance.figure().size(480.0, height.max(260.0));
        }
        let (low, high) = super::ends(&clusters.tried.iter().map(|&n| n as f64).collect::<Vec<_>>());
        let silhouettes = Panel::new()
            .x_label("Clusters")
            .y_label("Mean silhouette")
            .x_range(low, high)
            .vline(n_clusters as f64, ())
            .line(&clusters.tried, &clusters.mean_silhouettes, Color::BLUE)
            .points(&clusters.tried, &clusters.mean_silhouettes, Color::BLUE);
        Figure::new().panels([variance, silhouettes]).size(820.0, height.max(280.0))
    }
}

impl JpcaPlanes {
    /// The way of each condition through a plane, counted from 0, the fastest first: an open circle where it begins, a dot where it
    /// ends. Rotation goes counterclockwise. Above stand its frequency and the shares of all changes, in all planes, that rotation and
    /// the best linear dynamics explain.
    ///
    /// # Errors
    /// If there is no such plane.
    pub fn plot(&self, plane: usize) -> Result<Figure> {
        let Some(frequency) = self.frequencies.get(plane) else {
            let expected = format!("below the number of planes, {}", self.frequencies.len());
            return Err(Error::argument("plane", expected, plane));
        };
        // What rotation explains, and the best linear dynamics.
        let title = format!("{frequency:.2} Hz, R² {:.2} of {:.2}", self.r2_skew, self.r2);
        let (x, y) = (2 * plane, 2 * plane + 1);
        let in_plane = self.trajectories.points.slice(s![.., .., x..=y]);
        let end = 1.1 * in_plane.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        let panel = self.trajectories.panel(x, y)?.title(title).x_range(-end, end).y_range(-end, end);
        Ok(panel.equal().figure().size(440.0, 320.0))
    }
}
