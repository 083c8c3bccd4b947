//! Answers that are angles, several answers in a trial, values that are given, and draws that trials share.

use std::f64::consts::{PI, TAU};

use ndarray::{Array3, Axis, s};
use proptest::prelude::*;
use psychrnn::prelude::*;
use psychrnn::simulate::Session;
use psychrnn::threads::with_threads;

/// A saccade to one of the directions on a ring of outputs 1.. after a cue, or none.
#[derive(Clone)]
struct Saccade {
    n: usize,
    decision: Decision,
    shared_by: u64,
}

#[derive(Clone, Debug, PartialEq, Trial)]
struct Place {
    angle: f64,
    opposite: f64,
    go: bool,
    noise: f32,
}

fn saccade(n: usize) -> Saccade {
    Saccade { n, decision: Decision::ring(Ring::new(1..=n).fixation(0)), shared_by: 1 }
}

impl Task for Saccade {
    type Trial = Place;
    fn spec(&self) -> TaskSpec {
        let spec = TaskSpec::new(1, self.n + 1).dt(20.0).shared_by(self.shared_by).whole_steps(true);
        spec.decision(self.decision.clone()).epoch("cue", Duration::uniform(100.0, 500.0)).epoch("go", 95.0)
    }
    fn draw(&self, rng: &mut TrialRng) -> Place {
        let go = rng.shared().chance(0.5);
        Place { angle: f64::from(rng.uniform(0.0, TAU as f32)), opposite: f64::NAN, go, noise: rng.normal(0.0, 1.0) }
    }
    fn complete(&self, trial: &mut Place) -> psychrnn::Result<()> {
        if !trial.angle.is_finite() {
            return Err(psychrnn::Error::other(format!("the angle is {}", trial.angle)));
        }
        trial.opposite = (trial.angle + PI).rem_euclid(TAU);
        Ok(())
    }
    fn step(&self, _: f32, trial: &Place, _: &mut TrialRng, now: &mut Step<'_>) {
        if now.is_in("go") && trial.go {
            for k in 0..self.n {
                let apart = TAU * k as f64 / self.n as f64 - trial.angle;
                now.target[1 + k] = (4.0 * (apart.cos() - 1.0)).exp() as f32;
            }
        } else {
            now.target[0] = 1.0;
        }
    }
}

/// A session in which the last step has these outputs.
fn ended(batch: &Batch, last: impl Fn(usize, usize) -> f32) -> Session {
    let mut outputs = Array3::zeros(batch.targets.dim());
    for (trial, &length) in batch.lengths.iter().enumerate() {
        for output in 0..batch.spec.n_out {
            outputs[[trial, length - 1, output]] = last(trial, output);
        }
    }
    let states = Array3::zeros((batch.n_trials(), batch.n_steps(), 1));
    Session::new(batch.clone(), states.clone(), states, outputs).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// The angle of a population of von Mises tuning is that of its peak; it is right within the tolerance and no further.
    #[test]
    fn an_angle_is_right_within_the_tolerance(seed: u64, n in 12_usize..40, off in 0.05_f64..1.0, gain in 0.1_f32..3.0) {
        let batch = saccade(n).batch(20, Seed(seed)).unwrap();
        let angles = batch.values.numbers("angle").unwrap();
        let tuned = |angle: f64, output: usize| {
            gain * (4.0 * ((TAU * (output as f64 - 1.0) / n as f64 - angle).cos() - 1.0)).exp() as f32
        };
        let session = ended(&batch, |trial, output| if output == 0 { 0.4 } else { tuned(angles[trial] + off, output) });
        for (trial, response) in session.responses().into_iter().enumerate() {
            let apart = (response.unwrap() - angles[trial]).rem_euclid(TAU);
            prop_assert!((apart - off).abs() < 1e-4, "{apart} {off}");
            let go = batch.values.column("go").unwrap()[trial].is(true);
            prop_assert_eq!(session.correct[trial], Some(go && off < 0.2 * PI));
            prop_assert_eq!(batch.correct_choice(trial).is_some(), go);
        }
        let fixating = ended(&batch, |trial, output| if output == 0 { 0.6 } else { tuned(angles[trial], output) });
        prop_assert!(fixating.responses().iter().all(Option::is_none) && fixating.choices.iter().all(Option::is_none));
        for (trial, correct) in fixating.correct.iter().enumerate() {
            prop_assert_eq!(*correct, Some(!batch.values.column("go").unwrap()[trial].is(true)));
        }
    }

    /// What is shared is the same in a block, whatever is asked for; the rest is drawn for each trial.
    #[test]
    fn trials_of_a_block_share_what_is_shared(seed: u64, first in 0_u64..100, n in 1_u64..60, block in 1_u64..20, threads in 1_usize..4) {
        let task = Saccade { shared_by: block, ..saccade(12) };
        let some = with_threads(threads, || task.trials(first..first + n, Seed(seed))).unwrap();
        let all = with_threads(1, || task.trials(0..first + n, Seed(seed))).unwrap();
        let rows: Vec<usize> = (first as usize..(first + n) as usize).collect();
        let of_all = all.select(&rows);
        prop_assert_eq!((&of_all.values, &of_all.epochs, &of_all.lengths), (&some.values, &some.epochs, &some.lengths));
        for pair in some.numbers.windows(2) {
            let [a, b] = [pair[0], pair[1]].map(|number| (number - first) as usize);
            if pair[0] / block == pair[1] / block {
                prop_assert_eq!(&some.epochs[a], &some.epochs[b]);
                prop_assert_eq!(some.values.column("go").unwrap()[a].is(true), some.values.column("go").unwrap()[b].is(true));
            }
            prop_assert_ne!(some.values.numbers("angle").unwrap()[a], some.values.numbers("angle").unwrap()[b]);
        }
    }
}

