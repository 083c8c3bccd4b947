//! Figures of analyses. Set `PSYCHRNN_FIGURES` to a folder to look at them.

use ndarray::{Array2, Array3, arr1};
use psychrnn::analysis::{Classifier, Counts, Decoding, Dissimilarity, Dpca, Jpca, KMeans, Noise, TaskVariance};
use psychrnn::dynamics::LeakyUnits;
use psychrnn::plot::{Figure, pairs};
use psychrnn::prelude::*;

/// Two groups of units that add up the difference of the inputs and inhibit each other.
pub(super) fn weights() -> Weights {
    let mut rng = Seed(8).stream(0);
    let side = |unit: usize| if unit.is_multiple_of(2) { 0 } else { 1 };
    let mut weights = Weights::new();
    let w_rec = Array2::from_shape_fn((20, 20), |(to, from)| {
        (if side(to) == side(from) { 0.11 } else { -0.08 }) + rng.normal(0.0, 0.03)
    });
    weights.insert("W_rec", w_rec);
    weights.insert("W_in", Array2::from_shape_fn((20, 2), |(unit, i)| if side(unit) == i { 0.4 } else { 0.0 }));
    weights.insert("W_out", Array2::from_shape_fn((2, 20), |(i, unit)| if side(unit) == i { 0.1 } else { 0.0 }));
    weights.insert("b_rec", arr1(&[0.0_f32; 20]));
    weights.insert("b_out", arr1(&[0.0_f32; 2]));
    weights.insert("init_state", Array2::<f32>::zeros((1, 20)));
    weights
}

fn session(task: &PerceptualDiscrimination) -> Session {
    let leak = LeakyUnits::new(10.0, 100.0).noise(0.05);
    let session = Simulator::new(&weights(), leak).unwrap().run(&task.batch(600, Seed(1)).unwrap()).unwrap();
    session.with("signed coherence", ["coherence", "direction"], |[c, d]| if d == 1.0 { c } else { -c }).unwrap()
}

pub(super) fn drawn(name: &str, figure: &Figure) {
    let png = figure.png().unwrap();
    if let Some(folder) = std::env::var_os("PSYCHRNN_FIGURES") {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), png).unwrap();
    }
}

#[test]
fn trials_of_rings_are_pictures() {
    let batch = psychrnn::tasks::Categorization::default().batch(1, Seed(1)).unwrap();
    let figure = batch.plot_trial(0).unwrap();
    drawn("trial of a ring", &figure);
    // 33 inputs are rows without a name, 3 targets are lines.
    let svg = figure.svg().unwrap();
    assert!(svg.contains("channel 2") && !svg.contains("channel 3"), "{svg}");
    let both = psychrnn::tasks::Reach::default().batch(1, Seed(1)).unwrap();
    let states = Array3::zeros((1, both.n_steps(), 1));
    let session = Session::new(both.clone(), states.clone(), states, both.targets).unwrap();
    drawn("trial of a reach", &session.plot_trial(0).unwrap());
}

#[test]
fn a_subject_is_analyzed_and_drawn() {
    let task = PerceptualDiscrimination::default()
        .onset(300.0)
        .stimulus(800.0)
        .duration(1400.0)
        .coherences(&[0.0, 0.02, 0.05, 0.1, 0.2])
        .noise(0.3);
    let session = session(&task);
    let counts = session.choices_by("signed coherence", 1).unwrap();
    let fit = Psychometric::default().fit(&counts).unwrap();
    assert!(fit.threshold.value.abs() < 0.05 && fit.at(0.2) > 0.8 && fit.at(-0.2) < 0.2, "{}", fit.table());
    drawn("psychometric", &fit.plot().unwrap());

    let times = session.reaction_times(0.6, "stimulus").unwrap();
    drawn("chronometric", &session.chronometric("coherence", &times, 0.95).unwrap().plot());

    let correct = session.only("correct", true).unwrap();
    let average = Average::by("signed coherence").aligned_to("stimulus").window(-200.0..800.0);
    let averages = average.of(&correct).unwrap();
    drawn("unit", &averages.plot_unit(0).unwrap());
    drawn("units", &averages.plot_units([0, 1, 2]).unwrap());
    assert!(averages.plot_unit(20).unwrap_err().to_string().contains("`unit`"));
    for nothing in [averages.plot_units([]), session.plot_states(0, [])] {
        assert!(nothing.unwrap_err().to_string().contains("at least one"));
    }
    let boot = Average { band: Band::Bootstrap(Bootstrap::default().resamples(300)), ..Average::by("choice") };
    drawn("outputs", &boot.signal(Signal::Outputs).of(&correct).unwrap().plot_units([0, 1]).unwrap());

    let pca = averages.pca(4).unwrap();
    drawn("components", &pca.plot_shares());
    let trajectories = averages.trajectories(&pca).unwrap();
    drawn("trajectories", &trajectories.plot(0, 1).unwrap());
    assert!(trajectories.plot(0, 4).unwrap_err().to_string().contains("`component`"));
    // The end of the stimulus is ordered by coherence along one component.
    let last = trajectories.points.dim().1 - 1;
    let ends: Vec<f64> = (0..9).map(|condition| trajectories.points[[condition, last, 0]]).collect();
    assert!((ends[0] - ends[8]).abs() > 4.0 * (ends[0] - ends[1]).abs(), "{ends:?}");

    let activity = session.mean_activity(Signal::Rates, "stimulus", 400.0..800.0).unwrap();
    drawn("tuning", &session.tuning("signed coherence", &activity).unwrap().plot_unit(1).unwrap());
    let selectivity = session.selectivity("direction", &activity).unwrap();
    let order = order_by_selectivity(&selectivity, None);
    assert!(order[..10].iter().all(|unit| unit % 2 == 1), "the units of side 1 first: {order:?}");
    let weights = weights();
    drawn(
        "weights",
        &Figure::join([weights.plot("W_rec").unwrap(), weights.plot_sorted("W_rec", &order).unwrap()])
            .size(760.0, 320.0),
    );
    drawn("weights-in", &weights.plot_sorted("W_in", &order).unwrap());
    assert!(weights.plot_sorted("W_rec", &order[1..]).is_err() && weights.plot_sorted("W_rec", &[0, 0]).is_err());
    assert!(weights.plot_sorted("W_rec", &[1, 0, 2]).unwrap_err().to_string().contains("`order`"));
}

