//! Regressions on what the experimenter varies, on activity that is made of known parts.

use ndarray::{Array1, Array2, Array3, Axis};
use proptest::prelude::*;
use psychrnn::analysis::{Counts, LinearTuning, Targeted, TargetedAxes};
use psychrnn::plot::shares;
use psychrnn::prelude::*;

use super::close;
use super::figures::drawn;

const DT: f64 = 10.0;

/// A session of trials without a task, whose states and rates are these `[n_trials, n_steps, n_units]`.
fn session(states: Array3<f32>) -> Session {
    let (n, n_steps, _) = states.dim();
    let spec = TaskSpec::new(1, 2).dt(DT as f32);
    let array = |channels| Array3::zeros((n, n_steps, channels));
    let batch = Batch::from_arrays(&spec, array(1), array(2), array(2)).unwrap();
    Session::new(batch, states.clone(), states, array(2)).unwrap()
}

/// Trials of the levels 10, 20, 30, 40 twice each, with this activity of a unit at a level and a step.
fn levels(n_units: usize, n_steps: usize, activity: impl Fn(usize, f64, usize) -> f64) -> Session {
    let level = |trial: usize| 10.0 * (1.0 + (trial % 4) as f64);
    let states =
        Array3::from_shape_fn((8, n_steps, n_units), |(trial, step, unit)| activity(unit, level(trial), step) as f32);
    session(states).with_column("f1", (0..8).map(level)).unwrap()
}

fn linear(session: &Session) -> LinearTuning {
    Average::by("f1").signal(Signal::Rates).of(session).unwrap().linear_tuning().unwrap()
}

#[test]
fn slopes_and_their_probabilities_are_those_of_the_formula() {
    // Unit 0 is linear, unit 1 silent, unit 2 linear but for errors of 1, -1, -1, 1, which no line takes up.
    let off = |level: f64| if level == 10.0 || level == 40.0 { 1.0 } else { -1.0 };
    let session = levels(3, 5, |unit, level, step| match unit {
        0 => 3.0 + 0.25 * step as f64 * level,
        1 => 0.5,
        _ => 0.2 * level + off(level),
    });
    let tuning = linear(&session);
    assert_eq!(tuning.times, [0.0, 10.0, 20.0, 30.0, 40.0]);
    for step in 0..5 {
        close("slope", tuning.slope[[step, 0]], 0.25 * step as f64, 1e-6);
        close("intercept", tuning.intercept[[step, 0]], 3.0, 1e-5);
        assert!(tuning.p_value[[step, 0]] < 1e-5 || step == 0);
        assert_eq!((tuning.slope[[step, 1]], tuning.p_value[[step, 1]]), (0.0, 1.0));
        close("slope", tuning.slope[[step, 2]], 0.2, 1e-6);
        // t = 0.2 / sqrt(4 / 2 / 500); with two degrees of freedom p = 1 - t / sqrt(2 + t²).
        let t = 0.2 / (2.0_f64 / 500.0).sqrt();
        close("p", tuning.p_value[[step, 2]], 1.0 - t / (2.0 + t * t).sqrt(), 1e-6);
    }
    assert_eq!(tuning.share_significant(0.05), [0.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]);
}

#[test]
fn tuning_that_lasts_is_told_from_tuning_that_turns() {
    // Slopes rise and fall with the unit; from step 6 on they are those of other units, from step 8 on reversed.
    let mut rng = Seed(4).stream(0);
    let first: Vec<f64> = (0..50).map(|_| f64::from(rng.normal(0.0, 1.0))).collect();
    let second: Vec<f64> = (0..50).map(|_| f64::from(rng.normal(0.0, 1.0))).collect();
    let slope = |unit: usize, step: usize| match step {
        0 => 0.0,
        1..6 => first[unit] * step as f64,
        6..8 => second[unit],
        _ => -first[unit],
    };
    let tuning = linear(&levels(50, 10, |unit, level, step| slope(unit, step) * level));
    let correlation = tuning.correlation(21.0).unwrap();
    assert!(correlation[0].is_nan());
    assert!(correlation[1..6].iter().all(|r| (r - 1.0).abs() < 1e-6));
    assert!(correlation[8..].iter().all(|r| (r + 1.0).abs() < 1e-6));
    let mean = |x: &[f64]| x.iter().sum::<f64>() / 50.0;
    let covariance = |x: &[f64], y: &[f64]| {
        let products: Vec<f64> = x.iter().zip(y).map(|(x, y)| x * y).collect();
        mean(&products) - mean(x) * mean(y)
    };
    let r = covariance(&first, &second) / (covariance(&first, &first) * covariance(&second, &second)).sqrt();
    close("correlation", correlation[6], r, 1e-5);
    assert_eq!(tuning.slopes_at(34.0).unwrap(), tuning.slope.row(3).to_vec());
    assert_eq!(tuning.slopes_at(36.0).unwrap(), tuning.slope.row(4).to_vec());
    for time in [-1.0, 91.0, f64::NAN] {
        assert!(tuning.correlation(time).unwrap_err().to_string().contains("`time`"));
    }
    drawn("tuning-correlation", &tuning.plot_correlation([20.0, 60.0]).unwrap());
    drawn("tuning-significant", &tuning.plot_significant(0.05));
    drawn("tuning-slopes", &tuning.plot_slopes(20.0, 80.0).unwrap());
    let two = levels(2, 3, |_, level, _| level).filter("f1", |f1| f1.number().unwrap() < 25.0).unwrap();
    assert!(Average::by("f1").of(&two).unwrap().linear_tuning().unwrap_err().to_string().contains("10, 20"));
}

