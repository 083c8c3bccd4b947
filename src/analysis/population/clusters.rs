//! Groups of points: k-means, and how many groups there are.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};

use linfa::DatasetBase;
use linfa::traits::{Fit, Predict};
use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use super::pca::check_finite;
use crate::random::Seed;
use crate::setters::setters;
use crate::table::Table;
use crate::{Error, Result, interrupt, threads};

/// k-means clustering, with as many clusters as make the mean silhouette largest.
///
/// For each number of clusters the sum of squared distances of the points to the means of their clusters (the inertia) is made
/// small from several starts (k-means++), and the smallest is kept. The silhouette of a point is `(b - a) / max(a, b)`, of its mean
/// distance `a` to the others of its cluster and that `b` to the nearest other cluster; 0 for one that is alone in its cluster. Rousseeuw PJ (1987),
/// doi:10.1016/0377-0427(87)90125-7.
///
/// Defaults: 2 to 29 clusters, at most one fewer than there are different points; 20 starts. The same seed gives the same clusters, for any
/// number of threads. If it is interrupted (see [`interrupt`]), it gives the best of what it has.
///
/// ```
/// use ndarray::array;
/// use psychrnn::analysis::KMeans;
/// let points = array![[0.0, 0.1], [0.1, 0.0], [5.0, 5.0], [5.1, 5.0], [0.0, 0.0]];
/// let clusters = KMeans::default().of(&points)?;
/// assert_eq!(clusters.labels, [0, 0, 1, 1, 0]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KMeans {
    /// How many clusters are tried.
    pub n_clusters: RangeInclusive<usize>,
    /// How often clustering is begun anew for each number of clusters.
    pub starts: usize,
    /// The seed of the starts.
    pub seed: Seed,
}

impl Default for KMeans {
    fn default() -> Self {
        Self { n_clusters: 2..=29, starts: 20, seed: Seed(0) }
    }
}

impl KMeans {
    setters! {
        /// How many clusters are tried: `4..=4` for just as many.
        n_clusters: RangeInclusive<usize>;
        /// How often clustering is begun anew for each number of clusters.
        starts: usize;
        /// The seed of the starts.
        seed: impl Into<Seed> => seed.into();
    }

    /// The clusters of points `[n_points, n]`.
    ///
    /// # Errors
    /// If a number is not finite, if `starts` is 0, or if not even the smallest number of clusters is from 2 to one fewer than there
    /// are different points.
    pub fn of(&self, points: &Array2<f64>) -> Result<KMeansClusters> {
        check_finite("points", points)?;
        if self.starts == 0 {
            return Err(Error::argument("starts", "at least 1", 0));
        }
        let mut rows: Vec<Vec<u64>> =
            points.outer_iter().map(|row| row.iter().map(|x| (x + 0.0).to_bits()).collect()).collect();
        rows.sort_unstable();
        rows.dedup();
        let (least, most) = (*self.n_clusters.start(), rows.len().saturating_sub(1).min(*self.n_clusters.end()));
        if least < 2 || least > most {
            let expected = format!("2 or more, and at most one fewer than the {} different points", rows.len());
            return Err(Error::argument("n_clusters", expected, format!("{:?}", self.n_clusters)));
        }
        let starts = (least..=most).flat_map(|k| (0..self.starts).map(move |start| (k, start)));
        let (work, taken) = (interrupt::watch(), AtomicUsize::new(0));
        let go_on = || taken.fetch_add(1, Ordering::Relaxed) < self.starts || !work.is_interrupted();
        let found = threads::map_while(starts.collect(), go_on, |(k, start)| self.once(points, k, start))?;
        let interrupted = found.len() < (most + 1 - least) * self.starts;

        let (mut tried, mut best): (Vec<(usize, f64, f64)>, Option<KMeansClusters>) = (Vec::new(), None);
        for of_one in found.chunks(self.starts) {
            let Some(found) = of_one.iter().min_by(|a, b| a.inertia.total_cmp(&b.inertia)) else { continue };
            let silhouettes = silhouettes(points, &found.labels, found.centers.nrows());
            let silhouette = silhouettes.iter().sum::<f64>() / silhouettes.len() as f64;
            tried.push((found.centers.nrows(), found.inertia, silhouette));
            if best.as_ref().is_none_or(|best| silhouette > best.silhouette) {
                let Found { labels, centers, inertia } = found.clone();
                best = Some(KMeansClusters {
                    labels,
                    centers,
                    inertia,
                    silhouette,
                    silhouettes,
                    ..KMeansClusters::default()
                });
            }
        }
        let best = best.ok_or_else(|| Error::argument("points", "at least three that differ", "fewer"))?;
        Ok(KMeansClusters {
            tried: tried.iter().map(|tried| tried.0).collect(),
            inertias: tried.iter().map(|tried| tried.1).collect(),
            mean_silhouettes: tried.iter().map(|tried| tried.2).collect(),
            interrupted,
            ..best
        })
    }

