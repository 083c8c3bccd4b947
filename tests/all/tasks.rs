//! Tasks: the same trials for any number of threads, unequal lengths, and tasks that go wrong.

pub(crate) mod choice;
mod held;
pub(crate) mod memory;
mod mixture;
pub(crate) mod movement;
mod parity;
pub(crate) mod perception;
// To draw so many once is enough, where what is compiled is optimized.
#[cfg(feature = "torch")]
mod ranges;
pub(crate) mod timing;
mod yang;

use ndarray::{Array3, s};
use proptest::prelude::*;
use psychrnn::analysis::Average;
use psychrnn::prelude::*;
use psychrnn::task::Sensory;
use psychrnn::tasks::Rest;
use psychrnn::threads::with_threads;

#[derive(Clone, Trial)]
struct Nothing;

/// What is done at a step.
type StepFn = fn(f32, &mut Step<'_>);
/// What is done to a batch.
type Spoil<'a> = &'a dyn Fn(&mut Batch);

/// Does at each step what the function says.
struct Custom {
    spec: TaskSpec,
    step: StepFn,
}

impl Task for Custom {
    type Trial = Nothing;
    fn spec(&self) -> TaskSpec {
        self.spec.clone()
    }
    fn draw(&self, _: &mut TrialRng) -> Nothing {
        Nothing
    }
    fn step(&self, t: f32, _: &Nothing, _: &mut TrialRng, now: &mut Step<'_>) {
        (self.step)(t, now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn trials_depend_on_seed_and_number_alone(seed: u64, first in 0_u64..1000, n in 1_u64..20, threads in 1_usize..6) {
        let task = PerceptualDiscrimination::default().duration(300.0);
        let one = with_threads(1, || task.trials(first..first + n, Seed(seed))).unwrap();
        let many = with_threads(threads, || task.trials(0..first + n, Seed(seed))).unwrap();
        let rows: Vec<usize> = (first as usize..(first + n) as usize).collect();
        prop_assert_eq!(&many.select(&rows), &one);
        prop_assert_ne!(task.trials(first..first + n, Seed(seed ^ 1)).unwrap().inputs, one.inputs);
    }
}

#[test]
fn trials_may_differ_in_length() {
    let task = Custom {
        spec: TaskSpec::new(1, 2).epoch("wait", Duration::choice(&[50.0, 200.0])).epoch("go", 100.0),
        step: |t, now| {
            now.input[0] = t + 1.0;
            now.target[0] = if now.is_in("go") { 1.0 } else { 0.5 };
        },
    };
    let batch = task.batch(40, Seed(1)).unwrap();
    assert_eq!(batch.n_steps(), 30);
    assert!(batch.lengths.contains(&15) && batch.lengths.contains(&30));
    for (trial, &length) in batch.lengths.iter().enumerate() {
        let go = batch.epochs[trial].start("go").unwrap();
        assert_eq!(length, (go / 10.0) as usize + 10);
        for k in 0..batch.n_steps() {
            let inside = k < length;
            assert_eq!(batch.inputs[[trial, k, 0]], if inside { 10.0 * k as f32 + 1.0 } else { 0.0 });
            assert_eq!(batch.mask[[trial, k, 1]], f32::from(inside));
            let target = if !inside {
                0.0
            } else if 10.0 * k as f32 >= go {
                1.0
            } else {
                0.5
            };
            assert_eq!(batch.targets[[trial, k, 0]], target);
        }
    }
}

#[test]
fn a_task_that_goes_wrong_is_an_error_that_says_where() {
    let spec = TaskSpec::new(2, 2).duration(100.0);
    let error = |spec: &TaskSpec, step| Custom { spec: spec.clone(), step }.batch(3, Seed(0)).unwrap_err().to_string();
    let nan = error(&spec, |t, now| now.input[1] = if t > 45.0 { f32::NAN } else { 0.0 });
    assert!(
        nan.contains("`input`") && nan.contains("channel 1") && nan.contains("step 5") && nan.contains("NaN"),
        "{nan}"
    );
    let infinite = error(&spec, |_, now| now.target[0] = f32::INFINITY);
    assert!(infinite.contains("`target`"), "{infinite}");
    let outside = error(&spec, |t, now| now.input[if t > 15.0 { 7 } else { 0 }] = 1.0);
    assert!(outside.contains("step 2") && outside.contains("index is 7"), "{outside}");
    let bad_frame = error(&spec.clone().dt(0.0), |_, _| ());
    assert!(bad_frame.contains("`dt`"), "{bad_frame}");
    let task = Custom { spec, step: |_, _| () };
    assert!(task.batch(0, Seed(0)).is_err());
}

/// Epochs that depend on the trial: `cue` is only in every thousandth trial or so.
struct Rare {
    asks: &'static str,
    ends: f32,
}

impl Task for Rare {
    type Trial = Nothing;
    fn spec(&self) -> TaskSpec {
        TaskSpec::new(1, 1).duration(200.0).epoch("before", 100.0)
    }
    fn draw(&self, _: &mut TrialRng) -> Nothing {
        Nothing
    }
    fn epochs(&self, _: &TaskSpec, _: &Nothing, rng: &mut TrialRng) -> Epochs {
        let epochs = Epochs::new().span("answer", 100.0, self.ends);
        if rng.chance(0.001) { epochs.then("cue", 50.0) } else { epochs }
    }
    fn step(&self, _: f32, _: &Nothing, _: &mut TrialRng, now: &mut Step<'_>) {
        let start = now.epochs().start(self.asks);
        now.score_only(&[self.asks]);
        assert_eq!(start.is_some_and(|start| start == 100.0), self.asks == "answer");
    }
}

#[test]
fn an_epoch_that_no_trial_has_is_an_error_that_names_those_that_there_are() {
    let spec = TaskSpec::new(1, 2).epoch("fixation", 50.0).epoch("answer", 50.0);
    let asks: [StepFn; 3] = [
        |_, now| assert!(!now.is_in("anwser")),
        |_, now| now.score_only(&["answer", "anwser"]),
        |_, now| now.target[0] = now.epochs().end("anwser").unwrap_or(0.0),
    ];
    for step in asks {
        let error = Custom { spec: spec.clone(), step }.batch(20, Seed(0)).unwrap_err().to_string();
        assert!(error.contains("\"anwser\"") && error.contains("there are fixation, answer"), "{error}");
    }
    let none = Custom { spec: TaskSpec::new(1, 2).duration(50.0), step: |_, now| now.score_only(&["go"]) };
    assert!(none.batch(1, Seed(0)).unwrap_err().to_string().contains("there are none"));
    // What only few trials have, or the spec alone, is no slip of the pen.
    for asks in ["answer", "cue", "before"] {
        Rare { asks, ends: 150.0 }.batch(2, Seed(0)).unwrap();
    }
    let error = Rare { asks: "queue", ends: 150.0 }.batch(2, Seed(0)).unwrap_err().to_string();
    assert!(error.contains("\"queue\"") && error.contains("before, answer, cue"), "{error}");
}

#[test]
fn epochs_that_a_trial_does_not_hold_are_an_error_that_names_them() {
    let message = |ends| Rare { asks: "answer", ends }.batch(1, Seed(0)).map(|_| ()).unwrap_err().to_string();
    let late = message(210.0);
    assert!(late.contains("\"answer\" ends at 210 ms, but the trial at 200 ms"), "{late}");
    assert!(message(99.0).contains("\"answer\" lasts from 100 to 99 ms"));
    assert!(message(f32::NAN).contains("\"answer\""));
    Rare { asks: "answer", ends: 200.0 }.batch(1, Seed(0)).unwrap();
}

/// What is printed while a task panics in many trials on many threads is nothing: the error has it.
#[test]
fn a_panic_is_told_once_with_its_place() {
    if std::env::var_os("PSYCHRNN_PANICS").is_none() {
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "tasks::a_panic_is_told_once_with_its_place", "--nocapture"]);
        let output = again.env("PSYCHRNN_PANICS", "1").output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !told.contains("panicked at"), "{told}");
        return;
    }
    let spec = TaskSpec::new(1, 2).duration(100.0);
    let steps: [(StepFn, &str); 3] = [
        (|_, now| now.favor(2, 1.0, 0.0), "no output 2"),
        (|_, now| now.input[0] = Seed(0).stream(0).choice(&[]), "nothing to choose from"),
        (|_, now| now.mask[7] = 1.0, "index is 7"),
    ];
    for (step, message) in steps {
        let task = Custom { spec: spec.clone(), step };
        let error = with_threads(4, || task.batch(100, Seed(0))).unwrap_err().to_string();
        assert!(error.contains(message) && error.contains("tasks.rs:"), "{error}");
        assert!(error.contains("step 0 (t = 0 ms) of trial 0"), "{error}");
    }
}

