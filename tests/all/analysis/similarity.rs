//! Geometry and dynamics of populations against theory, and on data that make no sense. (Those of other programs are in `parity/`.)

use ndarray::{Array1, Array2, Array3, Axis, array, s};
use psychrnn::analysis::{
    Cka, Comparison, Composition, Dimension, Dissimilarity, Dsa, Jpca, KMeans, Noise, Procrustes, Rdm, Tangling,
    TaskVariance, alignment_index,
};
use psychrnn::prelude::*;
use psychrnn::threads::with_threads;

use super::close;

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
fn clusters_stand_in_the_order_of_the_tasks_that_they_prefer() {
    // Units of three kinds, each of which varies in a task of its own; one that hardly varies at all.
    let mut rng = Seed(3).stream(0);
    let mut activity = |task: usize| {
        Array3::from_shape_fn((40, 4, 13), |(_, _, unit)| {
            let size = if unit == 12 {
                0.001
            } else if (unit + 1) % 3 == task {
                2.0
            } else {
                0.2
            };
            size * f64::from(rng.normal(0.0, 1.0))
        })
    };
    let tasks = ["a", "b", "c"].into_iter().enumerate().map(|(task, name)| (name, activity(task)));
    let variances = TaskVariance::default().of_arrays(tasks).unwrap();
    let groups = variances.clusters(&KMeans::default()).unwrap().groups();
    assert_eq!(
        groups.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["cluster 1", "cluster 2", "cluster 3"]
    );
    let units: Vec<_> = groups.into_iter().map(|(_, units)| units).collect();
    assert_eq!(units, [[2, 5, 8, 11], [0, 3, 6, 9], [1, 4, 7, 10]]);
    let one = |threads| with_threads(threads, || variances.clusters(&KMeans::default())).unwrap();
    assert_eq!(one(1), one(3));
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

#[test]
fn tasks_that_are_composed_make_a_parallelogram() {
    let parts = normal((4, 30), 1);
    let [go, anti, delay, noise] = [0, 1, 2, 3].map(|row| parts.row(row).to_owned());
    let of = |off: f64| {
        let (delay_go, delay_anti) = (&go + &delay, &anti + &delay + &(&noise * off));
        Composition::of_vectors([
            ("go", go.clone()),
            ("anti", anti.clone()),
            ("delay go", delay_go),
            ("delay anti", delay_anti),
        ])
    };
    let composed = of(0.0).unwrap();
    assert!(composed.error < 1e-12 && (composed.explained - 1.0).abs() < 1e-12);
    // In the plane they are as far apart as in space, the first on the right, and the second above it.
    assert!(composed.plane[[0, 0]] > 0.0 && composed.plane[[0, 1]].abs() < 1e-12 && composed.plane[[1, 1]] > 0.0);
    for (i, j) in [(0, 1), (0, 2), (1, 3), (0, 3)] {
        let apart = |vectors: &Array2<f64>| {
            let between = &vectors.row(i) - &vectors.row(j);
            between.dot(&between)
        };
        close("distance", apart(&composed.plane), apart(&composed.vectors), 1e-9);
    }
    // As written out.
    let apart = of(0.7).unwrap();
    let (b, d) = (&anti - &go, &anti - &go + &(&noise * 0.7));
    close("error", apart.error, 0.49 * noise.dot(&noise) / (b.dot(&b) + d.dot(&d)), 1e-12);
    close("cosine", apart.cosine, b.dot(&d) / (b.dot(&b) * d.dot(&d)).sqrt(), 1e-12);
    let reversed = [("a", go.clone()), ("b", anti.clone()), ("c", anti.clone()), ("d", go.clone())];
    close("opposite", Composition::of_vectors(reversed).unwrap().error, 2.0, 1e-12);
    super::figures::drawn("composition", &apart.plot());

    // Sessions give the mean over trials at the last step of an epoch; weights the columns of the inputs.
    let states =
        Array3::from_shape_fn((6, 4, 5), |(trial, step, unit)| ((trial * 7 + step * 3 + unit * unit) as f32).sin());
    let all = session(&states);
    let spec = TaskSpec::new(1, 1).dt(20.0);
    let mut batch =
        Batch::from_arrays(&spec, Array3::ones((6, 4, 1)), Array3::ones((6, 4, 1)), Array3::ones((6, 4, 1))).unwrap();
    batch.epochs = vec![Epochs::new().then("cue", 40.0).then("go", 40.0); 6];
    let timed = Session::new(batch, states.clone(), states.clone(), Array3::ones((6, 4, 1))).unwrap();
    let parts = [[0, 1], [1, 2], [2, 3], [3, 5]].map(|rows| timed.select(&rows));
    let names = ["a", "b", "c", "d"];
    let of_sessions = Composition::at_end_of("cue").of([0, 1, 2, 3].map(|i| (names[i], &parts[i]))).unwrap();
    let mean = states.slice(s![3..6;2, 1, ..]).mapv(f64::from).mean_axis(Axis(0)).unwrap();
    all_close("vector", of_sessions.vectors.row(3), &mean, 1e-9);
    let mut weights = Weights::new();
    weights
        .insert("W_in", Array2::from_shape_fn((5, 6), |(unit, channel)| ((unit * 3 + channel * channel) as f32).cos()));
    let of_inputs = Composition::of_inputs(&weights, [("a", 1), ("b", 2), ("c", 4), ("d", 5)]).unwrap();
    all_close("weights", of_inputs.vectors.row(2), &weights.matrix("W_in").unwrap().column(4).mapv(f64::from), 1e-9);

    for (error, words) in [
        (
            Composition::of_inputs(&weights, [("a", 1), ("b", 2), ("c", 4), ("d", 6)]).unwrap_err(),
            "number of inputs, 6",
        ),
        (Composition::at_end_of("test").of(names.map(|name| (name, &timed))).unwrap_err(), "cue, go"),
        (Composition::at_end_of("go").of(names.map(|name| (name, &timed))).unwrap_err(), "the same in a and b"),
        (Composition::at_end_of("go").of(names.map(|name| (name, &all))).unwrap_err(), "none"),
        (Composition::of_vectors(names.map(|name| (name, array![f64::NAN]))).unwrap_err(), "place 0"),
    ] {
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn units_that_vary_in_neither_of_two_tasks_have_no_fraction() {
    let activity = |scale: [f64; 3]| {
        Array3::from_shape_fn((4, 2, 3), |(trial, _, unit)| scale[unit] * if trial % 2 == 0 { 1.0 } else { -1.0 })
    };
    let variance = TaskVariance::default()
        .of_arrays([("a", activity([1.0, 0.0, 0.01])), ("b", activity([0.5, 2.0, 0.01]))])
        .unwrap();
    let fractional = variance.fractional("a", "b").unwrap();
    close("fraction", fractional[0], 0.6, 1e-12);
    assert!(fractional[1] == -1.0 && fractional[2].is_nan());
    super::figures::drawn("fractional variance", &variance.plot_fractional("a", "b").unwrap());
    let still = TaskVariance::default().of_arrays([("a", activity([0.0; 3])), ("b", activity([0.0; 3]))]).unwrap();
    assert!(still.plot_fractional("a", "b").unwrap_err().to_string().contains("smaller in all"));
}

#[test]
fn epochs_of_a_task_are_tasks_of_their_own() {
    let states = Array3::from_shape_fn((6, 4, 3), |(trial, step, unit)| ((trial * 5 + step * 3 + unit) as f32).sin());
    let ones = || Array3::ones((6, 4, 1));
    let mut batch = Batch::from_arrays(&TaskSpec::new(1, 1).dt(20.0), ones(), ones(), ones()).unwrap();
    batch.epochs = vec![Epochs::new().then("fixation", 20.0).then("cue", 20.0).then("go", 40.0); 6];
    let session = Session::new(batch, states.clone(), states.clone(), ones()).unwrap();
    let variance = TaskVariance::default().without(["fixation"]);
    let by_epoch = variance.of_epochs([("a", &session), ("b", &session)]).unwrap();
    assert_eq!(by_epoch.tasks, ["a cue", "a go", "b cue", "b go"]);
    let of = |steps: std::ops::Range<usize>| {
        let part = states.slice(s![.., steps, ..]).mapv(f64::from);
        TaskVariance::default().of_arrays([("part", part)]).unwrap().variance
    };
    all_close("cue", by_epoch.variance.column(2), of(1..2).column(0), 1e-12);
    all_close("go", by_epoch.variance.column(1), of(2..4).column(0), 1e-12);
    // All of the task is the mean over its times.
    let whole = variance.of([("a", &session)]).unwrap();
    let mean = (&by_epoch.variance.column(0) + &(&by_epoch.variance.column(1) * 2.0)) / 3.0;
    all_close("whole", whole.variance.column(0), &mean, 1e-12);
}
