//! Geometry and dynamics of populations against the numbers of other programs (`data/parity/analysis/README.md` says which), against
//! theory, and on data that make no sense.

use std::path::PathBuf;

use ndarray::{Array1, Array2, Array3, Array4, Axis, array, s};
use psychrnn::analysis::{
    Cka, Comparison, Dimension, Dissimilarity, Dsa, Jpca, KMeans, Noise, Procrustes, Rdm, Tangling, TaskVariance,
    alignment_index,
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

/// Trials one step after the other, three conditions in turn, of which states are given.
fn session(states: &Array3<f32>) -> Session {
    let (n_trials, n_steps, _) = states.dim();
    let ones = || Array3::ones((n_trials, n_steps, 1));
    let batch = Batch::from_arrays(&TaskSpec::new(1, 1).dt(20.0), ones(), ones(), ones()).unwrap();
    let session = Session::new(batch, states.clone(), states.clone(), ones()).unwrap();
    session.with_column("condition", (0..n_trials).map(|trial| trial % 3)).unwrap()
}

fn normal(shape: (usize, usize), seed: u64) -> Array2<f64> {
    let mut rng = Seed(seed).stream(0);
    Array2::from_shape_simple_fn(shape, || f64::from(rng.normal(0.0, 1.0)))
}

#[test]
fn sessions_and_averages_give_what_their_arrays_give() {
    let mut rng = Seed(2).stream(0);
    let states = Array3::from_shape_fn((12, 10, 5), |(trial, step, unit)| {
        ((trial % 3 + 1) as f32 * (step as f32 * 0.4 + unit as f32)).sin() + rng.normal(0.0, 0.1)
    });
    let session = session(&states);
    let averages = Average::by("condition").of(&session).unwrap();
    let (mean, times) = (&averages.mean, &averages.times);
    assert_eq!(averages.tangling().unwrap().q, Tangling::of(mean, times).unwrap().q);
    let jpca = Jpca::default().n_components(4);
    let (planes, plain) = (jpca.of(&averages).unwrap(), jpca.of_array(mean, times).unwrap());
    assert_eq!((&planes.components, &planes.trajectories.by), (&plain.components, &"condition".to_owned()));
    assert_eq!(averages.dimension().unwrap(), Dimension::of(&averages.samples()).unwrap());
    assert_eq!(averages.alignment_with(&averages, 2).unwrap(), 1.0);

    let rdm = averages.rdm(100.0..140.0, Dissimilarity::Correlation).unwrap();
    let window = mean.slice(s![.., 5..7, ..]).mean_axis(Axis(1)).unwrap();
    assert_eq!(rdm.distances, Rdm::of(&window, Dissimilarity::Correlation).unwrap().distances);
    let activity = session.mean_activity(Signal::States, None, 100.0..140.0).unwrap();
    let of_trials = session.rdm("condition", &activity, Dissimilarity::Correlation).unwrap();
    all_close("of trials", &of_trials.distances, &rdm.distances, 1e-6);
    // As many folds as trials: a trial of each condition is a fold.
    let folds = activity.to_shape((4, 3, 5)).unwrap().into_owned();
    for noise in [Noise::Ignored, Noise::Variances, Noise::Covariance] {
        let ours = session.crossnobis("condition", &activity, 4, noise).unwrap();
        all_close("crossnobis", &ours.distances, &Rdm::crossnobis(&folds, noise).unwrap().distances, 1e-12);
    }

    let dsa = Dsa::default().delays(2).rank(3);
    let trials: Vec<Array2<f64>> = mean.outer_iter().map(|trial| trial.to_owned()).collect();
    assert_eq!(dsa.of_averages(&averages).unwrap(), dsa.of_trials(&trials).unwrap());
    let trials: Vec<Array2<f64>> = states.outer_iter().map(|trial| trial.mapv(f64::from)).collect();
    let model = dsa.interval(3).of(&session, Signal::States).unwrap();
    assert_eq!(model, Dsa::default().delays(2).interval(3).rank(3).of_trials(&trials).unwrap());
    assert_eq!(model.shape, (12 * 7, 10));

    // Times and trials are the other way about in a task's activity.
    let variance = TaskVariance::default();
    let plain = variance.of_arrays([("a", states.mapv(f64::from))]).unwrap();
    all_close("task variance", &variance.of([("a", &session)]).unwrap().variance, &plain.variance, 1e-12);
}

#[test]
fn shapes_and_kernels_know_what_does_not_matter() {
    let (x, other) = (normal((30, 6), 1), normal((30, 9), 2));
    let rotation = {
        let shapes = Procrustes::of(&x, &normal((30, 6), 3)).unwrap();
        shapes.rotation
    };
    let moved = 3.0 * x.dot(&rotation) - 2.0;
    let same = Procrustes::of(&x, &moved).unwrap();
    assert!(same.angle < 1e-7 && same.disparity < 1e-13, "{}", same.angle);
    all_close("aligned", &same.align(&x).unwrap(), &moved, 1e-12);
    // A metric, whichever has more units.
    let (there, back) = (Procrustes::of(&x, &other).unwrap(), Procrustes::of(&other, &x).unwrap());
    close("symmetric", there.angle, back.angle, 1e-12);
    assert!(there.angle > 0.1 && there.rotation.dim() == (6, 9));
    for debiased in [false, true] {
        let cka = Cka::default().debiased(debiased);
        close("moved", cka.of(&x, &moved).unwrap(), 1.0, 1e-12);
    }
    // Of unrelated activity the plain one is far from 0, the debiased one is not on average.
    let mean = |debiased: bool| {
        let of = |i: u64| Cka::default().debiased(debiased).of(&normal((8, 40), 2 * i), &normal((8, 40), 2 * i + 1));
        (0..200).map(|i| of(i + 10).unwrap()).sum::<f64>() / 200.0
    };
    assert!(mean(false) > 0.8 && mean(true).abs() < 0.05, "{} {}", mean(false), mean(true));
    let many = normal((60, 3), 5);
    let plain = Cka::default().debiased(false).of(&many, &normal((60, 3), 6)).unwrap();
    assert_eq!(Cka::default().of(&many, &normal((60, 3), 6)).unwrap(), plain, "of many conditions");
}

#[test]
fn cross_validated_distances_do_not_grow_with_noise() {
    // Six folds of four conditions of which all are the same.
    let folds = |seed| normal((24, 8), seed).to_shape((6, 4, 8)).unwrap().into_owned();
    let scale = Array1::from_iter((0..8).map(|unit| f64::from(unit + 1)));
    for noise in [Noise::Ignored, Noise::Variances, Noise::Covariance] {
        let of = |seed: u64| Rdm::crossnobis(&folds(seed), noise).unwrap().pairs();
        let all: Vec<f64> = (0..300).flat_map(of).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        // Noise that is estimated from the same folds leaves `4 / (n_folds (dof - 2))`, with 20 degrees of freedom here; its correlations leave
        // some more.
        let left = if noise == Noise::Ignored { 0.0 } else { 4.0 / (6.0 * 18.0) };
        let more = if noise == Noise::Covariance { 0.06 } else { 0.01 };
        assert!(mean - left > -0.01 && mean - left < more, "{noise:?}: {mean} and not {left}");
        if noise != Noise::Ignored {
            let scaled = Rdm::crossnobis(&(folds(1) * &scale), noise).unwrap();
            all_close("in units of noise", &scaled.pairs(), &of(1), 1e-10);
        }
    }
}

#[test]
fn rank_comparisons_are_those_of_a_plain_loop() {
    let mut rng = Seed(9).stream(0);
    for n in [3, 4, 8] {
        // With ties.
        let mut rdm = || {
            let activity = Array2::from_shape_simple_fn((n, 2), || rng.index(3) as f64);
            Rdm::of(&activity, Dissimilarity::SquaredEuclidean).unwrap()
        };
        let (a, b) = (rdm(), rdm());
        let (x, y) = (a.pairs(), b.pairs());
        let pairs: Vec<(usize, usize)> = (0..x.len()).flat_map(|i| (0..i).map(move |j| (i, j))).collect();
        let sign = |d: f64| if d == 0.0 { 0.0 } else { d.signum() };
        let sum: f64 = pairs.iter().map(|&(i, j)| sign(x[i] - x[j]) * sign(y[i] - y[j])).sum();
        close("τ-a", a.compare(&b, Comparison::TauA).unwrap(), sum / pairs.len() as f64, 1e-14);
    }
}

#[test]
fn a_rotation_is_found_with_its_frequency_and_direction() {
    // 2 Hz, begun at eight phases, in a plane of 6 units; a slower one, clockwise as seen there, in another.
    let plane = {
        let pca = Pca::fit(&normal((50, 6), 4), 4).unwrap();
        pca.components
    };
    let times: Vec<f64> = (0..40).map(|step| f64::from(step) * 10.0).collect();
    let states = Array3::from_shape_fn((8, 40, 6), |(condition, step, unit)| {
        let begun = condition as f64 * std::f64::consts::TAU / 8.0;
        let phase = |hertz: f64| begun + std::f64::consts::TAU * hertz * times[step] / 1000.0;
        let (fast, slow) = (phase(2.0), phase(-0.5));
        let (x, y) = (1.5 * fast.cos(), 1.5 * fast.sin());
        x * plane[[0, unit]] + y * plane[[1, unit]] + slow.cos() * plane[[2, unit]] + slow.sin() * plane[[3, unit]]
    });
    let planes = Jpca::default().n_components(4).of_array(&states, &times).unwrap();
    assert!(planes.r2_skew > 1.0 - 1e-12 && planes.r2 >= planes.r2_skew - 1e-12);
    // Of a step of angle `a` mid-points know `2 tan(a / 2)`.
    let of_step = |hertz: f64| (std::f64::consts::PI * hertz / 100.0).tan() * 100.0 / std::f64::consts::PI;
    all_close("frequencies", &planes.frequencies, &[of_step(2.0), of_step(0.5)], 1e-9);
    let points = &planes.trajectories.points;
    for plane in 0..2 {
        let (x, y) = (points.slice(s![.., .., 2 * plane]), points.slice(s![.., .., 2 * plane + 1]));
        let turned = |condition: usize| x[[condition, 0]] * y[[condition, 1]] - y[[condition, 0]] * x[[condition, 1]];
        assert!((0..8).all(|condition| turned(condition) > 0.0), "counterclockwise");
    }
}

#[test]
fn dynamics_that_are_rotations_of_each_other_are_the_same() {
    let dsa = Dsa::default();
    for n in [1, 2, 3, 5, 8] {
        let a = normal((n, n), n as u64);
        let basis = normal((n, n), 50 + n as u64);
        let rotation =
            if n == 1 { array![[-1.0]] } else { Procrustes::of(&basis, &normal((n, n), 99)).unwrap().rotation };
        let same = dsa.between(&a, &(2.0 * rotation.dot(&a).dot(&rotation.t()))).unwrap();
        assert!(same.euclidean < 1e-7, "{n}: {}", same.euclidean);
        let other = normal((n, n), 200 + n as u64);
        let (there, back) = (dsa.between(&a, &other).unwrap(), dsa.between(&other, &a).unwrap());
        close("symmetric", there.angular, back.angular, 1e-9);
        let one = |matrix: &Array2<f64>| matrix / matrix.mapv(|x| x * x).sum().sqrt();
        let aligned = there.rotation.dot(&one(&other)).dot(&there.rotation.t());
        close("reached", (one(&a) - aligned).mapv(|d| d * d).sum().sqrt(), there.euclidean, 1e-12);
        // Eigenvalues alone bound it from below only for normal matrices; for symmetric ones they are all there is.
        let (p, q) = (&a + &a.t(), &other + &other.t());
        let symmetric = dsa.between(&one(&p), &one(&q)).unwrap();
        close("symmetric matrices", symmetric.euclidean.powi(2) / n as f64, symmetric.wasserstein_squared, 1e-9);
        for threads in [1, 3] {
            assert_eq!(with_threads(threads, || dsa.between(&a, &other)).unwrap(), there);
        }
    }
    // What stands out from noise: three oscillations of it.
    let mut rng = Seed(1).stream(0);
    let trial = Array2::from_shape_fn((400, 30), |(t, unit)| {
        let wave = |k: usize| {
            ((k as f64 + 1.0) * 0.17 * t as f64 + ((k + 1) * unit) as f64).sin() * (1 + unit % (k + 2)) as f64
        };
        (0..3).map(wave).sum::<f64>() + f64::from(rng.normal(0.0, 0.05))
    });
    let model = dsa.of_trials(std::slice::from_ref(&trial)).unwrap();
    assert_eq!((model.suggested_rank(), model.a.nrows()), (6, 6));
    let turns: Vec<f64> = model.eigenvalues().unwrap().iter().map(|value| value.arg().abs()).collect();
    let nearest = |angle: f64| turns.iter().map(|turn| (turn - angle).abs()).fold(f64::INFINITY, f64::min);
    assert!((1..4).all(|k| nearest(0.17 * f64::from(k)) < 1e-3), "{turns:?}");
    // Trials are not joined: nothing leads from the end of one to the beginning of another.
    let halves = [trial.slice(s![..200, ..]).to_owned(), trial.slice(s![200.., ..]).to_owned()];
    let turned = [halves[1].clone(), halves[0].clone()];
    let six = dsa.rank(6);
    let (one, other) = (six.of_trials(&halves).unwrap(), six.of_trials(&turned).unwrap());
    all_close("order of trials", &one.a.mapv(f64::abs), &other.a.mapv(f64::abs), 1e-9);
    assert!(six.distance(&one, &other).unwrap().angular < 1e-6);
    let distances = six.distances(&[one.clone(), other, one]).unwrap();
    assert_eq!(distances.diag().sum(), 0.0);
}

#[test]
fn nonsense_is_an_error_that_says_so() {
    let flat = Array2::<f64>::ones((5, 3));
    let nan = array![[1.0, 2.0], [f64::NAN, 1.0], [0.0, 1.0], [2.0, 3.0]];
    let some = normal((6, 3), 1);
    let cube = normal((12, 4), 2).to_shape((2, 6, 4)).unwrap().into_owned();
    let times = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    let none = Array2::<f64>::zeros((0, 3));
    let dsa = Dsa::default();
    let model = |rank: usize| Dsa::default().rank(rank).of_trials(&[normal((20, 4), 3)]);
    let said = |result: psychrnn::Result<()>| result.unwrap_err().to_string();
    let cases = [
        (said(Dimension::of(&none).map(drop)), "shape"),
        (said(Dimension::of(&flat).map(drop)), "vary"),
        (said(Dimension::of(&nan).map(drop)), "NaN"),
        (said(Dimension::of(&some).unwrap().components_to(1.5).map(drop)), "`share`"),
        (said(alignment_index(&some, &flat, 1).map(drop)), "vary"),
        (said(alignment_index(&some, &normal((6, 4), 2), 1).map(drop)), "n_units = 3"),
        (said(Cka::default().of(&some, &normal((5, 3), 2)).map(drop)), "`y`"),
        (said(Cka::default().of(&normal((3, 3), 1), &normal((3, 3), 2)).map(drop)), "[4, 1]"),
        (said(Cka::default().of(&normal((5, 3), 1), &flat).map(drop)), "tells the conditions apart"),
        (said(Cka::default().of(&nan, &nan).map(drop)), "`x` must be finite"),
        (said(Procrustes::of(&flat, &normal((5, 3), 1)).map(drop)), "the same in all"),
        (said(Procrustes::of(&some, &some).unwrap().align(&nan).map(drop)), "n_x = 3"),
        (said(Rdm::of(&normal((1, 3), 1), Dissimilarity::default()).map(drop)), "[2, 1]"),
        (said(Rdm::of(&flat, Dissimilarity::Correlation).map(drop)), "condition 0"),
        (said(Rdm::crossnobis(&Array3::ones((3, 2, 2)), Noise::Covariance).map(drop)), "`noise`"),
        (said(Rdm::crossnobis(&Array3::ones((1, 2, 2)), Noise::Ignored).map(drop)), "n_folds"),
        (said(Jpca::default().n_components(3).of_array(&cube, &times).map(drop)), "even"),
        (said(Jpca::default().n_components(8).of_array(&cube, &times).map(drop)), "from 1 to 4"),
        (said(Jpca::default().of_array(&cube, &[0.0, 1.0, 2.0, 3.0, 4.0, 9.0]).map(drop)), "equally distant"),
        (said(Jpca::default().n_components(2).of_array(&Array3::ones((2, 6, 4)), &times).map(drop)), "vary"),
        (said(Tangling::of(&Array3::ones((2, 6, 4)), &times).map(drop)), "vary"),
        (said(Tangling::of(&Array3::from_elem((2, 6, 4), f64::NAN), &times).map(drop)), "vary"),
        (said(KMeans::default().of(&flat).map(drop)), "1 different points"),
        (said(KMeans::default().starts(0).of(&some).map(drop)), "`starts`"),
        (said(KMeans::default().n_clusters(9..=9).of(&some).map(drop)), "6 different points"),
        (said(KMeans::default().of(&nan).map(drop)), "NaN"),
        (said(TaskVariance::default().of_arrays([("a", Array3::ones((1, 5, 3)))]).map(drop)), "two trials"),
        (said(TaskVariance::default().of_arrays::<&str>([]).map(drop)), "at least one"),
        (
            said(
                TaskVariance::default()
                    .of_arrays([("a", Array3::ones((4, 5, 3)))])
                    .unwrap()
                    .clusters(&KMeans::default())
                    .map(drop),
            ),
            "three active",
        ),
        (
            said(TaskVariance::default().of_arrays([("a", cube.clone())]).unwrap().fractional("a", "b").map(drop)),
            "one of a",
        ),
        (said(dsa.of_trials(&[]).map(drop)), "steps"),
        (said(dsa.of_trials(&[nan]).map(drop)), "NaN"),
        (said(dsa.of_trials(&[Array2::zeros((5, 2))]).map(drop)), "`rank`"),
        (said(dsa.clone().delays(0).of_trials(&[]).map(drop)), "`delays`"),
        (said(dsa.clone().delays(9).of_trials(std::slice::from_ref(&some)).map(drop)), "at least 10 steps"),
        (said(model(5).map(drop)), "from 1 to 4"),
        (said(dsa.distance(&model(2).unwrap(), &model(3).unwrap()).map(drop)), "same `rank`"),
        (said(dsa.between(&Array2::zeros((2, 2)), &Array2::eye(2)).map(drop)), "dynamics that move"),
    ];
    for (i, (message, part)) in cases.iter().enumerate() {
        assert!(message.contains(part), "{i}: {message}");
    }
    let (three, four) = (normal((3, 2), 1), normal((4, 2), 1));
    let rdm = |activity| Rdm::of(activity, Dissimilarity::SquaredEuclidean).unwrap();
    assert!(rdm(&three).compare(&rdm(&four), Comparison::Cosine).is_err());
    assert!(rdm(&flat).compare(&rdm(&flat), Comparison::Spearman).is_err());
    // A cluster of one point is no evidence for it.
    let lone = KMeans::default().n_clusters(2..=2).of(&array![[0.0], [0.1], [9.0]]).unwrap();
    assert_eq!(lone.silhouettes[2], 0.0);
}
