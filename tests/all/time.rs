//! Milliseconds and steps: all that asks which steps lie in an epoch or a window gets the same answer.

use std::ops::Range;

use ndarray::{Array1, Array2, Array3, Axis, arr1, s};
use proptest::prelude::*;
use psychrnn::analysis::Average;
use psychrnn::dynamics::LeakyUnits;
use psychrnn::prelude::*;

/// Shows input 1 and asks for an answer in one epoch.
struct Asks {
    spec: TaskSpec,
    in_epoch: &'static str,
}

impl Task for Asks {
    type Trial = ();
    fn spec(&self) -> TaskSpec {
        self.spec.clone()
    }
    fn draw(&self, _: &mut TrialRng) {}
    fn step(&self, t: f32, (): &(), _: &mut TrialRng, now: &mut Step<'_>) {
        now.score_only(&[self.in_epoch]);
        assert_eq!(now.epochs().at(t), now.epoch());
        let named = now.epoch() == Some(self.in_epoch);
        assert_eq!(named, now.is_in(self.in_epoch), "step {:?}", now.epoch());
        now.input[0] = f32::from(u8::from(named));
    }
}

/// One trial of epochs that last so long one after the other, each asked for in a batch of its own.
fn batches(dt: f32, durations: &[f32]) -> Vec<Batch> {
    const NAMES: [&str; 4] = ["a", "b", "c", "d"];
    let spec = NAMES
        .iter()
        .zip(durations)
        .fold(TaskSpec::new(1, 1).dt(dt), |spec, (name, &duration)| spec.epoch(name, duration));
    let batch = |(&in_epoch, _)| Asks { spec: spec.clone(), in_epoch }.batch(1, Seed(0)).unwrap();
    NAMES.iter().zip(durations).map(batch).collect()
}

/// The steps at which something is 1.
fn ones(numbers: impl IntoIterator<Item = f32>) -> Vec<usize> {
    numbers.into_iter().enumerate().filter(|(_, number)| *number == 1.0).map(|(step, _)| step).collect()
}

/// The steps of an epoch, or of the time between two: by the mask, by the epoch, by what analyses average, by when a unit is held.
fn agreed(batch: &Batch, epoch: &str, window: Range<f64>) -> Vec<usize> {
    let steps = ones(batch.mask.slice(s![0, .., 0]).to_owned());
    assert_eq!(steps, ones(batch.inputs.slice(s![0, .., 0]).to_owned()));
    assert_eq!(batch.steps_of(0, epoch).unwrap().collect::<Vec<_>>(), steps);
    assert_eq!(batch.epochs[0].get(epoch).unwrap().steps(batch.spec.dt).collect::<Vec<_>>(), steps);

    // One unit counts steps, one their squares.
    let n_steps = batch.n_steps();
    let states = Array3::from_shape_fn((1, n_steps, 2), |(_, step, unit)| (step as f32).powi(unit as i32 + 1));
    let outputs = Array3::zeros((1, n_steps, 1));
    let session = Session::new(batch.clone(), states.clone(), states, outputs).unwrap();
    let mean = |power: i32| steps.iter().map(|&k| f64::from((k as f32).powi(power))).sum::<f64>() / steps.len() as f64;
    let expected = arr1(&[mean(1), mean(2)]);
    let close = |found: Array1<f64>, what: &str| {
        if steps.is_empty() {
            assert!(found.iter().all(|x| x.is_nan()), "{what}: {found}");
        } else {
            assert!((&found - &expected).iter().all(|d| d.abs() < 1e-6 * expected[1].max(1.0)), "{what}: {found}");
        }
    };
    close(session.epoch_activity(Signal::States, epoch).unwrap().row(0).to_owned(), "epoch");
    if steps.is_empty() {
        return steps;
    }
    let start = batch.starts(epoch).unwrap()[0].unwrap();
    let within = session.mean_activity(Signal::States, None, window.clone()).unwrap();
    close(within.row(0).to_owned(), "window of the trial");
    let about = window.start - start..window.end - start;
    close(
        session.mean_activity(Signal::States, epoch, about.clone()).unwrap().row(0).to_owned(),
        "window of the event",
    );
    let session = session.with_column("all", [0]).unwrap();
    for average in [Average::by("all").window(window.clone()), Average::by("all").aligned_to(epoch).window(about)] {
        let averages = average.of(&session).unwrap();
        let there: Vec<f64> = averages.samples().column(0).to_vec();
        assert_eq!(there, steps.iter().map(|&k| k as f64).collect::<Vec<_>>());
    }

    let mut weights = Weights::new();
    for (name, array) in
        [("W_rec", Array2::zeros((1, 1))), ("W_in", Array2::zeros((1, 1))), ("W_out", Array2::zeros((1, 1)))]
    {
        weights.insert(name, array);
    }
    for name in ["b_rec", "b_out", "init_state"] {
        weights.insert(name, Array1::zeros(1));
    }
    let simulator = Simulator::new(&weights, LeakyUnits::new(batch.spec.dt, 100.0)).unwrap();
    let held = simulator.clamp(0, 1.0, window).run(batch).unwrap();
    assert_eq!(ones(held.rates.index_axis(Axis(0), 0).column(0).to_owned()), steps);
    steps
}