    /// What one start comes to.
    fn once(&self, points: &Array2<f64>, k: usize, start: usize) -> Result<Found> {
        let rng = self.seed.child(&format!("{k}-means")).stream(start as u64);
        let largest = points.fold(f64::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
        let model = linfa_clustering::KMeans::params_with_rng(k, rng)
            .n_runs(1)
            .max_n_iterations(10_000)
            .tolerance(1e-9 * largest)
            .fit(&DatasetBase::from(points.view()))
            .map_err(|error| Error::argument("points", "such that they can be clustered", error))?;
        let labels = model.predict(points);
        // KMeansClusters in the order of their first points; the centers of linfa are damped on their way, so the means are taken anew.
        let mut numbers = vec![usize::MAX; k];
        let mut n = 0;
        let labels: Vec<usize> = labels
            .iter()
            .map(|&label| {
                if numbers[label] == usize::MAX {
                    numbers[label] = n;
                    n += 1;
                }
                numbers[label]
            })
            .collect();
        let (mut centers, mut sizes) = (Array2::zeros((n, points.ncols())), Array1::zeros(n));
        for (point, &label) in points.outer_iter().zip(&labels) {
            let mut center = centers.row_mut(label);
            center += &point;
            sizes[label] += 1.0;
        }
        centers /= &sizes.insert_axis(Axis(1));
        let inertia =
            points.outer_iter().zip(&labels).map(|(point, &label)| distance(point, centers.row(label)).powi(2)).sum();
        Ok(Found { labels, centers, inertia })
    }
}

/// One clustering.
#[derive(Clone)]
struct Found {
    labels: Vec<usize>,
    centers: Array2<f64>,
    inertia: f64,
}

fn distance<'a>(x: impl IntoIterator<Item = &'a f64>, y: impl IntoIterator<Item = &'a f64>) -> f64 {
    x.into_iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}

/// The silhouette of each point. That of linfa 0.8.1 is 1 for a point that is alone in its cluster, which makes it choose such clusters.
fn silhouettes(points: &Array2<f64>, labels: &[usize], n_clusters: usize) -> Vec<f64> {
    let mut sizes = vec![0.0; n_clusters];
    labels.iter().for_each(|&label| sizes[label] += 1.0);
    let of = |(i, &own): (usize, &usize)| {
        let mut sums = vec![0.0; n_clusters];
        for (j, &label) in labels.iter().enumerate() {
            sums[label] += distance(points.row(i), points.row(j));
        }
        let within = sums[own] / (sizes[own] - 1.0);
        let others = (0..n_clusters).filter(|&label| label != own);
        let nearest = others.map(|label| sums[label] / sizes[label]).fold(f64::INFINITY, f64::min);
        let most = within.max(nearest);
        // Alone, or with all others on the same spot.
        if sizes[own] == 1.0 || most == 0.0 { 0.0 } else { (nearest - within) / most }
    };
    labels.iter().enumerate().map(of).collect()
}

/// KMeansClusters of points, of [`KMeans::of`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KMeansClusters {
    /// The cluster of each point `[n_points]`, counted from 0 in the order in which they first occur.
    pub labels: Vec<usize>,
    /// The mean of each cluster `[n_clusters, n]`.
    #[serde(with = "crate::number")]
    pub centers: Array2<f64>,
    /// The sum of squared distances of the points to their means.
    #[serde(with = "crate::number")]
    pub inertia: f64,
    /// The mean silhouette.
    #[serde(with = "crate::number")]
    pub silhouette: f64,
    /// The silhouette of each point `[n_points]`: 1 where it is far from other clusters, negative where another is nearer.
    #[serde(with = "crate::number")]
    pub silhouettes: Vec<f64>,
    /// How many clusters were tried.
    pub tried: Vec<usize>,
    /// The inertia for each.
    #[serde(with = "crate::number")]
    pub inertias: Vec<f64>,
    /// The mean silhouette for each.
    #[serde(with = "crate::number")]
    pub mean_silhouettes: Vec<f64>,
    /// Whether the work was interrupted (see [`interrupt`]): fewer numbers of clusters than asked for.
    #[serde(default)]
    pub interrupted: bool,
}

impl KMeansClusters {
    /// The points of a cluster; none if there is no such cluster.
    #[must_use]
    pub fn of_cluster(&self, cluster: usize) -> Vec<usize> {
        (0..self.labels.len()).filter(|&point| self.labels[point] == cluster).collect()
    }

    /// The same clusters in another order: the first is that with number `order[0]` now.
    pub(super) fn reordered(mut self, order: &[usize]) -> Self {
        let mut number = vec![0; order.len()];
        order.iter().enumerate().for_each(|(new, &old)| number[old] = new);
        self.labels.iter_mut().for_each(|label| *label = number[*label]);
        self.centers = self.centers.select(Axis(0), order);
        self
    }

    /// What was tried: `clusters`, `inertia`, `silhouette`.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        // The columns are equally long, so no insertion can fail.
        drop(table.insert("clusters", self.tried.iter().copied()));
        drop(table.insert("inertia", self.inertias.iter().copied()));
        drop(table.insert("silhouette", self.mean_silhouettes.iter().copied()));
        table
    }
}