/// A task whose frame cannot be told.
struct Frameless;

impl Task for Frameless {
    type Trial = Nothing;
    fn spec(&self) -> TaskSpec {
        let epochs: Vec<f32> = Vec::new();
        TaskSpec::new(1, 2).duration(epochs[3])
    }
    fn draw(&self, _: &mut TrialRng) -> Nothing {
        Nothing
    }
    fn step(&self, _: f32, _: &Nothing, _: &mut TrialRng, _: &mut Step<'_>) {}
}

#[test]
fn a_frame_that_panics_is_an_error_wherever_it_is_asked_for() {
    let refused = |error: psychrnn::Error| {
        let error = error.to_string();
        assert!(
            error.contains("failed in spec") && error.contains("index is 3") && error.contains("tasks.rs:"),
            "{error}"
        );
    };
    refused(Frameless.batch(1, Seed(0)).unwrap_err());
    refused(TrialSource::spec(&Frameless).unwrap_err());
    refused(Rest::of(&Frameless).unwrap_err());
    #[cfg(feature = "torch")]
    {
        refused(Rnn::new(&Frameless, RnnConfig::default().units(3)).map(|_| ()).unwrap_err());
        refused(Lstm::new(&Frameless, LstmConfig::default().units(3)).map(|_| ()).unwrap_err());
        refused(Curriculum::new().stage(Frameless, 0.5).check().unwrap_err());
        let whole = Custom { spec: TaskSpec::new(1, 2).duration(100.0), step: |_, _| () };
        let mut network = Rnn::new(&whole, RnnConfig::default().units(3)).unwrap();
        let weights = network.weights().unwrap();
        refused(Rnn::with_weights(&Frameless, RnnConfig::default(), &weights).map(|_| ()).unwrap_err());
        let trainer = Trainer::default().updates(1).batch_size(2).silent();
        refused(trainer.train(&mut network, &Frameless).map(|_| ()).unwrap_err());
    }
}

#[test]
fn arguments_of_perceptual_discrimination_are_checked() {
    let good = PerceptualDiscrimination::default;
    let cases = [
        (good().dt(-1.0), "`dt`"),
        (good().tau(0.0), "`tau`"),
        (good().duration(f32::NAN), "`duration`"),
        (good().coherences(&[]), "`coherences`"),
        (good().coherences(&[f32::NAN]), "`coherences`"),
        (good().direction(2), "`direction`"),
        (good().noise(-1.0), "`noise`"),
        (good().onset(1500.0).stimulus(1000.0), "`duration`"),
        (good().onset(-5.0), "fixation"),
    ];
    for (task, name) in cases {
        let error = task.batch(2, Seed(0)).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    let directed = good().direction(1).coherences(&[0.2]).batch(50, Seed(3)).unwrap();
    assert!(directed.values.numbers("direction").unwrap().iter().all(|&direction| direction == 1.0));
    assert!(directed.values.numbers("coherence").unwrap().iter().all(|&coherence| coherence == 0.2));
}

#[test]
fn arrays_of_ones_own_become_a_batch_or_an_error() {
    let spec = TaskSpec::new(1, 2).dt(5.0).duration(1.0);
    let cube = |channels| Array3::<f32>::ones((4, 10, channels));
    let batch = Batch::from_arrays(&spec, cube(1), cube(2), cube(2)).unwrap();
    assert_eq!((batch.n_trials(), batch.n_steps()), (4, 10));
    let again = batch.trials(6..9, Seed(1)).unwrap();
    assert_eq!(again.inputs, batch.inputs.slice(s![..3, .., ..]));
    for (inputs, targets, mask, name) in [
        (cube(2), cube(2), cube(2), "`inputs`"),
        (cube(1), cube(1), cube(2), "`targets`"),
        (cube(1), cube(2), cube(1), "`mask`"),
        (cube(1) * f32::NAN, cube(2), cube(2), "`inputs`"),
        (Array3::ones((0, 10, 1)), Array3::ones((0, 10, 2)), Array3::ones((0, 10, 2)), "`inputs`"),
    ] {
        let error = Batch::from_arrays(&spec, inputs, targets, mask).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn a_trial_without_a_correct_choice_is_not_scored() {
    let spec = TaskSpec::new(1, 2).duration(1.0);
    let mut mask = Array3::<f32>::ones((3, 4, 2));
    mask.slice_mut(s![0, .., ..]).fill(0.0);
    let mut targets = Array3::<f32>::zeros((3, 4, 2));
    targets.slice_mut(s![.., .., 1]).fill(1.0);
    let batch = Batch::from_arrays(&spec, Array3::zeros((3, 4, 1)), targets.clone(), mask).unwrap();
    let mut outputs = targets;
    outputs.slice_mut(s![2, .., ..]).fill(0.5);
    let session = Session::new(batch, Array3::zeros((3, 4, 5)), Array3::zeros((3, 4, 5)), outputs).unwrap();
    assert_eq!(session.choices, [None, Some(1), None]);
    assert_eq!(session.correct, [None, Some(true), Some(false)]);
    assert_eq!(session.accuracy(), 0.5);
}

#[test]
fn a_batch_that_was_changed_is_checked_again() {
    let whole = PerceptualDiscrimination::default().duration(100.0).batch(4, Seed(1)).unwrap();
    let simulator = || {
        let mut weights = Weights::new();
        for (name, shape) in [
            ("W_in", (3, 2)),
            ("W_rec", (3, 3)),
            ("W_out", (2, 3)),
            ("b_rec", (1, 3)),
            ("b_out", (1, 2)),
            ("init_state", (1, 3)),
        ] {
            weights.insert(name, ndarray::Array2::<f32>::zeros(shape));
        }
        Simulator::new(&weights, LeakyUnits::new(10.0, 100.0)).unwrap()
    };
    simulator().run(&whole).unwrap();
    let refused = |name: &str, change: fn(&mut Batch)| {
        let mut batch = whole.clone();
        change(&mut batch);
        let error = simulator().run(&batch).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    };
    refused("trial 1, step 2, channel 0", |batch| batch.inputs[[1, 2, 0]] = f32::NAN);
    refused("`targets`", |batch| batch.inputs = Array3::zeros((3, 10, 2)));
    refused("`mask`", |batch| batch.mask = Array3::zeros((4, 10, 1)));
    refused("`lengths`", |batch| batch.lengths[0] = 11);
    refused("`epochs`", |batch| drop(batch.epochs.pop()));
    refused("`mask`", |batch| batch.mask[[3, 2, 1]] = -1.0);
    refused("\"stimulus\" from NaN to 5 ms in trial 2", |batch| {
        batch.epochs[2] = Epochs::new().span("stimulus", f32::NAN, 5.0);
    });
}

/// A signal of 1 in the first channel and of -1 in the second while `on` lasts; draws as it goes.
#[derive(Clone)]
struct Flash {
    dt: f32,
    sensory: Sensory,
}

#[derive(Clone, Trial)]
struct Number {
    number: u64,
}

impl Task for Flash {
    type Trial = Number;
    fn spec(&self) -> TaskSpec {
        let spec = TaskSpec::new(2, 2).dt(self.dt).epoch("off", 100.0).epoch("on", 100.0);
        spec.sensory(self.sensory.clone())
    }
    fn draw(&self, rng: &mut TrialRng) -> Number {
        Number { number: rng.number() }
    }
    fn step(&self, _: f32, _: &Number, rng: &mut TrialRng, now: &mut Step<'_>) {
        now.score_only(&["on"]);
        if now.is_in("on") {
            now.input.copy_from_slice(&[1.0, -1.0]);
            now.favor(rng.index(2), 1.2, 0.1);
        }
    }
}

#[test]
fn inputs_have_their_baseline_and_their_noise_and_are_rectified() {
    let task = |dt, sensory: &Sensory| Flash { dt, sensory: sensory.clone() };
    let plain = task(10.0, &Sensory::default()).batch(5, Seed(1)).unwrap();
    assert_eq!(plain.inputs.slice(s![0, 9..11, ..]), ndarray::arr2(&[[0.0, 0.0], [1.0, -1.0]]));
    assert_eq!(plain.targets.slice(s![.., ..10, ..]).sum(), 0.0);
    let favored = |target: &[f32]| target == [1.2, 0.1] || target == [0.1, 1.2];
    assert!(plain.targets.slice(s![.., 10.., ..]).rows().into_iter().all(|row| favored(&row.to_vec())));
    assert_eq!(plain.mask.sum(), 5.0 * 10.0 * 2.0);

    let lifted = task(10.0, &Sensory::default().baseline(0.25).rectify(true)).batch(5, Seed(1)).unwrap();
    assert_eq!(lifted.inputs, (&plain.inputs + 0.25).mapv(|u| u.max(0.0)));

    // u = baseline + signal + sqrt(2 tau / dt) sd xi; a trial's other draws stay the same.
    for (dt, tau) in [(10.0, 100.0), (10.0, 40.0), (0.5, 100.0)] {
        let sensory = Sensory::default().baseline(0.25).noise([0.1, 0.3]).tau(tau);
        let noisy = task(dt, &sensory).batch(200, Seed(1)).unwrap();
        let free = task(dt, &Sensory::default()).batch(200, Seed(1)).unwrap();
        assert_eq!((&noisy.targets, &noisy.mask), (&free.targets, &free.mask));
        let noise = &noisy.inputs - &free.inputs - 0.25;
        for (channel, sd) in [0.1_f64, 0.3].into_iter().enumerate() {
            let noise = noise.slice(s![.., .., channel]).mapv(f64::from);
            let n = noise.len() as f64;
            let expected = 2.0 * f64::from(tau / dt) * sd * sd;
            assert!(noise.mean().unwrap().abs() < 5.0 * (expected / n).sqrt());
            // The variance of a variance of Gaussian numbers is 2 v^2 / n.
            let variance = noise.mapv(|x| x * x).mean().unwrap();
            assert!((variance / expected - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{variance} against {expected}");
        }
        let mean = noise.mean_axis(ndarray::Axis(2)).unwrap();
        let shifted = (&mean.slice(s![.., 1..]) * &mean.slice(s![.., ..-1])).mean().unwrap();
        assert!(shifted.abs() < 0.1 * mean.mapv(|x| x * x).mean().unwrap(), "steps are independent");
    }
}

/// What other packages add to a step, and where.
#[test]
fn noise_may_be_there_only_while_something_is_shown() {
    let plain = Flash { dt: 100.0, sensory: Sensory::default() }.batch(2000, Seed(1)).unwrap();
    for (sensory, expected) in [(Sensory::neurogym(1.0), 0.1_f32), (Sensory::pyrl(0.01), 0.02_f32.sqrt())] {
        let noisy = Flash { dt: 100.0, sensory: sensory.clone() }.batch(2000, Seed(1)).unwrap();
        let noise = &noisy.inputs - &plain.inputs;
        assert!(noise.iter().zip(&plain.inputs).all(|(noise, signal)| (*noise == 0.0) == (*signal == 0.0)));
        let sd = noise.slice(s![.., 1, ..]).mapv(|x| x * x).mean().unwrap().sqrt();
        assert!((sd / expected - 1.0).abs() < 0.06, "{sd} against {expected}");
        // What is there does not depend on what is left out.
        let all = Flash { dt: 100.0, sensory: sensory.while_on(false) }.batch(2000, Seed(1)).unwrap();
        assert_eq!(all.inputs.slice(s![.., 1, ..]), noisy.inputs.slice(s![.., 1, ..]));
        assert!(all.inputs.slice(s![.., 0, ..]).iter().all(|noise| *noise != 0.0));
    }
    // Noise that channels share, and the baseline, which is always there.
    let shared = Sensory::default().noise(ndarray::arr2(&[[1.0, 0.5], [0.5, 1.0]])).baseline(0.25).while_on(true);
    let batch = Flash { dt: 10.0, sensory: shared }.batch(5, Seed(1)).unwrap();
    assert!(batch.inputs.slice(s![.., ..10, ..]).iter().all(|&input| input == 0.25));
    assert!(batch.inputs.slice(s![.., 10.., ..]).iter().all(|&input| input != 1.25 && input != -0.75));
}

#[test]
fn channels_may_share_their_noise() {
    let noise = |covariance: &[[f32; 2]; 2]| {
        let sensory = Sensory::default().noise(ndarray::arr2(covariance)).tau(5.0);
        Flash { dt: 10.0, sensory }.batch(500, Seed(3)).map(|batch| {
            let noise = batch.inputs.slice(s![.., ..10, ..]).mapv(f64::from);
            let of = |channel| noise.slice(s![.., .., channel]);
            let mean = |a, b| (&of(a) * &of(b)).mean().unwrap();
            [mean(0, 0), mean(0, 1), mean(1, 1)]
        })
    };
    // 2 tau / dt is 1.
    for (covariance, expected) in
        [([[1.0, -0.6], [-0.6, 0.5]], [1.0, -0.6, 0.5]), ([[1.0, 0.5], [0.5, 0.25]], [1.0, 0.5, 0.25])]
    {
        let found = noise(&covariance).unwrap();
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.06), "{found:?}");
    }
    for bad in [[[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.5], [0.0, 1.0]], [[f32::NAN, 0.0], [0.0, 1.0]]] {
        assert!(noise(&bad).unwrap_err().to_string().contains("covariance"));
    }
    for (sensory, name) in [
        (Sensory::default().noise(-1.0), "`noise of the inputs`"),
        (Sensory::default().noise([1.0, 1.0, 1.0]), "`noise of the inputs`"),
        (Sensory::default().baseline(f32::NAN), "`baseline of the inputs`"),
        (Sensory::default().noise(0.1).tau(0.0), "`tau of the inputs`"),
        (Sensory::pyrl(-0.1), "`noise of the inputs`"),
    ] {
        let error = Flash { dt: 10.0, sensory }.batch(1, Seed(0)).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn a_choice_is_read_by_the_rule_of_the_task() {
    // Channel 0 is larger on the whole, 1 at the end; 1 is the first to reach 0.5, then 0 is larger.
    let outputs = ndarray::arr2(&[[0.1, 0.2], [0.3, 0.6], [0.9, 0.7], [0.9, 0.1], [0.2, 0.4], [9.0, 0.0]]);
    let choice = |decision, target: [[f32; 2]; 5]| {
        let spec = TaskSpec::new(1, 2).duration(50.0).decision(decision);
        let mut targets = Array3::zeros((1, 6, 2));
        targets.slice_mut(s![0, ..5, ..]).assign(&ndarray::arr2(&target));
        let mut batch = Batch::from_arrays(&spec, Array3::zeros((1, 6, 1)), targets, Array3::ones((1, 6, 2))).unwrap();
        // The last step is padding.
        batch.lengths = vec![5];
        (batch.choice(0, outputs.view()), batch.correct_choice(0))
    };
    let late = [[0.2, 0.2], [0.0, 0.0], [0.0, 0.0], [1.2, 0.2], [1.2, 0.2]];
    let never = [[0.2, 0.2]; 5];
    assert_eq!(choice(Decision::largest_mean(), late), (Some(0), Some(0)));
    assert_eq!(choice(Decision::largest_at_end(), late), (Some(1), Some(0)));
    assert_eq!(choice(Decision::largest_at_end(), never), (Some(1), None));
    assert_eq!(choice(Decision::first_to_reach(0.5), late), (Some(1), Some(0)));
    assert_eq!(choice(Decision::first_to_reach(0.65), late), (Some(0), Some(0)));
    assert_eq!(choice(Decision::first_to_reach(1.0), late), (None, Some(0)));
    assert_eq!(choice(Decision::first_to_reach(0.5), never), (Some(1), None));
    assert_eq!(choice(Decision::none(), late), (None, None));
    let spec = TaskSpec::new(1, 2).duration(50.0).decision(Decision::first_to_reach(f32::NAN));
    assert!(spec.check().unwrap_err().to_string().contains("`threshold of the decision`"));
}

#[test]
fn a_number_of_trials_that_no_memory_holds_is_an_error() {
    let task = Flash { dt: 10.0, sensory: Sensory::default() };
    let batch = task.batch(2, Seed(0)).unwrap();
    for source in [&task as &dyn TrialSource, &batch] {
        for n in [usize::MAX, usize::MAX / 2] {
            assert!(source.batch(n, Seed(0)).unwrap_err().to_string().contains("memory"));
        }
        assert!(source.batch(0, Seed(0)).is_err());
    }
}

#[test]
fn a_batch_whose_parts_do_not_fit_is_refused_by_name() {
    let task = Flash { dt: 10.0, sensory: Sensory::default() };
    let batch = || task.batch(3, Seed(0)).unwrap();
    let values = |rows: usize| {
        let mut values = Table::new();
        values.insert("side", vec![1; rows]).unwrap();
        values
    };
    let spoils: [(Spoil<'_>, &str); 5] = [
        (&|batch| batch.values = values(2), "\"side\""),
        (&|batch| batch.values = values(4), "\"side\""),
        (&|batch| batch.epochs.clear(), "`epochs`"),
        (&|batch| batch.lengths.push(10), "`lengths`"),
        (&|batch| batch.numbers.truncate(2), "`numbers`"),
    ];
    for (spoil, name) in spoils {
        let mut spoilt = batch();
        spoil(&mut spoilt);
        let (nothing, outputs) = (Array3::zeros((3, spoilt.n_steps(), 1)), spoilt.targets.clone());
        let session = Session::new(spoilt.clone(), nothing.clone(), nothing.clone(), outputs.clone()).map(drop);
        // A session can be changed, too.
        let mut changed = Session::new(batch(), nothing.clone(), nothing, outputs).unwrap();
        spoil(&mut changed.batch);
        let average = Average::by("trial").of(&changed).map(drop);
        for result in [spoilt.check(), spoilt.trials(0..2, Seed(0)).map(drop), session, average] {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        drop(spoilt.select(&[0, 2, 7]));
    }
    assert_eq!(batch().is_scored(), batch().mask.sum() > 0.0);
}

#[test]
fn a_trial_that_is_selected_again_has_noise_of_its_own() {
    let batch = Flash { dt: 10.0, sensory: Sensory::default() }.trials(5..9, Seed(0)).unwrap();
    assert_eq!(batch.select(&[3, 0, 9, 1]).numbers, [8, 5, 6]);
    let more = 1_u64 << 32;
    assert_eq!(batch.select(&[3, 3, 0, 3]).numbers, [8, 8 + more, 5, 8 + 2 * more]);
    let again = batch.select(&[3, 3]).select(&[0, 0, 1, 1]);
    assert_eq!(again.numbers, [8, 8 + 2 * more, 8 + more, 8 + 3 * more]);
}

#[test]
fn epochs_may_overlap_and_have_durations() {
    let epochs = Epochs::new().then("fixation", 100.0).span("stimulus", 100.0, 900.0).span("decision", 400.0, 700.0);
    assert_eq!((epochs.end_of_last(), epochs.at(500.0)), (900.0, Some("stimulus")));
    assert_eq!(epochs.clone().then("more", 50.0).end("more"), Some(950.0));
    let mut batch = Flash { dt: 10.0, sensory: Sensory::default() }.batch(2, Seed(0)).unwrap();
    batch.epochs[1] = epochs;
    assert_eq!(batch.durations("stimulus").unwrap(), [None, Some(800.0)]);
    assert_eq!(batch.starts("on").unwrap(), [Some(100.0), None]);
    assert!(batch.durations("delay").unwrap_err().to_string().contains("off, on, fixation, stimulus, decision"));
}

#[test]
fn a_task_knows_the_number_of_its_trial() {
    let batch = Flash { dt: 10.0, sensory: Sensory::default() }.trials(7..12, Seed(5)).unwrap();
    assert_eq!(batch.values.numbers("number").unwrap(), [7.0, 8.0, 9.0, 10.0, 11.0]);
}

#[test]
fn rest_shows_what_the_senses_show_of_nothing() {
    let sensory = Sensory::pycog().noise(0.0);
    let rest = Rest::of(&Flash { dt: 5.0, sensory }).unwrap().duration(Duration::choice(&[200.0, 400.0]));
    let batch = rest.batch(30, Seed(2)).unwrap();
    assert_eq!((batch.n_steps(), batch.mask.sum()), (80, 0.0));
    for (inputs, &length) in batch.inputs.outer_iter().zip(&batch.lengths) {
        assert!(length == 40 || length == 80);
        assert!(inputs.slice(s![..length, ..]).iter().all(|&u| u == 0.2));
    }
    assert_eq!((batch.correct_choice(0), batch.choice(0, batch.targets.index_axis(ndarray::Axis(0), 0))), (None, None));
}