#[test]
fn populations_are_compared_and_drawn() {
    let task = PerceptualDiscrimination::default().onset(300.0).stimulus(800.0).duration(1400.0).noise(0.3);
    let session = session(&task.coherences(&[0.0, 0.05, 0.1, 0.2]));
    let averages = Average::by("signed coherence").aligned_to("stimulus").window(0.0..800.0).of(&session).unwrap();
    let rdm = averages.rdm(400.0..800.0, Dissimilarity::SquaredEuclidean).unwrap();
    drawn("rdm", &rdm.plot());
    // The strongest evidence for either side is farthest apart.
    assert_eq!(rdm.pairs().into_iter().fold(0.0, f64::max), rdm.distances[[0, 6]]);
    let activity = session.mean_activity(Signal::States, "stimulus", 400.0..800.0).unwrap();
    let crossnobis = session.crossnobis("signed coherence", &activity, 4, Noise::Covariance).unwrap();
    drawn("rdm-crossnobis", &crossnobis.plot());
    assert!(crossnobis.distances[[0, 6]] > 0.0 && crossnobis.conditions == averages.conditions);

    drawn("jpca-none", &Jpca::default().of(&averages).unwrap().plot(0).unwrap());
    let times: Vec<f64> = (0..40).map(|step| f64::from(step) * 10.0).collect();
    let states = Array3::from_shape_fn((5, 40, 6), |(condition, step, unit)| {
        let way = |hertz: f64| condition as f64 + hertz * times[step] * 0.00628 + (hertz * unit as f64).sin();
        (1.0 + 0.2 * condition as f64) * (way(1.5) + unit as f64).cos() + 0.5 * (way(0.4) - unit as f64).sin()
    });
    let planes = Jpca::default().n_components(4).of_array(&states, &times).unwrap();
    drawn("jpca", &planes.plot(0).unwrap());
    assert!(planes.plot(3).unwrap_err().to_string().contains("`plane`"));

    // Units of three kinds in two tasks.
    let mut rng = Seed(3).stream(0);
    let mut activity = |of: [f64; 3]| {
        let mut kinds = [0.0; 40];
        kinds.iter_mut().enumerate().for_each(|(unit, kind)| *kind = of[unit % 3] + f64::from(rng.uniform(0.0, 0.1)));
        Array3::from_shape_fn((30, 5, 40), |(_, _, unit)| kinds[unit] * f64::from(rng.normal(0.0, 1.0)))
    };
    let tasks = [("motion", activity([1.0, 0.0, 0.8])), ("color", activity([0.0, 1.0, 0.8]))];
    let clusters = TaskVariance::default().of_arrays(tasks).unwrap().clusters(&KMeans::default()).unwrap();
    drawn("task-variance", &clusters.plot());
    assert_eq!(clusters.groups().len(), 3);
}