#[test]
fn centered_averages_have_no_mean_over_conditions() {
    let averages = Average::by("f1").of(&levels(2, 6, |unit, level, step| level * (step + unit) as f64)).unwrap();
    let centered = averages.clone().centered();
    assert!(centered.centered && centered.mean.sum_axis(Axis(0)).iter().all(|x| x.abs() < 1e-9));
    let difference = |a: &Array3<f64>| &a.index_axis(Axis(0), 3) - &a.index_axis(Axis(0), 1);
    assert!((difference(&averages.mean) - difference(&centered.mean)).iter().all(|x| x.abs() < 1e-9));
    assert!(((&averages.high - &averages.mean) - (&centered.high - &centered.mean)).iter().all(|x| x.abs() < 1e-9));
}

#[test]
fn the_activity_of_an_epoch_is_that_of_its_steps() {
    let states = Array3::from_shape_fn((3, 10, 2), |(trial, step, unit)| (100 * trial + 10 * unit + step) as f32);
    let mut session = session(states);
    session.batch.epochs[0] = Epochs::new().then("wait", 20.0).then("show", 50.0);
    // Past the end of its trial an epoch has no steps.
    session.batch.epochs[1] = Epochs::new().then("wait", 70.0).then("show", 50.0);
    session.batch.lengths[1] = 9;
    let activity = session.epoch_activity(Signal::Rates, "show").unwrap();
    assert_eq!(activity.row(0).to_vec(), [4.0, 14.0]);
    assert_eq!(activity.row(1).to_vec(), [107.5, 117.5]);
    assert!(activity.row(2).iter().all(|x| x.is_nan()));
    assert!(session.epoch_activity(Signal::Rates, "delay").is_err());
}

/// The strength over time of choice, motion, color and context, and of the product of choice and context.
fn strength(step: usize) -> [f64; 5] {
    let bump = |center: f64| (-(step as f64 - center).powi(2) / 8.0).exp();
    [2.0 * bump(9.0), bump(3.0), 0.8 * bump(5.0), 0.3 + 0.7 * bump(0.0), 0.5 * bump(7.0)]
}

const UNITS: usize = 30;

/// What each unit does for choice, motion, color, context and the product `[5, UNITS]`.
fn parts() -> Array2<f64> {
    let mut rng = Seed(11).stream(0);
    Array2::from_shape_simple_fn((5, UNITS), || f64::from(rng.normal(0.0, 1.0)))
}

/// Trials of random choice, motion, color and context, whose activity is the sum of these parts, and noise. Unit 0 is silent.
fn mixed(n: usize, noise: f32) -> Session {
    let mut rng = Seed(12).stream(0);
    let level = [-0.5, -0.15, 0.15, 0.5];
    let drawn: Vec<[usize; 4]> = (0..n).map(|_| [rng.index(2), rng.index(4), rng.index(4), rng.index(2)]).collect();
    let parts = parts();
    let states = Array3::from_shape_fn((n, 12, UNITS), |(trial, step, unit)| {
        let [choice, motion, color, context] = drawn[trial];
        let sign = |i: usize| 2.0 * i as f64 - 1.0;
        let x = [sign(choice), level[motion] / 0.5, level[color] / 0.5, sign(context), sign(choice) * sign(context)];
        let sum: f64 = (0..5).map(|v| strength(step)[v] * parts[[v, unit]] * x[v]).sum();
        if unit == 0 { 0.7 } else { (unit as f64 + sum) as f32 + rng.normal(0.0, noise) }
    });
    let column = |i: usize| drawn.iter().map(move |trial| trial[i]);
    let session = session(states).with_column("side", column(0)).unwrap();
    let session = session.with_column("motion", column(1).map(|i| level[i])).unwrap();
    let session = session.with_column("color", column(2).map(|i| level[i])).unwrap();
    session.with_column("context", column(3).map(|i| ["color", "motion"][i])).unwrap()
}

