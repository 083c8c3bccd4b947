//! The ideal observer, against what is known in closed form.

use std::f64::consts::{PI, SQRT_2, TAU};

use ndarray::array;
use psychrnn::prelude::*;
use psychrnn::task::{
    Duration, IdealAccuracy, IdealObserver, InputNoise, MatchingPennies, Mixture, Ring, Senses, Sessions,
};
use psychrnn::tasks::{CenterOut, ConditionalAssociation, MultiChoice, SineWave, WeatherPrediction};
use psychrnn::threads::with_threads;
use statrs::function::erf::erfc;

/// One of some levels on two channels, and which output is right for each.
#[derive(Clone)]
struct Levels {
    levels: Vec<([f32; 2], usize)>,
    weights: Vec<f32>,
    spec: TaskSpec,
}

#[derive(Clone, Trial)]
struct Level {
    number: usize,
}

impl Levels {
    fn new(levels: &[([f32; 2], usize)], noise: impl Into<InputNoise>) -> Self {
        let sensory = Sensory::default().noise(noise);
        let spec = TaskSpec::new(2, 2).epoch("before", 50.0).epoch("stimulus", 200.0).sensory(sensory);
        Self { levels: levels.to_vec(), weights: vec![1.0; levels.len()], spec }
    }

    /// The same with another law of the inputs.
    fn seen(mut self, change: impl Fn(Sensory) -> Sensory) -> Self {
        self.spec.sensory = change(self.spec.sensory);
        self
    }

    fn lasting(mut self, stimulus: impl Into<Duration>) -> Self {
        self.spec.epochs[1].1 = stimulus.into();
        self
    }
}

impl Task for Levels {
    type Trial = Level;

    fn spec(&self) -> TaskSpec {
        self.spec.clone()
    }

    fn draw(&self, rng: &mut TrialRng) -> Level {
        Level { number: rng.weighted(&self.weights) }
    }

    fn step(&self, _: f32, trial: &Level, _: &mut TrialRng, now: &mut Step<'_>) {
        let (levels, answer) = self.levels[trial.number];
        if now.is_in("stimulus") {
            now.input.copy_from_slice(&levels);
        }
        now.favor(answer, 1.0, 0.0);
    }

    fn answer(&self, trial: &Level) -> Option<usize> {
        Some(self.levels[trial.number].1)
    }
}

fn phi(z: f64) -> f64 {
    erfc(-z / SQRT_2) / 2.0
}

fn ideal(task: &impl TrialSource) -> IdealAccuracy {
    task.ideal(&IdealObserver::default().seed(1)).unwrap()
}

#[track_caller]
fn is_near(ideal: &IdealAccuracy, expected: f64) {
    let far = (ideal.accuracy - expected).abs() / (expected * (1.0 - expected) / ideal.trials as f64).sqrt();
    assert!(far < 3.0, "{ideal:?} for {expected}: {far} standard errors");
}

#[track_caller]
fn is_refused(task: &impl TrialSource, why: &[&str]) {
    let error = task.ideal(&IdealObserver::default().trials(200).candidates(50)).unwrap_err().to_string();
    assert!(why.iter().all(|why| error.contains(why)), "{error}");
}

const TWO: [([f32; 2], usize); 2] = [([0.2, 0.0], 0), ([0.0, 0.2], 1)];

#[test]
fn two_alternatives_are_told_apart_by_d_prime() {
    // A step has noise of σ √(2 τ / dt), so that d'² = 2 · 0.2² T / (σ² 2 τ).
    for (dt, duration) in [(10.0, 200.0), (20.0, 200.0), (5.0, 100.0), (10.0, 1000.0)] {
        let mut task = Levels::new(&TWO, 0.3).lasting(duration);
        task.spec.dt = dt;
        let d = (2.0 * 0.2_f64.powi(2) * duration / (0.3_f64.powi(2) * 200.0)).sqrt();
        let ideal = ideal(&task);
        is_near(&ideal, phi(d / 2.0));
        assert_eq!((ideal.trials, ideal.candidates), (2000, 2));
        assert!((ideal.chance - 0.5).abs() < 0.02);
    }
}

