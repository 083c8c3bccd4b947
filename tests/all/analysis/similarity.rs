//! Geometry and dynamics of populations against the numbers of other programs (`data/parity/analysis/README.md` says which), against
//! theory, and on data that make no sense.

use std::path::PathBuf;

use ndarray::{Array1, Array2, Array3, Array4, Array5, Axis, array, s};
use psychrnn::analysis::{
    Average, Cka, Comparison, Dimension, Dissimilarity, Dsa, Jpca, KMeans, Noise, Procrustes, Rdm, Tangling,
    TaskVariance, alignment_index,
};
use psychrnn::prelude::*;
use psychrnn::threads::with_threads;
use serde_json::Value as Json;

use super::{close, number, numbers, truth};

/// What is expected of the measured activity.
struct Fixture {
    json: Json,
}

impl Fixture {
    fn open() -> Self {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/parity/analysis/population.expected.json");
        Self { json: serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap() }
    }

    fn of<D: ndarray::Dimension>(&self, name: &str) -> ndarray::Array<f64, D> {
        truth("population.expected.npz", name).into_dimensionality().unwrap()
    }

    /// `[repeat, condition, time, unit]`; a condition is a stimulus and a decision.
    fn repeats(&self) -> Array4<f64> {
        let trials = truth("population.npz", "trials");
        let [repeats, units, stimuli, decisions, times] = trials.shape().try_into().unwrap();
        let trials = trials.permuted_axes(vec![0, 2, 3, 4, 1]);
        trials
            .as_standard_layout()
            .into_owned()
            .into_shape_with_order((repeats, stimuli * decisions, times, units))
            .unwrap()
    }

    /// `[condition, time, unit]`
    fn averages(&self) -> Array3<f64> {
        self.repeats().mean_axis(Axis(0)).unwrap()
    }
}

fn samples(averages: &Array3<f64>) -> Array2<f64> {
    let (conditions, times, units) = averages.dim();
    averages.to_shape((conditions * times, units)).unwrap().into_owned()
}

#[track_caller]
fn all_close<'a>(
    what: &str,
    ours: impl IntoIterator<Item = &'a f64>,
    theirs: impl IntoIterator<Item = &'a f64>,
    tolerance: f64,
) {
    let (ours, theirs): (Vec<f64>, Vec<f64>) =
        (ours.into_iter().copied().collect(), theirs.into_iter().copied().collect());
    assert_eq!(ours.len(), theirs.len(), "{what}");
    ours.iter().zip(&theirs).for_each(|(&ours, &theirs)| close(what, ours, theirs, tolerance));
}

#[test]
fn dimensions_are_those_of_numpy() {
    let fixture = Fixture::open();
    let samples = samples(&fixture.averages());
    let dimension = Dimension::of(&samples).unwrap();
    close("ratio", dimension.participation_ratio, number(&fixture.json["participation_ratio"]), 1e-11);
    let of_correlation = number(&fixture.json["participation_ratio_correlation"]);
    close("ratio of the correlation", dimension.participation_ratio_of_correlation, of_correlation, 1e-11);
    assert_eq!(dimension.components_to(0.9).unwrap() as f64, number(&fixture.json["n_components_90"]));
    let mut eigenvalues: Vec<f64> = fixture.of::<ndarray::Ix1>("cov_eig").to_vec();
    eigenvalues.sort_by(|a, b| b.total_cmp(a));
    let total: f64 = eigenvalues.iter().sum();
    let shares: Vec<f64> = eigenvalues.iter().map(|value| value / total).collect();
    all_close("shares", &dimension.shares, &shares, 1e-11);
}

#[test]
fn two_epochs_and_two_populations_are_compared_as_by_numpy_and_scipy() {
    let fixture = Fixture::open();
    let averages = fixture.averages();
    let half = averages.dim().1 / 2;
    let (early, late) = (averages.slice(s![.., ..half, ..]).to_owned(), averages.slice(s![.., half.., ..]).to_owned());
    let index = alignment_index(&samples(&early), &samples(&late), 3).unwrap();
    close("alignment", index, number(&fixture.json["alignment_index_3_early_axes_late_cov"]), 1e-11);

    let at = |time: usize| averages.index_axis(Axis(1), time).to_owned();
    let (x, y) = (at(half / 2), at(3 * half / 2));
    let cka = |debiased: bool| Cka::default().debiased(debiased).of(&x, &y).unwrap();
    close("CKA", cka(false), number(&fixture.json["cka_linear"]), 1e-11);
    close("debiased CKA", cka(true), number(&fixture.json["cka_debiased"]), 1e-11);
    assert_eq!(Cka::default().of(&x, &y).unwrap(), cka(true), "of few conditions");

    let shapes = Procrustes::of(&x, &y).unwrap();
    close("angle", shapes.angle, number(&fixture.json["procrustes_angle"]), 1e-11);
    close("distance", shapes.distance, number(&fixture.json["procrustes_distance_normalised"]), 1e-11);
    close("disparity", shapes.disparity, number(&fixture.json["scipy_procrustes_disparity"]), 1e-11);
}