#[test]
fn steep_and_odd_curves_are_drawn() {
    let levels = [0.0, 3.2, 6.4, 12.8, 25.6, 51.2];
    let counts = Counts::new("Coherence (%)", &levels, &[80; 6], &[41, 45, 54, 69, 77, 78]).unwrap();
    let model = Psychometric::default().curve(Curve::Weibull).guess(0.5);
    drawn("weibull", &model.fit(&counts.hit_name("Share correct")).unwrap().plot().unwrap());
    let steep = Counts::new("Coherence", &[-0.2, -0.1, 0.1, 0.2], &[50; 4], &[0, 0, 50, 50]).unwrap();
    drawn("steep", &Psychometric::default().fit(&steep).unwrap().plot().unwrap());
    let curriculum = [1400, 1200, 1600, 1350, 1500, 1450, 1300, 1700, 1250, 1400];
    let fixed = [2900, 2100, 2500, 3100, 2750, 1900, 1650, 2200, 2600, 2450];
    drawn("pairs", &pairs("Trials to criterion", ["curriculum", "fixed"], &curriculum, &fixed).unwrap());
    assert!(pairs("x", ["a", "b"], &[1.0], &[]).is_err());
    let error = pairs("x", ["before", "after"], &[1.0, 2.0], &[1.0, f64::NAN]).unwrap_err().to_string();
    assert!(error.contains("`after`") && error.contains("pair 1"), "{error}");
    let lone = Session::new(
        task_of_one(),
        Array3::zeros((1, 5, 1)),
        Array3::zeros((1, 5, 1)),
        Array3::from_shape_fn((1, 5, 1), |(_, step, _)| step as f32),
    );
    let averages = Average::by("trial").of(&lone.unwrap()).unwrap();
    drawn("lone", &averages.plot_unit(0).unwrap());
}

fn task_of_one() -> Batch {
    let ones = || Array3::ones((1, 5, 1));
    Batch::from_arrays(&TaskSpec::new(1, 1), ones(), ones(), ones()).unwrap()
}

#[test]
fn means_of_a_table_are_drawn_over_other_columns() {
    let mut table = Table::new();
    table.insert("noise", [0.0, 0.0, 0.1, 0.1, 0.1, 0.2]).unwrap();
    table.insert("lessons", ["fixed", "curriculum", "fixed", "curriculum", "curriculum", "fixed"]).unwrap();
    table.insert("accuracy", [Some(0.9), Some(0.8), Some(0.7), None, Some(0.6), None]).unwrap();
    table.insert("empty", [None::<f64>; 6]).unwrap();
    for by in ["noise", "lessons"] {
        drawn("means", &table.plot_means("accuracy", by).unwrap());
    }
    let figure = table.plot_means_of("accuracy", "noise", "lessons").unwrap();
    assert!(figure.to_string().contains("lessons curriculum"), "{figure}");
    drawn("means-of", &figure);
    drawn("means-map", &table.plot_means_map("accuracy", "noise", "lessons").unwrap());
    // The mean of the one at 0.1 that has a number with a curriculum is itself.
    let only = table.only("lessons", "curriculum").unwrap();
    assert_eq!(only.mean_by("accuracy", "noise").unwrap().numbers("mean accuracy").unwrap(), [0.8, 0.6]);
    assert!(table.plot_means("empty", "noise").is_err() && table.plot_means("accuracy", "empty").is_err());
    assert!(
        table.plot_means_map("empty", "noise", "lessons").is_err() && table.plot_means("lessons", "noise").is_err()
    );
    assert!(Table::new().plot_means("accuracy", "noise").is_err());
}

#[test]
fn what_is_decoded_and_demixed_is_drawn() {
    let task =
        PerceptualDiscrimination::default().onset(200.0).stimulus(400.0).duration(800.0).coherences(&[0.05, 0.2]);
    let session = session(&task.noise(0.5));
    let decoding = Decoding::new("direction").classifier(Classifier::Lda).aligned_to("stimulus").window(-200.0..600.0);
    let decoded = decoding.clone().permutations(20).of(&session).unwrap();
    drawn("decoding", &decoded.plot());
    drawn("decoding-matrix", &decoded.plot_matrix());
    drawn("decoding-across", &decoding.across(&session, "coherence").unwrap().plot());
    drawn("decoding-plain", &decoding.permutations(0).of(&session).unwrap().plot());
    let dpca = Dpca::new(["coherence", "direction"]).aligned_to("stimulus").window(-200.0..600.0).bin(40.0);
    let demixed = dpca.n_components(4).lambda(1e-5).shuffles(10).splits(5).of(&session).unwrap();
    drawn("dpca", &demixed.plot(3).unwrap());
    drawn("dpca-variance", &demixed.plot_variance());
    assert!(demixed.plot(0).unwrap_err().to_string().contains("`n_components`"));
    // One time, one marginal of any size.
    let one = Decoding::new("side")
        .folds(2)
        .of_arrays(&Array3::from_shape_fn((8, 1, 1), |(i, _, _)| i as f64), &[0, 0, 0, 0, 1, 1, 1, 1]);
    let one = one.unwrap();
    drawn("decoding-one", &Figure::join([one.plot(), one.plot_matrix()]));
    let few = Array2::from_shape_fn((2, 2), |(unit, s)| (unit + s) as f64).insert_axis(ndarray::Axis(2));
    drawn("dpca-one", &Dpca::new(["s"]).lambda(0.0).of_averages(&few).unwrap().plot(1).unwrap());
}