fn targeted() -> Targeted {
    Targeted::new(["side", "motion", "color", "context"])
}

/// The axes that the parts have, when each unit is scaled by its standard deviation.
fn known(axes: &TargetedAxes) -> Array2<f64> {
    let parts = parts();
    let mut known = Array2::<f64>::zeros((4, UNITS));
    for v in 0..4 {
        let mut vector: Array1<f64> =
            (0..UNITS).map(|unit| if unit == 0 { 0.0 } else { parts[[v, unit]] / axes.sd[unit] }).collect();
        for earlier in 0..v {
            let earlier = known.row(earlier).to_owned();
            vector = &vector - vector.dot(&earlier) * &earlier;
        }
        let length = vector.dot(&vector).sqrt();
        known.row_mut(v).assign(&(vector / length));
    }
    known
}

#[test]
fn targeted_axes_are_those_of_which_the_activity_is_made() {
    let session = mixed(800, 0.0);
    let axes = targeted().signal(Signal::Rates).of(&session).unwrap();
    assert_eq!(axes.signal, Signal::Rates);
    let states = Average::by("motion").of(&session).unwrap();
    assert!(axes.trajectories(&states).unwrap_err().to_string().contains("averages of the rates"));
    assert_eq!(axes.best_times, [90.0, 30.0, 50.0, 0.0]);
    let parts = parts();
    for v in 0..4 {
        for step in 0..12 {
            for unit in 1..UNITS {
                let ours = axes.coefficients[[v, step, unit]] * axes.sd[unit];
                close("coefficient", ours, strength(step)[v] * parts[[v, unit]], 1e-4);
            }
        }
    }
    assert!(axes.axes.column(0).iter().chain(axes.coefficients.index_axis(Axis(2), 0)).all(|&x| x == 0.0));
    let product = axes.axes.dot(&axes.axes.t());
    assert!((product - Array2::<f64>::eye(4)).iter().all(|x| x.abs() < 1e-9));
    assert!((&axes.axes - &known(&axes)).iter().all(|x| x.abs() < 1e-4));

    // Along the axis of motion, which is orthogonal to that of choice, averages are ordered by motion when it is on.
    let averages = Average::by("motion").signal(Signal::Rates).of(&session).unwrap().centered();
    let trajectories = axes.trajectories(&averages).unwrap();
    assert_eq!(trajectories.names, axes.regressors);
    let at: Vec<f64> = (0..4).map(|condition| trajectories.points[[condition, 3, 1]]).collect();
    let ratio = (at[3] - at[2]) / (at[2] - at[1]);
    assert!(at[0] < at[1] && at[1] < at[2] && (ratio - 0.35 / 0.3).abs() < 0.2, "{at:?}");
    drawn("targeted", &trajectories.plot(0, 1).unwrap());
    drawn("targeted-weights", &axes.plot_weights(0, 1).unwrap());
    assert!(axes.plot_weights(0, 4).is_err());
    let whole = axes.trajectories(&Average::by("motion").signal(Signal::Rates).of(&session).unwrap()).unwrap();
    let gap = |points: &Array3<f64>| points[[3, 3, 1]] - points[[0, 3, 1]];
    close("difference", gap(&whole.points), gap(&trajectories.points), 1e-9);
}

#[test]
fn components_take_noise_off_targeted_axes() {
    let session = mixed(1500, 1.5);
    let error = |n_components| {
        let axes = targeted().n_components(n_components).of(&session).unwrap();
        let known = known(&axes);
        (0..4).map(|v| 1.0 - axes.axes.row(v).dot(&known.row(v))).fold(0.0, f64::max)
    };
    let (denoised, not) = (error(6), error(UNITS));
    assert!(denoised < 0.01 && denoised < 0.7 * not, "{denoised} {not}");
}

