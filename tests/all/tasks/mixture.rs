//! Trials of several tasks.

use ndarray::{Axis, s};
use psychrnn::prelude::*;
use psychrnn::task::{Mixture, Ring, Sensory, Sessions};
use psychrnn::tasks::{RandomDots, Rule, Yang};
use psychrnn::threads::with_threads;

fn dots() -> RandomDots {
    RandomDots::fixed_duration().dt(20.0)
}

/// Left or right by one output.
struct Side;

#[derive(Clone, Trial)]
struct Shown {
    side: i32,
    coherence: f32,
}

impl Task for Side {
    type Trial = Shown;
    fn spec(&self) -> TaskSpec {
        let decision = Decision::sign().during("answer");
        TaskSpec::new(1, 1)
            .dt(20.0)
            .epoch("wait", Duration::uniform(100.0, 900.0))
            .epoch("answer", 200.0)
            .decision(decision)
    }
    fn draw(&self, rng: &mut TrialRng) -> Shown {
        Shown { side: rng.choice(&[-1, 1]), coherence: 2.0 }
    }
    fn step(&self, _: f32, shown: &Shown, _: &mut TrialRng, now: &mut Step) {
        (now.input[0], now.target[0]) = (shown.side as f32, shown.side as f32);
        now.score_only(&["answer"]);
    }
}

fn mixture() -> Mixture {
    Mixture::new().task("dots", dots(), 1.0).task("side", Side, 3.0)
}

#[test]
fn a_trial_is_that_of_its_task_and_depends_on_its_number_alone() {
    for mixture in [mixture(), mixture().shared_by(8), mixture().apart(true)] {
        let all = mixture.batch(100, Seed(3)).unwrap();
        all.check().unwrap();
        assert_eq!(all.spec, mixture.spec().unwrap());
        for threads in [1, 3] {
            let some = with_threads(threads, || mixture.trials(31..45, Seed(3))).unwrap();
            let rows: Vec<usize> = (31..45).collect();
            let same = all.select(&rows);
            assert_eq!((&some.values, &some.epochs, &some.decisions), (&same.values, &same.epochs, &same.decisions));
            assert_eq!(some.inputs, same.inputs.slice(s![.., ..some.n_steps(), ..]));
        }
        let rules = all.values.column("rule").unwrap();
        let apart = all.spec.n_out == 3;
        for (trial, rule) in rules.iter().enumerate() {
            let is_dots = rule.is("dots");
            let number = trial as u64..trial as u64 + 1;
            let one = match is_dots {
                true => dots().trials(number, Seed(3)).unwrap(),
                false => Side.trials(number, Seed(3)).unwrap(),
            };
            let n_steps = one.n_steps();
            assert_eq!(all.lengths[trial], n_steps);
            let (input, output) = if apart && !is_dots { (all.spec.n_in - 3, 2) } else { (0, 0) };
            let (n_in, n_out) = (one.spec.n_in, one.spec.n_out);
            assert_eq!(all.inputs.slice(s![trial, ..n_steps, input..input + n_in]), one.inputs.index_axis(Axis(0), 0));
            assert_eq!(
                all.targets.slice(s![trial, ..n_steps, output..output + n_out]),
                one.targets.index_axis(Axis(0), 0)
            );
            assert_eq!(all.mask.slice(s![trial, ..n_steps, output..output + n_out]), one.mask.index_axis(Axis(0), 0));
            let others = |array: &ndarray::Array3<f32>| array.index_axis(Axis(0), trial).sum();
            assert_eq!(others(&all.mask), one.mask.sum());
            let rule = all.inputs.slice(s![trial, .., all.spec.n_in - 2..]);
            assert_eq!(
                rule.sum_axis(Axis(0)).to_vec(),
                if is_dots { [n_steps as f32, 0.0] } else { [0.0, n_steps as f32] }
            );
            // Whoever does what is asked is right, by the rule of the trial's own task.
            let targets = all.targets.index_axis(Axis(0), trial);
            assert_eq!(all.is_correct(trial, targets), one.is_correct(0, one.targets.index_axis(Axis(0), 0)));
            let choice = one.correct_choice(0).map(|choice| choice + if is_dots { output } else { 0 });
            assert_eq!(all.correct_choice(trial), choice);
        }
        let n_dots = rules.iter().filter(|rule| rule.is("dots")).count();
        assert!((8..45).contains(&n_dots), "{n_dots}");
        assert!(
            all.values
                .column("side")
                .unwrap()
                .iter()
                .zip(rules)
                .all(|(side, rule)| rule.is("dots") == side.is(f64::NAN))
        );
    }
}