#[test]
fn what_is_more_frequent_is_said_more_often() {
    let mut task = Levels::new(&TWO, 0.3);
    task.weights = vec![0.8, 0.2];
    let d = (2.0 * 0.2_f64.powi(2) * 200.0 / (0.3_f64.powi(2) * 200.0)).sqrt();
    let odds = 4.0_f64.ln();
    let ideal = ideal(&task);
    is_near(&ideal, 0.8 * phi(d / 2.0 + odds / d) + 0.2 * phi(d / 2.0 - odds / d));
    assert!((ideal.chance - 0.8).abs() < 0.02, "{ideal:?}");
}

#[test]
fn nothing_to_be_seen_leaves_chance_and_no_noise_leaves_no_doubt() {
    let same = [([0.2, 0.2], 0), ([0.2, 0.2], 1)];
    for noise in [0.0, 0.3] {
        is_near(&ideal(&Levels::new(&same, noise)), 0.5);
    }
    assert_eq!(ideal(&Levels::new(&TWO, 0.0)).accuracy, 1.0);
    assert_eq!(ideal(&Levels::new(&TWO, [0.0, 0.3])).accuracy, 1.0, "one channel tells all");
    let task = MultiChoice::default().coherences(&[0.512]).sensory(Sensory::default());
    assert_eq!(ideal(&task).accuracy, 1.0);
}

#[test]
fn shared_noise_is_taken_out_as_far_as_it_is_shared() {
    // d'² = N δᵀ C⁻¹ δ of 20 steps, in each of which C is 20 times as large.
    let covariance = array![[0.09, 0.045], [0.045, 0.16]];
    let delta = [0.2_f64, -0.2];
    let determinant = 0.09 * 0.16 - 0.045 * 0.045;
    let squared =
        (0.16 * delta[0] * delta[0] - 2.0 * 0.045 * delta[0] * delta[1] + 0.09 * delta[1] * delta[1]) / determinant;
    let task = Levels::new(&TWO, covariance.mapv(|x: f64| x as f32)).seen(|sensory| sensory.baseline(0.3));
    is_near(&ideal(&task), phi(squared.sqrt() / 2.0));
    // All noise is shared, so that the difference of the channels has none.
    let shared = array![[0.09, 0.09], [0.09, 0.09]];
    assert_eq!(ideal(&Levels::new(&TWO, shared.clone())).accuracy, 1.0);
    // It tells nothing of what both channels show.
    let both = [([0.1, 0.1], 0), ([0.3, 0.3], 1)];
    is_near(&ideal(&Levels::new(&both, shared.clone())), phi((0.2_f64.powi(2) / 0.09).sqrt() / 2.0));
    is_refused(&Levels::new(&TWO, shared.clone()).seen(|s| s.rectify(true)), &["noise of the inputs", "rectified"]);
    is_refused(&Levels::new(&TWO, shared).seen(|s| s.while_on(true)), &["noise of the inputs", "a covariance"]);
}

#[test]
fn rectified_inputs_say_what_is_left_of_them() {
    // One step of one channel, of a mean of -0.3 or 0.1: above their middle only what is rectified.
    let levels = [([-0.3, 0.0], 0), ([0.1, 0.0], 1)];
    let one_step = Levels::new(&levels, [0.1, 0.0]).lasting(10.0).seen(|sensory| sensory.rectify(true));
    let sd = 0.1 * 20.0_f64.sqrt();
    // 0 is said to be the lower one, and all else the higher one.
    is_near(&ideal(&one_step), (phi(0.3 / sd) + phi(0.1 / sd)) / 2.0);
    // With a baseline it is the middle that parts them.
    is_near(&ideal(&one_step.seen(|sensory| sensory.baseline(0.5))), phi(0.2 / sd));
}

#[test]
fn noise_that_comes_with_a_signal_gives_it_away() {
    let faint = [([0.001, 0.0], 0), ([0.0, 0.001], 1)];
    is_near(&ideal(&Levels::new(&faint, 0.3)), 0.5);
    assert_eq!(ideal(&Levels::new(&faint, 0.3).seen(|sensory| sensory.while_on(true))).accuracy, 1.0);
}