#[test]
fn regressors_that_cannot_be_told_apart_are_refused() {
    let session = mixed(200, 0.1);
    let refused = |targeted: Targeted, name: &str| {
        let error = targeted.of(&session).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    };
    refused(Targeted::new(["side", "side"]), "`regressors`");
    refused(Targeted::new([]), "`regressors`");
    refused(targeted().n_components(0), "`n_components`");
    refused(Targeted::new(["direction"]), "`column`");
    refused(targeted().aligned_to("stimulus"), "`epoch`");
    refused(targeted().window(200.0..300.0), "`window`");
    refused(Targeted::new(["choice"]), "choice");
    let few = session.select(&(0..8).collect::<Vec<_>>());
    assert!(targeted().of(&few).unwrap_err().to_string().contains("0 ms"));
    assert!(
        targeted().interactions(false).window(20.0..80.0).of(&session).unwrap().times
            == [20.0, 30.0, 40.0, 50.0, 60.0, 70.0]
    );
    // Trials in which a column is missing are left out.
    let some = mixed(200, 0.1).with_column("side", (0..200).map(|i| (i >= 100).then_some(i % 2))).unwrap();
    let all = some.select(&(100..200).collect::<Vec<_>>());
    let plain = Targeted::new(["side", "motion"]);
    let [mut known, whole] = [&some, &all].map(|session| plain.of(session).unwrap());
    assert_eq!((known.n_trials, known.left_out, whole.left_out), (100, 100, 0));
    known.left_out = 0;
    assert_eq!(known, whole);
    // So are those in which one is infinite.
    let infinite =
        some.clone().with_column("side", (0..200).map(|i| if i < 100 { f64::INFINITY } else { f64::from(i % 2) }));
    let infinite = plain.of(&infinite.unwrap()).unwrap();
    assert_eq!((infinite.left_out, &infinite.axes), (100, &whole.axes));
    let other = Average::by("side").of(&levels(2, 3, |_, level, _| level).with_column("side", 0..8).unwrap()).unwrap();
    assert!(plain.of(&all).unwrap().trajectories(&other).unwrap_err().to_string().contains("`averages`"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]
    #[test]
    fn bins_keep_all_trials_and_their_order(trials in proptest::collection::vec(1_usize..9, 1..40), n_bins in 1_usize..12) {
        let levels: Vec<f64> = (0..trials.len()).map(|i| (i as f64).powi(2)).collect();
        let hits: Vec<usize> = trials.iter().map(|n| n / 2).collect();
        let counts = Counts::new("duration", &levels, &trials, &hits).unwrap();
        let binned = counts.binned(n_bins).unwrap();
        let total = |numbers: &[usize]| numbers.iter().sum::<usize>();
        prop_assert_eq!((total(&binned.trials), total(&binned.hits)), (total(&trials), total(&hits)));
        prop_assert!(binned.levels.len() <= n_bins && binned.levels.is_sorted());
        let moment = |counts: &Counts| counts.levels.iter().zip(&counts.trials).map(|(x, &n)| x * n as f64).sum::<f64>();
        prop_assert!((moment(&binned) - moment(&counts)).abs() < 1e-6 * (1.0 + moment(&counts)));
        // No bin misses its share by more than the largest level, at either end.
        let share = total(&trials) as f64 / n_bins as f64;
        prop_assert!(binned.trials.iter().all(|&n| n as f64 <= share + 9.0));
    }
}

#[test]
fn bins_hold_neighboring_levels() {
    let levels = [80.0, 100.0, 100.0, 120.0, 200.0, 400.0, 900.0];
    let correct = [false, true, false, true, true, true, true].map(Some);
    let counts = Counts::of_trials("duration", &levels, &correct).unwrap().hit_name("Share correct");
    let binned = counts.binned(3).unwrap();
    assert_eq!((binned.trials.clone(), binned.hits.clone()), (vec![3, 2, 2], vec![1, 2, 2]));
    assert_eq!((binned.levels[1], binned.levels[2], binned.hit_name.as_str()), (160.0, 650.0, "Share correct"));
    close("level", binned.levels[0], 280.0 / 3.0, 1e-12);
    assert_eq!(counts.binned(100).unwrap(), counts);
    assert!(counts.binned(0).is_err());
    drawn("shares", &shares([("3.2 %", &binned), ("all", &counts)]).unwrap());
    drawn("counts", &counts.plot().unwrap());
    assert!(shares::<&str>([]).is_err());
}