#[test]
fn a_choice_is_what_is_nearest() {
    let task = Saccade { decision: Decision::ring(Ring::new(1..13).nearest(["opposite", "angle"])), ..saccade(12) };
    let batch = task.grid().over([0.3, 2.0], |place, angle| place.angle = angle).batch(1).unwrap();
    let at = |angle: f64| {
        ended(&batch, move |_, output| (TAU * (output as f64 - 1.0) / 12.0 - angle).cos() as f32 + 1.0).choices
    };
    assert_eq!(at(0.4), [Some(1), None]);
    assert_eq!(at(2.0 + PI), [None, Some(0)]);
    let unknown = Saccade { decision: Decision::ring(Ring::new(1..13).nearest(["place"])), ..saccade(12) };
    let error = unknown.batch(10, Seed(1)).unwrap().check_choices().unwrap_err().to_string();
    assert!(error.contains("place") && error.contains("angle"), "{error}");
}

#[test]
fn a_ring_that_makes_no_sense_is_refused() {
    for (decision, words) in [
        (Decision::ring(1..3), "three"),
        (Decision::ring(1..14), "13"),
        (Decision::ring(1..5).among([1]), "without `among`"),
        (Decision::ring(Ring::new([1, 2, 2])), "once"),
        (Decision::ring(Ring::new(1..5).fixation(1)), "fixation"),
        (Decision::ring(Ring::new(1..5).tolerance(0.0)), "tolerance"),
        (Decision::ring(Ring::new(1..5).threshold(f32::NAN)), "finite"),
        (Decision::largest_at_end().in_each([]), "some epochs"),
        (Decision::largest_at_end().in_each(["go", "go"]), "once"),
    ] {
        let error = Saccade { decision, ..saccade(12) }.batch(1, Seed(1)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let ring = Decision::ring(Ring::new(1..13).fixation(0).nearest(["angle"])).during("go");
    let written = serde_json::to_string(&ring).unwrap();
    assert_eq!(serde_json::from_str::<Decision>(&written).unwrap(), ring);
    let each = Decision::largest_at_end().in_each(["a", "b"]);
    assert_eq!(serde_json::from_str::<Decision>(&serde_json::to_string(&each).unwrap()).unwrap(), each);
}

/// Two tests in a trial, of which some trials lack the second.
struct Tests;

#[derive(Clone, Trial)]
struct Matches {
    first: bool,
    second: Option<bool>,
}

impl Task for Tests {
    type Trial = Matches;
    fn spec(&self) -> TaskSpec {
        TaskSpec::new(1, 2).duration(40.0).decision(Decision::largest_at_end().in_each(["test1", "test2"]))
    }
    fn draw(&self, rng: &mut TrialRng) -> Matches {
        Matches { first: rng.chance(0.5), second: rng.chance(0.5).then(|| rng.chance(0.5)) }
    }
    fn epochs(&self, _: &TaskSpec, trial: &Matches, _: &mut TrialRng) -> Epochs {
        let epochs = Epochs::new().then("test1", 20.0);
        if trial.second.is_some() { epochs.then("test2", 20.0) } else { epochs }
    }
    fn step(&self, _: f32, trial: &Matches, _: &mut TrialRng, now: &mut Step<'_>) {
        let answer = if now.is_in("test1") { Some(trial.first) } else { trial.second };
        now.favor(answer.map(usize::from), 1.0, 0.0);
    }
}

#[test]
fn all_of_several_answers_must_be_right() {
    let values =
        [(true, Some(true)), (false, Some(true)), (true, None)].map(|(first, second)| Matches { first, second });
    let batch = Tests.of(&values, 1).unwrap();
    batch.check_choices().unwrap();
    // Output 1 is always larger.
    let mut outputs = Array3::zeros((3, 4, 2));
    outputs.slice_mut(s![.., .., 1]).fill(1.0);
    let states = Array3::zeros((3, 4, 1));
    let session = Session::new(batch, states.clone(), states, outputs).unwrap();
    assert_eq!(session.correct, [Some(true), Some(false), Some(true)]);
    let trials = session.trials();
    let is = |name: &str| trials.column(name).unwrap().iter().map(psychrnn::table::Value::number).collect::<Vec<_>>();
    assert!(trials.column("correct_test1").unwrap()[1].is(false));
    assert!(trials.column("correct_test2").unwrap()[1].is(true));
    assert!(is("choice_test2")[2].is_none_or(f64::is_nan));
    // The choice of a trial is the last that it has.
    assert_eq!(session.choices, [Some(1); 3]);
}

#[test]
fn values_that_are_given_are_those_of_the_trials() {
    let task = saccade(12);
    let places = [0.5, 1.5].map(|angle| Place { angle, opposite: 0.0, go: true, noise: 0.0 });
    let batch = task.of(&places, 1).unwrap();
    assert_eq!(batch.values.numbers("angle").unwrap(), [0.5, 1.5]);
    // What follows from the others is computed anew.
    assert_eq!(batch.values.numbers("opposite").unwrap(), [0.5 + PI, 1.5 + PI]);
    let grid =
        task.grid().over([0.5, 1.5], |place, angle| place.angle = angle).over([false, true], |place, go| place.go = go);
    let batch = grid.repeats(3).batch(1).unwrap();
    assert_eq!(batch.n_trials(), 12);
    assert_eq!(batch.values.numbers("angle").unwrap(), [[0.5; 6], [1.5; 6]].concat());
    let go: Vec<bool> = batch.values.column("go").unwrap().iter().map(|go| go.is(true)).collect();
    assert_eq!(go, [[false; 3], [true; 3], [false; 3], [true; 3]].concat());
    // What is not given is drawn, for each trial.
    let mut noise = batch.values.numbers("noise").unwrap();
    noise.sort_by(f64::total_cmp);
    assert!(noise.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(task.of(&[], 1).unwrap_err().to_string().contains("at least 1"));
    let error = task.grid().over([f64::NAN], |place, angle| place.angle = angle).batch(1).unwrap_err().to_string();
    assert!(error.contains("angle"), "{error}");
    assert!(task.grid().over([0.0_f64; 0], |place, angle| place.angle = angle).batch(1).is_err());
}

#[test]
fn each_duration_is_cut_to_whole_steps() {
    let batch = saccade(12).batch(200, Seed(1)).unwrap();
    for (trial, epochs) in batch.epochs.iter().enumerate() {
        let steps = epochs.get("cue").unwrap().steps(20.0);
        assert_eq!(epochs.end("cue").unwrap() % 20.0, 0.0);
        // 95 ms hold four whole steps of 20 ms, and would be five.
        assert_eq!((epochs.get("go").unwrap().steps(20.0).len(), batch.lengths[trial]), (4, steps.len() + 4));
    }
}

#[test]
fn trials_of_several_tasks_are_read_each_by_its_own_decision() {
    let mut batch = saccade(12).grid().over([true, false], |place, go| place.go = go).batch(1).unwrap();
    batch.decisions =
        vec![Decision::ring(Ring::new(1..13).fixation(0)), Decision::threshold(0.5).among([0]).during("go")];
    batch.check_choices().unwrap();
    assert_eq!(batch.correct_choice(1), Some(1));
    let targets = |trial: usize| batch.targets.index_axis(Axis(0), trial);
    assert_eq!([0, 1].map(|trial| batch.is_correct(trial, targets(trial))), [Some(true); 2]);
    assert_eq!(batch.select(&[1]).decisions, batch.decisions[1..]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mixed.npz");
    batch.save(&path).unwrap();
    assert_eq!(Batch::load(&path, &batch.spec).unwrap(), batch);
    batch.decisions.pop();
    assert!(batch.check().unwrap_err().to_string().contains("decisions"));
}