#[test]
fn epochs_have_the_steps_that_their_durations_say() {
    for (dt, durations, expected) in [
        (33.3, vec![33.3, 765.9, 33.3], vec![1, 23, 1]),
        (0.1, vec![2.2, 3.4, 0.1], vec![22, 34, 1]),
        (0.7, vec![0.7, 698.6, 0.7], vec![1, 998, 1]),
        (16.7, vec![167.0, 1670.0, 16.7, 33.4], vec![10, 100, 1, 2]),
        (8.333, vec![8.333, 833.3, 83.33], vec![1, 100, 10]),
        (1000.0 / 60.0, vec![50.0, 1000.0 / 60.0, 200.0, 1000.0], vec![3, 1, 12, 60]),
    ] {
        let mut from = 0;
        for (batch, (name, n)) in batches(dt, &durations).iter().zip(["a", "b", "c", "d"].into_iter().zip(expected)) {
            let epoch = batch.epochs[0].get(name).unwrap();
            let steps = agreed(batch, name, f64::from(epoch.start)..f64::from(epoch.end));
            assert_eq!(steps, (from..from + n).collect::<Vec<_>>(), "dt {dt}, epoch {name}");
            from += n;
        }
    }
    for (dt, duration) in [(0.7, 700.0), (33.3, 33_300.0), (0.1, 100.0), (1.0 / 3.0, 1000.0 / 3.0)] {
        assert_eq!(batches(dt, &[duration])[0].n_steps(), 1000);
    }
    assert_eq!(TaskSpec::new(1, 1).dt(0.1).n_steps(100_000.0).unwrap(), 1_000_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whole_epochs_are_what_integers_say(
        (thousandths, steps) in (100_u32..50_000, prop::collection::vec(0_usize..60, 1..5)),
        rounded in 0_usize..3,
    ) {
        prop_assume!(steps.iter().sum::<usize>() > 0);
        // One, two or three decimals.
        let thousandths = thousandths.next_multiple_of([1, 10, 100][rounded]);
        let dt = thousandths as f32 / 1000.0;
        let time = |steps: usize| f64::from(thousandths) * steps as f64 / 1000.0;
        let durations: Vec<f32> = steps.iter().map(|&n| time(n) as f32).collect();
        let mut from = 0;
        for (batch, (name, &n)) in batches(dt, &durations).iter().zip(["a", "b", "c", "d"].into_iter().zip(&steps)) {
            prop_assert_eq!(batch.n_steps(), steps.iter().sum::<usize>());
            prop_assert_eq!(batch.epochs[0].start(name), Some(time(from) as f32));
            let found = agreed(batch, name, time(from)..time(from + n));
            prop_assert_eq!(found, (from..from + n).collect::<Vec<_>>());
            from += n;
        }
    }

    #[test]
    fn epochs_off_the_grid_are_the_same_everywhere(
        dt in 0.1_f32..50.0,
        durations in prop::collection::vec(prop_oneof![Just(0.0_f32), 1.0_f32..20.0], 1..5),
    ) {
        prop_assume!(durations.iter().any(|&steps| steps > 0.0));
        let durations: Vec<f32> = durations.iter().map(|steps| steps * dt).collect();
        let mut end = 0;
        for (batch, name) in batches(dt, &durations).iter().zip(["a", "b", "c", "d"]) {
            let epoch = batch.epochs[0].get(name).unwrap();
            let by_hand: Vec<usize> = (0..batch.n_steps())
                .filter(|&k| (f64::from(epoch.start)..f64::from(epoch.end)).contains(&(k as f64 * f64::from(dt))))
                .collect();
            let start = batch.starts(name).unwrap()[0].unwrap();
            let found = agreed(batch, name, start..start + batch.durations(name).unwrap()[0].unwrap());
            prop_assert_eq!(&found, &by_hand);
            prop_assert_eq!(batch.steps_of(0, name).unwrap().start, end);
            end = batch.steps_of(0, name).unwrap().end;
        }
        prop_assert_eq!(end, batches(dt, &durations)[0].n_steps());
    }
}

/// A network that answers at once answers after the step in which it could.
#[test]
fn a_reaction_takes_the_step_in_which_it_is_made() {
    for (dt, onset, expected) in [(10.0, 200.0, 10.0), (33.3, 99.9, 33.3), (0.1, 12.3, 0.1), (10.0, 205.0, 15.0)] {
        let spec = TaskSpec::new(1, 1).dt(dt).epoch("wait", onset).epoch("stimulus", 10.0 * dt);
        let batch = Asks { spec, in_epoch: "stimulus" }.batch(1, Seed(0)).unwrap();
        let states = Array3::zeros((1, batch.n_steps(), 1));
        let session = Session::new(batch.clone(), states.clone(), states, batch.inputs.clone()).unwrap();
        assert_eq!(session.reaction_times(0.5, "stimulus").unwrap(), [Some(expected)]);
    }
}

#[test]
fn epochs_of_rounded_sums_are_found_by_rounded_times() {
    let dt = 0.1_f32;
    let (mut epochs, mut from) = (Epochs::new(), 0.0_f32);
    for number in 0..50 {
        let to = from + 7.0 * dt;
        epochs = epochs.span(&format!("{number}"), from, to);
        from = to;
    }
    for (number, epoch) in epochs.iter().enumerate() {
        assert_eq!(epoch.steps(dt), 7 * number..7 * (number + 1));
        let names = [0, 6].map(|more| epochs.at((7 * number + more) as f32 * dt));
        assert_eq!(names, [Some(epoch.name.as_str()); 2]);
    }
    assert_eq!((epochs.at(-0.1), epochs.at(35.0)), (None, None));
    // A trial that lasts as long as its epochs do, whichever way it was added up.
    let sum = (0..70).fold(0.0_f32, |sum, _| sum + 0.7);
    let spec = (0..70).fold(TaskSpec::new(1, 1).dt(dt).duration(sum), |spec, n| spec.epoch(&format!("{n}"), 0.7));
    spec.check().unwrap();
}

/// A window of seconds would hold the step at 0 and no other.
#[test]
fn windows_in_seconds_are_refused_with_what_to_write() {
    let spec = TaskSpec::new(1, 2).epoch("wait", 300).epoch("stimulus", 700);
    let batch = Asks { spec, in_epoch: "stimulus" }.batch(2, Seed(0)).unwrap();
    let states = Array3::zeros((2, batch.n_steps(), 1));
    let session = Session::new(batch.clone(), states.clone(), states, batch.targets.clone()).unwrap();
    let mut weights = Weights::new();
    for (name, shape) in [
        ("W_rec", (1, 1)),
        ("W_in", (1, 1)),
        ("W_out", (2, 1)),
        ("b_rec", (1, 1)),
        ("b_out", (1, 2)),
        ("init_state", (1, 1)),
    ] {
        weights.insert(name, Array2::zeros(shape));
    }
    let simulator = Simulator::new(&weights, LeakyUnits::new(10.0, 100.0)).unwrap();
    let silenced = |window: Window| simulator.clone().silence(0, window).run(&batch).map(drop);
    for (result, advice) in [
        (silenced((0.0..0.5).into()), "write 0 and 500"),
        (silenced((..0.5).into()), "write 0 and 500"),
        (silenced((0.55..0.8).into()), "write 550 and 800"),
        (silenced(Window::after("stimulus", -0.2..0.6)), "write -200 and 600"),
        (Average::by("trial").window(-0.2..0.6).of(&session).map(drop), "write -200 and 600"),
        (session.mean_activity(Signal::States, "stimulus", 0.0..0.3).map(drop), "write 0 and 300"),
        (session.clone().decided_by(Decision::largest_mean().between(0.0, 0.5)).map(drop), "write 0 and 500"),
    ] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains("at least a step of 10 ms") && error.contains(advice), "{error}");
    }
    // What is no second is not taken for one.
    let error = silenced((500.0..505.0).into()).unwrap_err().to_string();
    assert!(error.contains("`window`") && !error.contains("seconds"), "{error}");
    let late = session.decided_by(Decision::largest_mean().between(2000.0, 3000.0)).unwrap_err().to_string();
    assert!(late.contains("up to 1000 ms"), "{late}");
}
