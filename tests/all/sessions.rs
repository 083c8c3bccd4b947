//! What a network begins with, in what steps it runs, trials one after another, and how a session is scored.

use ndarray::{Array1, Array2, Array3, Axis, arr2, s};
use psychrnn::prelude::*;
use psychrnn::simulate::Units;
use psychrnn::task::Sensory;
use psychrnn::tasks::Rest;

const UNITS: usize = 5;

/// A network of random weights; `coupled` is 0 for units by themselves.
fn weights(coupled: f32) -> Weights {
    let mut rng = Seed(1).stream(0);
    let mut weights = Weights::new();
    for (name, shape, scale) in [
        ("W_in", (UNITS, 2), 1.0),
        ("W_rec", (UNITS, UNITS), 0.6 * coupled),
        ("W_out", (2, UNITS), 0.5),
        ("init_state", (1, UNITS), 1.0),
    ] {
        weights.insert(name, Array2::from_shape_simple_fn(shape, || rng.normal(0.0, scale)));
    }
    weights.insert("b_rec", Array1::from_elem(UNITS, 0.1 * coupled));
    weights.insert("b_out", Array1::from_elem(2, 0.3));
    weights
}

/// Trials of 100, 150 or 200 ms of noise.
fn noise_trials(n: usize) -> Batch {
    let task = PerceptualDiscrimination::default();
    let rest = Rest::of(&task)
        .unwrap()
        .sensory(Sensory::default().noise(0.5))
        .duration(Duration::choice(&[100.0, 150.0, 200.0]));
    rest.batch(n, Seed(7)).unwrap()
}

#[test]
fn the_state_is_carried_over_from_trial_to_trial() {
    let batch = noise_trials(6);
    assert!(batch.lengths.iter().any(|&length| length != batch.lengths[0]));
    let weights = weights(1.0);
    let session = Simulator::new(&weights, LeakyUnits::new(10.0, 50.0)).unwrap().run_consecutively(&batch).unwrap();
    let matrix = |name: &str| weights.matrix(name).unwrap().mapv(f64::from);
    let (w_in, w_rec, w_out) = (matrix("W_in"), matrix("W_rec"), matrix("W_out"));
    let mut x: Array1<f64> = matrix("init_state").row(0).to_owned();
    for (trial, &length) in batch.lengths.iter().enumerate() {
        for k in 0..batch.n_steps() {
            let at = s![trial, k, ..];
            if k >= length {
                assert!(session.states.slice(at).iter().chain(session.outputs.slice(at)).all(|&x| x == 0.0));
                continue;
            }
            let drive = w_rec.dot(&x.mapv(|x| x.max(0.0))) + w_in.dot(&batch.inputs.slice(at).mapv(f64::from)) + 0.1;
            x = 0.8 * x + 0.2 * drive;
            let z = w_out.dot(&x.mapv(|x| x.max(0.0))) + 0.3;
            let near = |a: f64, b: &f32| (a - f64::from(*b)).abs() < 1e-4;
            assert!(x.iter().zip(session.states.slice(at)).all(|(&a, b)| near(a, b)), "trial {trial}, step {k}");
            assert!(z.iter().zip(session.outputs.slice(at)).all(|(&a, b)| near(a, b)), "trial {trial}, step {k}");
        }
    }
}

#[test]
fn the_first_of_consecutive_trials_is_that_of_an_ordinary_run() {
    let batch = noise_trials(4);
    let simulator = Simulator::new(&weights(1.0), LeakyUnits::new(10.0, 50.0).noise(0.2)).unwrap();
    let (apart, carried) = (simulator.run(&batch).unwrap(), simulator.run_consecutively(&batch).unwrap());
    let first = s![0, ..batch.lengths[0], ..];
    assert_eq!(apart.states.slice(first), carried.states.slice(first));
    assert_ne!(apart.states.slice(s![1, ..5, ..]), carried.states.slice(s![1, ..5, ..]));
    assert_eq!((carried.batch, carried.choices.len()), (batch.clone(), 4));
    let gain = Array3::ones((batch.n_steps(), UNITS, UNITS));
    let error = simulator.recurrent_gain(gain).run_consecutively(&batch).unwrap_err().to_string();
    assert!(error.contains("`recurrent_gain`"), "{error}");
}