#[test]
fn blocks_are_of_one_task_and_rules_are_shown_for_a_while() {
    let batch = mixture().shared_by(16).strength(0.5).shown_between(40.0, 100.0).batch(160, Seed(1)).unwrap();
    let rules = batch.values.column("rule").unwrap();
    assert!((0..160).all(|trial| rules[trial] == rules[trial / 16 * 16]));
    assert!(rules.iter().any(|rule| rule.is("dots")) && rules.iter().any(|rule| rule.is("side")));
    let shown: Vec<f32> = (0..6).map(|step| batch.inputs.slice(s![0, step, batch.spec.n_in - 2..]).sum()).collect();
    assert_eq!(shown, [0.0, 0.0, 0.5, 0.5, 0.5, 0.0]);
    let noisy = mixture().sensory(Sensory::default().noise(0.1)).batch(20, Seed(1)).unwrap();
    let noise = noisy.inputs.slice(s![.., ..5, noisy.spec.n_in - 2..]).mapv(|x| x - x.round());
    let sd = noise.mapv(|x| x * x).mean().unwrap().sqrt();
    // 0.1 √(2 τ / dt), less what rounding folds.
    assert!((0.2..0.35).contains(&sd), "{sd}");
}

#[test]
fn rings_move_with_their_outputs() {
    let mixture = Mixture::new()
        .task("dots", dots(), 1.0)
        .task("go", Yang::rule(Rule::FdGo).rules(&[Rule::FdGo]).ring(8), 1.0)
        .apart(true);
    // Both have a value of that name.
    assert!(mixture.batch(1, Seed(1)).unwrap_err().to_string().contains("rule"));
    let ring = Decision::ring(Ring::new(1..5).fixation(0));
    let spec = TaskSpec::new(1, 5).dt(20.0).duration(40.0).decision(ring);
    let zeros = || ndarray::Array3::zeros((1, 2, 5));
    let mut targets = zeros();
    targets[[0, 1, 3]] = 1.0;
    let saccade = Batch::from_arrays(&spec, ndarray::Array3::zeros((1, 2, 1)), targets, zeros() + 1.0).unwrap();
    let mixture = Mixture::new().task("dots", dots(), 0.0).task("saccade", saccade, 1.0).apart(true);
    let batch = mixture.batch(2, Seed(1)).unwrap();
    let targets = batch.targets.index_axis(Axis(0), 0);
    assert_eq!(batch.is_correct(0, targets), Some(true));
    assert_eq!(
        batch.is_correct(0, ndarray::Array2::from_shape_fn((2, 7), |(_, k)| f32::from(u8::from(k == 4))).view()),
        Some(false)
    );
}

#[test]
fn mixtures_that_make_no_sense_are_refused() {
    for (mixture, name) in [
        (Mixture::new(), "none"),
        (mixture().task("dots", dots(), 1.0), "twice"),
        (Mixture::new().task("dots", dots(), -1.0), "weights"),
        (Mixture::new().task("dots", dots(), 0.0), "weights"),
        (mixture().task("other", RandomDots::fixed_duration().dt(10.0), 1.0), "`dt`"),
        (mixture().task("other", dots().tau(50.0), 1.0), "`tau`"),
        (mixture().shared_by(0), "`shared_by`"),
        (mixture().strength(f32::NAN), "`strength`"),
        (mixture().shown_between(100.0, 100.0), "`shown_between`"),
        (mixture().sensory(Sensory::default().noise(-1.0)), "noise"),
        (mixture().task("day", Sessions::lasting(10).of(dots()), 1.0), "day"),
    ] {
        let error = mixture.batch(2, Seed(1)).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[cfg(feature = "torch")]
#[test]
fn a_network_is_trained_on_a_mixture_until_its_choices_are_right() {
    let mixture = mixture().shared_by(20);
    let mut network = Rnn::new(&mixture, RnnConfig::default().units(20)).unwrap();
    let trainer = Trainer::default().batch_size(20).learning_rate(0.01).updates(400).seed(1).silent();
    let training = trainer.until(0.8).check_trials(200).train(&mut network, &mixture).unwrap();
    assert_eq!(training.stop, psychrnn::train::Stop::Reached, "{training}");
    let session = network.run(&mixture.batch(300, Seed(5)).unwrap()).unwrap();
    assert!(session.only("rule", "side").unwrap().accuracy() > 0.9);
}