#[test]
fn times_are_known() {
    let task = Levels::new(&TWO, 0.3).lasting(Duration::choice(&[50.0, 100.0, 400.0]));
    let right = |duration: f64| phi((2.0 * 0.2_f64.powi(2) * duration / (0.3_f64.powi(2) * 200.0)).sqrt() / 2.0);
    is_near(&ideal(&task), (right(50.0) + right(100.0) + right(400.0)) / 3.0);
    // Of a session each trial is taken alone; what the subject is shown of the last one tells nothing of this one.
    let plain = Levels::new(&TWO, 0.3);
    let senses = Senses::default().choice(true).outcome(true);
    let session = Sessions::lasting(40).iti(Duration::uniform(20.0, 200.0)).senses(senses).of(plain.clone());
    is_near(&ideal(&session), right(200.0));
    // All trials share the values and the noise with those of the batch.
    let observer = IdealObserver::default().trials(100).seed(3);
    let [one, three] = [1, 3].map(|threads| with_threads(threads, || plain.ideal(&observer).unwrap()));
    assert_eq!(one, three);
    let batch = plain.batch(100, Seed(3)).unwrap();
    let said = |trial: usize| {
        let sum = batch.inputs.index_axis(ndarray::Axis(0), trial).sum_axis(ndarray::Axis(0));
        usize::from(sum[1] > sum[0])
    };
    let right = (0..100).filter(|&trial| batch.correct_choice(trial) == Some(said(trial))).count();
    // Which answer is more frequent among the candidates is of little matter.
    assert!((one.accuracy - right as f64 / 100.0).abs() < 0.03, "{one:?} {right}");
}

/// An angle by 16 tuned inputs, of a few directions or of any.
#[derive(Clone)]
struct Angles {
    directions: usize,
    tolerance: f32,
    noise: f32,
}

#[derive(Clone, Trial)]
struct Angle {
    angle: f32,
}

impl Task for Angles {
    type Trial = Angle;

    fn spec(&self) -> TaskSpec {
        let decision = Decision::ring(Ring::new(0..16).tolerance(self.tolerance));
        let spec = TaskSpec::new(16, 16).epoch("stimulus", 50.0).decision(decision);
        spec.sensory(Sensory::default().noise(self.noise))
    }

    fn draw(&self, rng: &mut TrialRng) -> Angle {
        let turn = if self.directions == 0 {
            rng.uniform(0.0, 1.0)
        } else {
            rng.index(self.directions) as f32 / self.directions as f32
        };
        Angle { angle: turn * TAU as f32 }
    }

    fn step(&self, _: f32, trial: &Angle, _: &mut TrialRng, now: &mut Step<'_>) {
        for k in 0..16 {
            let apart = trial.angle - (TAU * k as f64 / 16.0) as f32;
            now.input[k] = apart.cos();
            now.target[k] = 1.0 + apart.cos();
        }
    }
}

#[test]
fn of_angles_the_one_is_said_near_which_most_are() {
    let angles = |directions, tolerance, noise| Angles { directions, tolerance, noise };
    // Four directions of which nothing can be seen: one is near to one of them, or, between two, to both.
    is_near(&ideal(&angles(4, 0.3, 1e4)), 0.25);
    is_near(&ideal(&angles(4, 0.3 * PI as f32, 1e4)), 0.5);
    assert_eq!(ideal(&angles(8, 0.1, 1e-3)).accuracy, 1.0);
    // Any direction: what is seen is the angle with Gaussian noise, of variance σ² 20 / (8 · 5 steps) where that is small.
    let (tolerance, sd) = (0.2, 0.2 * (20.0_f64 / 40.0).sqrt());
    let observer = IdealObserver::default().trials(500).candidates(500);
    is_near(&angles(0, tolerance as f32, 0.2).ideal(&observer).unwrap(), erfc(-tolerance / sd / SQRT_2) - 1.0);
}

#[test]
fn answers_that_chance_gives_are_as_certain_as_chance() {
    // Cards of which each pattern is followed by rain with its own probability, which is all that can be known.
    let task = WeatherPrediction::default();
    let batch = task.batch(20_000, Seed(2)).unwrap();
    let odds = batch.values.numbers("log_odds").unwrap();
    let best = odds.iter().map(|odds| 1.0 / (1.0 + (-odds.abs()).exp())).sum::<f64>() / odds.len() as f64;
    is_near(&ideal(&task.sensory(Sensory::default().noise(0.01))), best);
}