/// Units by themselves, which are driven by nothing but noise.
fn alone(noise: f32) -> Simulator {
    Simulator::new(&weights(0.0), LeakyUnits::new(10.0, 50.0).noise(noise)).unwrap()
}

fn silence(n: usize, dt: f32, duration: f32) -> Batch {
    Rest::of(&PerceptualDiscrimination::default()).unwrap().dt(dt).duration(duration).batch(n, Seed(3)).unwrap()
}

#[test]
fn shorter_steps_come_closer_to_the_equation() {
    // x(t) = x(0) exp(-t / tau)
    let start = weights(0.0).matrix("init_state").unwrap()[[0, 0]];
    let error = |dt: f32| {
        let session = alone(0.0).dt(dt).unwrap().run(&silence(1, dt, 100.0)).unwrap();
        let last = session.states[[0, session.batch.n_steps() - 1, 0]];
        f64::from((last - start * (-100.0_f32 / 50.0).exp()) / start).abs()
    };
    let (long, short, shorter) = (error(10.0), error(1.0), error(0.5));
    assert!(long > 0.02 && short < 0.15 * long && (shorter / short - 0.5).abs() < 0.05, "{long} {short} {shorter}");

    // The noise of a unit by itself has variance sd^2 / (1 - alpha / 2), for any dt.
    for dt in [10.0, 1.0] {
        let session = alone(0.3).dt(dt).unwrap().run(&silence(50, dt, 1500.0)).unwrap();
        let late = session.states.slice(s![.., (500.0 / dt) as usize.., ..]).mapv(|x| f64::from(x).powi(2));
        let expected = 0.09 / (1.0 - f64::from(dt) / 100.0);
        assert!((late.mean().unwrap() / expected - 1.0).abs() < 0.05);
    }
    assert!(alone(0.0).dt(60.0).is_err() && alone(0.0).dt(f32::NAN).is_err());
    let error = alone(0.0).dt(1.0).unwrap().run(&silence(1, 10.0, 100.0)).unwrap_err().to_string();
    assert!(error.contains("dt of the task"), "{error}");
}

#[test]
fn the_initial_state_may_be_noisy() {
    let batch = silence(4000, 10.0, 20.0);
    let start = weights(0.0).matrix("init_state").unwrap();
    let session = alone(0.0).initial_noise(0.4).run(&batch).unwrap();
    // A step keeps 0.8 of the initial state.
    let initial = session.states.index_axis(Axis(1), 0).mapv(|x| f64::from(x) / 0.8) - start.mapv(f64::from);
    assert!(initial.mean().unwrap().abs() < 0.02 && (initial.std(0.0) - 0.4).abs() < 0.01);
    let of = |unit: usize| initial.column(unit).to_owned();
    assert!((of(0) * of(1)).mean().unwrap().abs() < 0.02);
    let some = alone(0.0).initial_noise(0.4).run(&batch.select(&[17, 3])).unwrap();
    assert_eq!(some.states, session.states.select(Axis(0), &[17, 3]));
    for bad in [-1.0, f32::NAN] {
        assert!(alone(0.0).initial_noise(bad).run(&batch).unwrap_err().to_string().contains("`initial_noise`"));
    }
}

/// Five trials of two steps with these last outputs; the second channel is right, but in the last trial none is.
fn scored() -> Session {
    let spec = TaskSpec::new(1, 2).duration(20.0).decision(Decision::largest_at_end());
    let mut targets = Array3::from_elem((5, 2, 2), 0.2);
    targets.slice_mut(s![..4, 1, 1]).fill(1.0);
    let mut mask = Array3::ones((5, 2, 2));
    mask.slice_mut(s![.., 0, ..]).fill(0.0);
    let batch = Batch::from_arrays(&spec, Array3::zeros((5, 2, 1)), targets, mask).unwrap();
    let mut outputs = Array3::from_elem((5, 2, 2), 0.7);
    let last = arr2(&[[0.2, 1.0], [0.2, 0.8], [1.0, 0.2], [0.0, 0.1], [0.0, 0.1]]);
    outputs.slice_mut(s![.., 1, ..]).assign(&last);
    let states = Array3::zeros((5, 2, 1));
    let session = Session::new(batch, states.clone(), states, outputs).unwrap();
    let session = session.with_column("f1", [10, 10, 10, 20, 30]).unwrap();
    session.with_column("f2", ["a", "b", "b", "a", "c"]).unwrap()
}