#[test]
fn dissimilarities_are_those_of_rsatoolbox() {
    let fixture = Fixture::open();
    let repeats = fixture.repeats();
    let n_times = repeats.dim().2;
    let mut euclidean = Vec::new();
    for (i, time) in [n_times / 4, 3 * n_times / 4].into_iter().enumerate() {
        let repeats = repeats.index_axis(Axis(2), time).to_owned();
        let mean = repeats.mean_axis(Axis(0)).unwrap();
        let check = |name: &str, rdm: &Rdm| {
            let theirs: Array1<f64> = fixture.of(&format!("rdm_{name}_{i}"));
            all_close(name, &rdm.pairs(), &theirs, 1e-12);
        };
        let rdm = Rdm::of(&mean, Dissimilarity::SquaredEuclidean).unwrap();
        check("euclidean", &rdm);
        check("correlation", &Rdm::of(&mean, Dissimilarity::Correlation).unwrap());
        check("crossnobis_identity", &Rdm::crossnobis(&repeats, Noise::Ignored).unwrap());
        euclidean.push(rdm);
    }
    let theirs = &fixture.json["rdm_compare_euclidean"];
    for (comparison, name) in [
        (Comparison::Cosine, "cosine"),
        (Comparison::Correlation, "corr"),
        (Comparison::Spearman, "spearman"),
        (Comparison::TauA, "tau-a"),
    ] {
        close(name, euclidean[0].compare(&euclidean[1], comparison).unwrap(), number(&theirs[name]), 1e-12);
    }
}

#[test]
fn task_variances_and_their_clusters_are_those_of_numpy_and_scikit_learn() {
    let fixture = Fixture::open();
    // `[task, time, trial, unit]`
    let activity: Array4<f64> = fixture.of("task_activity");
    let tasks = activity.outer_iter().enumerate();
    let tasks = tasks.map(|(task, activity)| (task.to_string(), activity.permuted_axes([1, 0, 2]).to_owned()));
    let variances = TaskVariance::default().of_arrays(tasks).unwrap();
    all_close("variance", &variances.variance, &fixture.of::<ndarray::Ix2>("task_variance"), 1e-12);
    let theirs: Array1<f64> = fixture.of("fractional_task_variance_0_1");
    all_close("fractional", &variances.fractional("0", "1").unwrap(), &theirs, 1e-12);

    let all = variances.clusters(&KMeans::default().n_clusters(2..=7)).unwrap();
    for (place, &n) in all.clusters.tried.iter().enumerate() {
        let theirs = &fixture.json["clustering"][n.to_string()];
        close("inertia", all.clusters.inertias[place] / number(&theirs["inertia"]), 1.0, 1e-9);
        close("silhouette", all.clusters.mean_silhouettes[place], number(&theirs["silhouette"]), 1e-9);
    }
    assert_eq!(all.clusters.centers.nrows(), 5, "the largest silhouette");
    let four = variances.clusters(&KMeans::default().n_clusters(4..=4)).unwrap().clusters;
    let theirs: Array1<f64> = fixture.of("cluster_labels_4");
    for (i, j) in (0..24).flat_map(|i| (0..24).map(move |j| (i, j))) {
        assert_eq!(four.labels[i] == four.labels[j], theirs[i] == theirs[j], "units {i} and {j}");
    }
    // In the order of the tasks that they prefer.
    let preferred = |center: ndarray::ArrayView1<'_, f64>| (0..3).max_by(|&a, &b| center[a].total_cmp(&center[b]));
    let preferred: Vec<_> = all.clusters.centers.outer_iter().map(preferred).collect();
    assert!(preferred.is_sorted(), "{preferred:?}");
    let mut grouped: Vec<usize> = all.groups().into_iter().flat_map(|(_, units)| units).collect();
    grouped.sort_unstable();
    assert_eq!(grouped, (0..24).collect::<Vec<_>>());
}

#[test]
fn rotations_and_tangling_are_those_of_numpy() {
    let fixture = Fixture::open();
    let averages = fixture.averages();
    let times: Vec<f64> = (0..averages.dim().1).map(|step| step as f64 * 20.0).collect();
    let planes = Jpca::default().of_array(&averages, &times).unwrap();
    let theirs = &fixture.json["jpca"];
    close("skew", planes.r2_skew, number(&theirs["r2_skew"]), 1e-11);
    close("any", planes.r2, number(&theirs["r2_full"]), 1e-11);
    let a_step = planes.frequencies.mapv(|hertz| hertz * std::f64::consts::TAU * 0.02);
    all_close("frequencies", &a_step, &numbers(&theirs["frequencies_rad_per_step"]), 1e-11);

    let q = Tangling::of(&averages, &times).unwrap().q.mapv(|q| q * 0.02 * 0.02);
    all_close("tangling", &q, &fixture.of::<ndarray::Ix2>("tangling"), 1e-11);
}

#[test]
fn similarity_of_dynamics_reaches_the_minimum() {
    let fixture = Fixture::open();
    let dsa = Dsa::default().delays(2).rank(4);
    let models = ["A", "B", "C"].map(|name| {
        let trials: Array3<f64> = fixture.of(&format!("dsa_{name}"));
        let trials: Vec<Array2<f64>> = trials.outer_iter().map(|trial| trial.to_owned()).collect();
        let model = dsa.of_trials(&trials).unwrap();
        let theirs: Array2<f64> = fixture.of(&format!("dmd_Av_{name}"));
        all_close("A", &model.a.mapv(f64::abs), &theirs.mapv(f64::abs), 1e-11);
        let theirs: Array1<f64> = fixture.of(&format!("dmd_singular_{name}"));
        all_close("singular values", &model.singular_values, &theirs, 1e-11);
        model
    });
    for (other, name) in [(&models[1], "dsa_AB"), (&models[2], "dsa_AC")] {
        let theirs = &fixture.json[name];
        let ours = dsa.distance(&models[0], other).unwrap();
        close("angle", ours.angular, number(&theirs["angular"]), 1e-8);
        close("distance", ours.euclidean, number(&theirs["euclidean_normalised"]), 1e-8);
        close("Wasserstein", ours.wasserstein_squared, number(&theirs["wasserstein_sq"]), 1e-10);
        assert!(ours.euclidean < number(&theirs["euclidean_normalised"]) + 1e-10);
    }
}