#[test]
fn what_comes_after_the_answer_comes_too_late() {
    // The answer is shown as feedback, and which belongs to a stimulus is known from other trials alone.
    is_near(&ideal(&ConditionalAssociation::default()), 0.25);
}

#[test]
fn pyrls_dots_are_seen_as_well_as_can_be() {
    // By observers that sum the difference of the two inputs, in 200,000 trials each.
    is_near(&ideal(&MultiChoice::pyrl()), 0.809);
    is_near(&ideal(&MultiChoice::pyrl_reaction_time()), 0.848);
    for (coherence, expected) in [(0.0, 0.5), (0.064, 0.72), (0.128, 0.86), (0.256, 0.97)] {
        let ideal = ideal(&MultiChoice::pyrl().coherences(&[coherence]));
        // These are given with two digits.
        let far = (ideal.accuracy - expected).abs();
        assert!(far < 0.005 + 3.0 * ideal.standard_error, "{ideal:?} for {expected}");
    }
}

/// Values of a range: five at once, of which the first says the answer.
#[derive(Clone)]
struct Ranges(f32);

#[derive(Clone, Trial)]
struct Five {
    first: f32,
    #[trial(skip)]
    others: Vec<f32>,
}

impl Task for Ranges {
    type Trial = Five;

    fn spec(&self) -> TaskSpec {
        TaskSpec::new(5, 2).epoch("stimulus", 10.0).sensory(Sensory::default().noise(self.0).tau(5.0))
    }

    fn draw(&self, rng: &mut TrialRng) -> Five {
        let mut next = || rng.uniform(-1.0, 1.0);
        Five { first: next(), others: (0..4).map(|_| next()).collect() }
    }

    fn step(&self, _: f32, trial: &Five, _: &mut TrialRng, now: &mut Step<'_>) {
        now.input[0] = trial.first;
        now.input[1..].copy_from_slice(&trial.others);
        now.favor(usize::from(trial.first > 0.0), 1.0, 0.0);
    }
}

#[test]
fn values_of_a_range_are_covered_or_there_is_an_error() {
    // The sign of what is seen is said: the mean of Φ(x / σ) over x from 0 to 1.
    let mean = |sd: f64| (0..1000).map(|k| phi((f64::from(k) + 0.5) / 1000.0 / sd)).sum::<f64>() / 1000.0;
    is_near(&ideal(&Ranges(1.0)), mean(1.0));
    for noise in [0.0, 0.01, 0.1] {
        is_refused(&Ranges(noise), &["`candidates`", "come close", "50"]);
    }
}

/// What [`Levels`] does, with noise of its own in each step.
struct OwnNoise(Levels);

impl Task for OwnNoise {
    type Trial = Level;

    fn spec(&self) -> TaskSpec {
        self.0.spec.clone()
    }

    fn draw(&self, rng: &mut TrialRng) -> Level {
        self.0.draw(rng)
    }

    fn step(&self, t: f32, trial: &Level, rng: &mut TrialRng, now: &mut Step<'_>) {
        self.0.step(t, trial, rng, now);
        now.input[0] += rng.normal(0.0, 0.1);
    }
}

#[test]
fn what_has_no_ideal_observer_says_why() {
    let task = Levels::new(&TWO, 0.3);
    is_refused(&OwnNoise(task.clone()), &["`task`", "`step`", "`sensory`"]);
    is_refused(&PerceptualDiscrimination::default(), &["`task`", "`step`"]);
    is_refused(&SineWave::default(), &["`task`", "no choice"]);
    is_refused(&CenterOut::default(), &["`task`", "no choice"]);
    is_refused(&Levels::new(&[([0.1, 0.0], 1), ([0.0, 0.1], 1)], 0.3), &["`task`", "the same"]);
    let closed = MatchingPennies::default().of(PerceptualDiscrimination::default());
    is_refused(&closed, &["`task`", "closed loop"]);
    is_refused(&task.batch(10, Seed(1)).unwrap(), &["`task`", "batch"]);
    is_refused(&Mixture::new().task("levels", task.clone(), 1.0), &["`task`", "mixture"]);
    for (observer, name) in
        [(IdealObserver::default().trials(0), "`trials`"), (IdealObserver::default().candidates(1), "`candidates`")]
    {
        assert!(task.ideal(&observer).unwrap_err().to_string().contains(name));
    }
}