#[test]
fn the_worst_condition_and_the_error_are_those_of_a_count_by_hand() {
    let session = scored();
    assert_eq!(session.correct, [Some(true), Some(true), Some(false), Some(true), None]);
    assert_eq!(session.accuracy(), 0.75);
    assert_eq!(session.worst_accuracy(["f1", "f2"]).unwrap(), 0.5);
    assert_eq!(session.worst_accuracy(["f1"]).unwrap(), 2.0 / 3.0);
    assert_eq!(session.worst_accuracy([]).unwrap(), 0.75);
    assert!(session.select(&[4]).worst_accuracy(["f1"]).unwrap().is_nan());
    assert!(session.worst_accuracy(["f3"]).is_err());
    // The errors of the last steps: 0 0, 0 .2, .8 .8, .2 .9, .2 .1.
    let expected = ((0.04 + 0.64 + 0.64 + 0.04 + 0.81 + 0.04 + 0.01) / 10.0_f64).sqrt();
    assert!((session.rms_error() - expected).abs() < 1e-6);
}

#[test]
fn one_run_over_all_trials_has_no_windows_of_one_trial() {
    let trials = silence(3, 10.0, 40.0);
    let all = alone(0.3).scale_recurrent(.., .., 0.5, ..);
    assert!(all.run_consecutively(&trials).is_ok());
    let message = all.silence([0], 10.0..20.0).run_consecutively(&trials).unwrap_err().to_string();
    assert!(message.contains("`window`"), "{message}");
}

#[test]
fn choices_can_be_read_by_another_rule() {
    // The first steps are 0.7 for both channels.
    let early = scored().decided_by(Decision::first_to_reach(0.75)).unwrap();
    assert_eq!(early.choices, [Some(1), Some(1), Some(0), None, None]);
    assert_eq!(early.correct, [Some(true), Some(true), Some(false), Some(false), None]);
    assert!(scored().decided_by(Decision::first_to_reach(f32::INFINITY)).is_err());
}

#[test]
fn small_weights_are_dropped_and_biases_are_not() {
    let mut weights = weights(1.0);
    weights.insert("W_rec", arr2(&[[0.2, -5e-5], [-0.1, 9e-5]]));
    weights.insert("b_rec", Array1::from_elem(2, 1e-5));
    let weights = weights.without_small(1e-4);
    assert_eq!(weights.matrix("W_rec").unwrap(), arr2(&[[0.2, 0.0], [-0.1, 0.0]]));
    assert_eq!(weights.vector("b_rec").unwrap()[0], 1e-5);
}

#[test]
fn a_session_keeps_what_is_recorded_and_the_numbers_of_its_units() {
    let batch = noise_trials(9);
    let simulator =
        Simulator::new(&weights(1.0), LeakyUnits::new(10.0, 50.0).transfer(Transfer::Tanh).noise(0.1)).unwrap();
    // Units 1 and 3 are held, of which only one is recorded.
    let held = simulator.clone().clamp([1, 3], 0.25, 50.0..100.0).stimulate(0, 0.5, ..);
    for simulator in [simulator, held] {
        let all = simulator.run(&batch).unwrap();
        assert_eq!(all.units, [0, 1, 2, 3, 4]);
        let columns = |array: &Array3<f32>| array.select(Axis(2), &[1, 4]);
        let recorded = |recording| simulator.clone().record(recording).run(&batch).unwrap();

        let both = recorded(Recording::of([4, 1]));
        assert_eq!((&both.states, &both.rates), (&columns(&all.states), &columns(&all.rates)));
        assert_eq!((&both.units, &both.outputs, &both.correct), (&vec![1, 4], &all.outputs, &all.correct));
        let rates = recorded(Recording::rates([1, 4]));
        assert_eq!((&rates.rates, rates.states.dim()), (&columns(&all.rates), (9, batch.n_steps(), 0)));
        let states = recorded(Recording::states([1, 4]));
        assert_eq!((&states.states, states.rates.dim()), (&columns(&all.states), (9, batch.n_steps(), 0)));
        let outputs = recorded(Recording::outputs());
        assert_eq!((&outputs.outputs, outputs.states.len(), outputs.rates.len()), (&all.outputs, 0, 0));
        assert!(outputs.units.is_empty());
        assert_eq!(recorded(Recording::default()), all);

        // What is done with a session knows units by their numbers in the network.
        let halves = |session: &Session| {
            let average = Average::by("half").signal(Signal::Rates);
            average.of(&session.clone().with_column("half", (0..9).map(|trial| trial % 2)).unwrap()).unwrap()
        };
        let averages = halves(&rates);
        assert_eq!(averages.units, [1, 4]);
        let drawn = averages.plot_unit(4).unwrap();
        assert!(drawn.to_string().contains("unit 4"));
        assert_eq!(drawn, halves(&all).plot_unit(4).unwrap());
        let message = averages.plot_unit(2).unwrap_err().to_string();
        assert!(message.contains("one of those recorded, 1, 4") && message.contains("it is 2"), "{message}");
        assert_eq!(states.plot_states(2, [4]).unwrap(), all.plot_states(2, [4]).unwrap());
        let activity = rates.mean_activity(Signal::Rates, None, 0.0..100.0).unwrap();
        let (some, of_all) = (rates.tuning("choice", &activity), all.mean_activity(Signal::Rates, None, 0.0..100.0));
        if let Ok(tuning) = some {
            assert_eq!(
                tuning.plot_unit(4).unwrap(),
                all.tuning("choice", &of_all.unwrap()).unwrap().plot_unit(4).unwrap()
            );
            assert!(tuning.plot_unit(0).is_err());
        }
        // And it says what is not there.
        for (session, signal, name) in
            [(&rates, Signal::States, "states"), (&states, Signal::Rates, "rates"), (&outputs, Signal::Rates, "rates")]
        {
            let messages = [
                session.signal(signal).map(drop),
                session.samples(signal).map(drop),
                session.mean_activity(signal, None, 0.0..50.0).map(drop),
                Average::by("trial").signal(signal).of(session).map(drop),
            ];
            for message in messages.map(|result| result.unwrap_err().to_string()) {
                assert!(message.contains(&format!("record(Recording::{name}(..))")), "{message}");
            }
        }
        assert!(outputs.plot_states(0, [1]).is_err());
    }
}

#[test]
fn a_recording_of_units_that_are_not_there_is_refused() {
    let simulator = Simulator::new(&weights(1.0), LeakyUnits::new(10.0, 50.0)).unwrap();
    for units in [Units::from(3..6), Units::from([0, 5]), Units::from(2..2), Units::from(Vec::new())] {
        let error = simulator.clone().record(Recording::rates(units)).run(&noise_trials(2)).unwrap_err();
        assert!(error.to_string().contains("units to record"), "{error}");
    }
}

#[test]
fn a_recording_holds_for_trials_one_after_another_and_in_files() {
    let batch = noise_trials(4);
    let simulator = Simulator::new(&weights(1.0), LeakyUnits::new(10.0, 50.0)).unwrap();
    let all = simulator.run_consecutively(&batch).unwrap();
    let some = simulator.record(Recording::rates([2, 3])).run_consecutively(&batch).unwrap();
    assert_eq!((&some.rates, &some.units), (&all.rates.select(Axis(2), &[2, 3]), &vec![2, 3]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.npz");
    some.save(&path).unwrap();
    let mut file = ndarray_npy::NpzReader::new(std::fs::File::open(path).unwrap()).unwrap();
    assert_eq!(file.by_name::<ndarray::OwnedRepr<u64>, ndarray::Ix1>("units").unwrap().to_vec(), [2, 3]);
    let names = file.names().unwrap();
    assert!(names.iter().any(|name| name.starts_with("rates")) && !names.iter().any(|name| name.starts_with("states")));
}
