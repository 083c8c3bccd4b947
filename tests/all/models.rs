//! The tasks of PyCog's examples against what these say, written out once more.

use ndarray::{Array1, Array2, Array3, Axis, s};
use psychrnn::prelude::*;
use psychrnn::task::{Criterion, Sensory};
use psychrnn::tasks::{
    ContextIntegration, MultisensoryIntegration, ParametricWorkingMemory, RandomDots, SequenceExecution, SineWave,
};

/// PyCog's inputs without their noise.
fn quiet() -> Sensory {
    Sensory::pycog().noise(0.0)
}

/// Inputs, targets and mask of a step.
type Expected = (Vec<f64>, Vec<f64>, f64);

/// Holds every step of a batch to what is expected of a trial at PyCog's times `dt`, 2 `dt`, …; the baseline of 0.2 is added.
#[track_caller]
fn hold(batch: &Batch, expected: impl Fn(usize, f64) -> Expected) {
    for trial in 0..batch.n_trials() {
        for k in 0..batch.lengths[trial] {
            let t = (k + 1) as f64 * f64::from(batch.spec.dt);
            let (inputs, targets, mask) = expected(trial, t);
            let same = |ours: &Array3<f32>, theirs: &[f64]| {
                let ours = ours.slice(s![trial, k, ..]);
                ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(&a, b)| (f64::from(a) - b).abs() < 1e-6)
            };
            let inputs: Vec<f64> = inputs.iter().map(|u| u + 0.2).collect();
            assert!(same(&batch.inputs, &inputs), "inputs of trial {trial} at {t}: {inputs:?}");
            assert!(same(&batch.targets, &targets), "targets of trial {trial} at {t}: {targets:?}");
            assert!(same(&batch.mask, &vec![mask; targets.len()]), "mask of trial {trial} at {t}: {mask}");
        }
    }
}

fn within(t: f64, start: f64, end: f64) -> bool {
    start < t && t <= end
}

/// What is asked for in a trial with one stretch of fixation and one of decision.
fn answer(t: f64, fixation: f64, decision: (f64, f64), correct: usize, hi: f64) -> (Vec<f64>, f64) {
    if within(t, 0.0, fixation) {
        (vec![0.2, 0.2], 1.0)
    } else if within(t, decision.0, decision.1) {
        let target = if correct == 0 { vec![hi, 0.2] } else { vec![0.2, hi] };
        (target, 1.0)
    } else {
        (vec![0.0, 0.0], 0.0)
    }
}

fn numbers(batch: &Batch, column: &str) -> Vec<f64> {
    batch.values.numbers(column).unwrap()
}

fn texts(batch: &Batch, column: &str) -> Vec<String> {
    batch.values.column(column).unwrap().iter().map(Value::to_string).collect()
}

#[test]
pub(crate) fn random_dots_are_those_of_the_formula() {
    // Start cue, fixation, stimulus, decision, hi, channels.
    for (task, fixation, stimulus, decision, hi, n_in) in [
        (RandomDots::fixed_duration(), 100.0, Some(800.0), None, 1.0, 2),
        (RandomDots::fixed_duration().testing(), 300.0, Some(800.0), None, 1.0, 2),
        (RandomDots::variable_duration().testing(), 500.0, None, None, 1.0, 3),
        (RandomDots::reaction_time(), 100.0, Some(800.0), Some(300.0), 1.2, 3),
        (RandomDots::reaction_time().testing(), 300.0, Some(1500.0), Some(300.0), 1.2, 3),
    ] {
        let batch = task.clone().in_turn(true).sensory(quiet()).batch(2 * (task.n_conditions() + 1), Seed(1)).unwrap();
        let (coherence, direction, catch) =
            (numbers(&batch, "coherence"), numbers(&batch, "direction"), numbers(&batch, "catch"));
        let drawn = batch.durations("stimulus").unwrap();
        hold(&batch, |trial, t| {
            if catch[trial] == 1.0 {
                return (vec![0.0; n_in], vec![0.2, 0.2], 1.0);
            }
            let stimulus = stimulus.unwrap_or_else(|| drawn[trial].unwrap());
            let end = fixation + stimulus;
            let correct = direction[trial] as usize;
            let mut inputs = vec![0.0; n_in];
            if within(t, fixation, end) {
                // PyCog's coherences are whole numbers, which it multiplies by 3.2 %.
                let scaled = 3.2 * (coherence[trial] / 0.032).round();
                inputs[correct] = (1.0 + scaled / 100.0) / 2.0;
                inputs[1 - correct] = (1.0 - scaled / 100.0) / 2.0;
                inputs[2..].fill(1.0);
            }
            let asked = decision.map_or((end, end + 300.0), |wait| (fixation + wait, end));
            let (targets, mask) = answer(t, fixation, asked, correct, hi);
            (inputs, targets, mask)
        });
        for (trial, &length) in batch.lengths.iter().enumerate() {
            let stimulus = stimulus.or(drawn[trial]).unwrap_or_default();
            let after = if decision.is_some() { 0.0 } else { 300.0 };
            let duration = if catch[trial] == 1.0 { 2000.0 } else { fixation + stimulus + after };
            assert_eq!(length as f64 * 20.0, duration);
        }
    }
}

#[test]
pub(crate) fn context_integration_is_that_of_the_formula() {
    let task = ContextIntegration::default().in_turn(true).sensory(quiet());
    assert_eq!(task.n_conditions(), 72);
    let batch = task.batch(73, Seed(1)).unwrap();
    let context = texts(&batch, "context");
    let of = |name: &str| numbers(&batch, name);
    let (motion, toward) = (of("motion_coherence"), of("motion_direction"));
    let (color, hue) = (of("color_coherence"), of("color_direction"));
    hold(&batch, |trial, t| {
        if trial == 0 {
            return (vec![0.0; 6], vec![0.2, 0.2], 1.0);
        }
        let asked = if context[trial] == "motion" { toward[trial] } else { hue[trial] };
        let mut inputs = vec![0.0; 6];
        if within(t, 100.0, 900.0) {
            inputs[usize::from(context[trial] == "color")] = 1.0;
            for (first, coherence, direction) in [(2, motion[trial], toward[trial]), (4, color[trial], hue[trial])] {
                let percent = 5.0 * (coherence / 0.05).round();
                inputs[first + direction as usize] = (1.0 + percent / 100.0) / 2.0;
                inputs[first + 1 - direction as usize] = (1.0 - percent / 100.0) / 2.0;
            }
        }
        let (targets, mask) = answer(t, 100.0, (900.0, 1200.0), asked as usize, 1.0);
        (inputs, targets, mask)
    });
    // The context changes fastest, then the coherences, then the directions; each condition comes once.
    assert_eq!(context[1..4], ["motion", "color", "motion"]);
    let close = |a: f64, b: f64| (a - b).abs() < 1e-6;
    assert!(close(motion[3], 0.15) && close(color[7], 0.15) && close(color[1], 0.05));
    assert_eq!((toward[18], toward[19], hue[36], hue[37]), (0.0, 1.0, 0.0, 1.0));
    let mut seen: Vec<String> =
        (1..73).map(|k| format!("{} {} {} {} {}", context[k], motion[k], toward[k], color[k], hue[k])).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 72);
    assert_eq!(task.testing().batch(1, Seed(1)).unwrap().n_steps(), 75);
}

#[test]
pub(crate) fn multisensory_integration_is_that_of_the_formula() {
    let task = MultisensoryIntegration::default().in_turn(true).sensory(quiet());
    assert_eq!(task.n_conditions(), 24);
    let batch = task.batch(25, Seed(1)).unwrap();
    let (modality, rate) = (texts(&batch, "modality"), numbers(&batch, "rate"));
    assert_eq!(modality[..5], ["", "visual", "auditory", "multisensory", "visual"]);
    assert_eq!((rate[3], rate[4], rate[24]), (9.0, 10.0, 16.0));
    hold(&batch, |trial, t| {
        if trial == 0 {
            return (vec![0.0; 5], vec![0.2, 0.2], 1.0);
        }
        let mut inputs = vec![0.0; 5];
        if within(t, 100.0, 1100.0) {
            let (up, down) = (0.4 + 0.8 * (rate[trial] - 9.0) / 7.0, 0.4 + 0.8 * (16.0 - rate[trial]) / 7.0);
            if modality[trial] != "auditory" {
                (inputs[0], inputs[2]) = (up, down);
            }
            if modality[trial] != "visual" {
                (inputs[1], inputs[3]) = (up, down);
            }
        }
        inputs[4] = f64::from(within(t, 100.0, 1400.0));
        let (targets, mask) = answer(t, 100.0, (1100.0, 1400.0), usize::from(rate[trial] <= 12.5), 1.0);
        (inputs, targets, mask)
    });
    assert_eq!(batch.lengths[0], 125);
}

#[test]
pub(crate) fn parametric_working_memory_is_that_of_the_formula() {
    let task = ParametricWorkingMemory::default().in_turn(true).sensory(quiet());
    for (task, catch, fixation) in [(task.clone(), 1, 100.0), (task.testing(), 0, 500.0)] {
        let batch = task.batch(10 + catch, Seed(1)).unwrap();
        let (f1, f2) = (numbers(&batch, "f1"), numbers(&batch, "f2"));
        assert_eq!((f1[catch], f2[catch], f1[catch + 9], f2[catch + 9]), (18.0, 10.0, 26.0, 34.0));
        let delays = batch.durations("delay").unwrap();
        hold(&batch, |trial, t| {
            if trial < catch {
                return (vec![0.0; 2], vec![0.2, 0.2], 1.0);
            }
            let delay = if fixation == 500.0 { 3000.0 } else { delays[trial].unwrap() };
            let second = fixation + 500.0 + delay;
            let shown = match t {
                t if within(t, fixation, fixation + 500.0) => Some(f1[trial]),
                t if within(t, second, second + 500.0) => Some(f2[trial]),
                _ => None,
            };
            let inputs =
                shown.map_or(vec![0.0; 2], |f| vec![0.4 + 0.8 * (f - 10.0) / 24.0, 0.4 + 0.8 * (34.0 - f) / 24.0]);
            let correct = usize::from(f1[trial] < f2[trial]);
            let (targets, mask) = answer(t, fixation, (second + 500.0, second + 800.0), correct, 1.0);
            (inputs, targets, mask)
        });
    }
}

#[test]
pub(crate) fn sequences_are_those_of_the_table() {
    let sequences = ["4510", "4312", "4378", "4576", "4512", "4310", "4376", "4578"];
    let options = |dot: usize| match dot {
        1 => [0, 2],
        3 | 5 => [1, 7],
        4 => [3, 5],
        _ => [6, 8],
    };
    let batch = SequenceExecution::default().in_turn(true).sensory(quiet()).batch(8, Seed(1)).unwrap();
    assert_eq!((batch.n_steps(), batch.spec.tau), (350, 50.0));
    hold(&batch, |trial, t| {
        let dots: Vec<usize> = sequences[trial].bytes().map(|digit| usize::from(digit - b'0')).collect();
        let position = |dot: usize| vec![(dot % 3) as f64 / 2.0 - 0.5, 0.5 - (dot / 3) as f64 / 2.0];
        let mut inputs = vec![0.0; 17];
        inputs[9 + trial] = 1.0;
        if within(t, 0.0, 1000.0) {
            return (inputs, vec![0.0, 0.0], 0.0);
        }
        if within(t, 1000.0, 2000.0) {
            inputs[4] = 1.0;
            return (inputs, position(4), 1.0);
        }
        let movement = usize::from(t > 2500.0) + usize::from(t > 3000.0);
        inputs[dots[movement]] = 1.0;
        options(dots[movement]).into_iter().for_each(|dot| inputs[dot] = 1.0);
        (inputs, position(dots[movement + 1]), 1.0)
    });
    let values = SequenceExecution::default().batch(400, Seed(1)).unwrap().values;
    assert_eq!(values.groups("sequence").unwrap().len(), 8);
}

#[test]
pub(crate) fn the_sine_wave_is_one_and_needs_no_input() {
    let batch = SineWave::default().batch(2, Seed(1)).unwrap();
    assert_eq!((batch.n_steps(), batch.inputs.dim()), (80, (2, 80, 0)));
    hold(&batch, |_, t| (vec![], vec![0.9 * (std::f64::consts::TAU * t / 800.0).sin()], 1.0));
    let mut weights = Weights::new();
    for (name, shape) in [("W_in", (3, 0)), ("W_rec", (3, 3)), ("W_out", (1, 3)), ("init_state", (1, 3))] {
        weights.insert(name, Array2::from_elem(shape, 0.1_f32));
    }
    weights.insert("b_rec", Array1::<f32>::zeros(3));
    weights.insert("b_out", Array1::<f32>::zeros(1));
    let session = Simulator::new(&weights, Leak::new(20.0, 100.0)).unwrap().run_consecutively(&batch).unwrap();
    // x <- 0.8 x + 0.2 · 0.3 x over all 160 steps.
    let last = 0.1 * 0.86_f64.powi(160);
    assert!((f64::from(session.states[[1, 79, 0]]) / last - 1.0).abs() < 1e-3);
}

#[test]
fn conditions_durations_and_catch_trials_are_drawn_as_they_should_be() {
    let n = 20_000;
    // Within 4.5 standard errors of a share.
    let share = |what: &str, found: usize, of: usize, p: f64| {
        let (found, of) = (found as f64, of as f64);
        assert!((found / of - p).abs() < 4.5 * (p * (1.0 - p) / of).sqrt(), "{what}: {found} of {of} against {p}");
    };
    let short = |task: RandomDots| task.fixation(20.0).decision(20.0).catch_duration(20.0);
    for (task, catch) in [
        (RandomDots::fixed_duration().stimulus(20.0), 1.0 / 11.0),
        (RandomDots::reaction_time().stimulus(320.0), 5.0 / 11.0),
    ] {
        let batch = short(task).batch(n, Seed(1)).unwrap();
        let shown = batch.values.only("catch", false).unwrap();
        share("catch", n - shown.n_rows(), n, catch);
        let groups = |column: &str| shown.groups(column).unwrap();
        assert_eq!((groups("coherence").len(), groups("direction").len()), (5, 2));
        groups("coherence").iter().for_each(|(_, rows)| share("coherence", rows.len(), shown.n_rows(), 0.2));
        groups("direction").iter().for_each(|(_, rows)| share("direction", rows.len(), shown.n_rows(), 0.5));
    }

    // An exponential of mean 330 ms between 80 and 1500 ms, cut to steps of 20 ms.
    let batch = short(RandomDots::variable_duration()).catch(0.0).batch(n, Seed(2)).unwrap();
    let drawn: Vec<f64> = batch.durations("stimulus").unwrap().into_iter().flatten().collect();
    assert!(drawn.iter().all(|&d| (80.0..1500.0).contains(&d) && d % 20.0 == 0.0));
    let below = |x: f64| 1.0 - (-x / 330.0).exp();
    let mass = below(1500.0) - below(80.0);
    let steps = (4..75).map(|k| f64::from(k) * 20.0);
    let p = |d: f64| (below(d + 20.0) - below(d)) / mass;
    let mean: f64 = steps.clone().map(|d| d * p(d)).sum();
    let sd = steps.map(|d| (d - mean).powi(2) * p(d)).sum::<f64>().sqrt();
    let found = drawn.iter().sum::<f64>() / drawn.len() as f64;
    assert!((found - mean).abs() < 4.5 * sd / (n as f64).sqrt(), "{found} against {mean}");
    share("shortest", drawn.iter().filter(|&&d| d == 80.0).count(), n, p(80.0));

    // 2500, 2520, …, 3480 ms, all equally likely.
    let batch = ParametricWorkingMemory::default().testing().delay(Duration::uniform(2500.0, 3500.0));
    let drawn: Vec<f64> =
        batch.batch(2000, Seed(3)).unwrap().durations("delay").unwrap().into_iter().flatten().collect();
    let mean = drawn.iter().sum::<f64>() / 2000.0;
    let sd = 20.0 * ((50.0_f64.powi(2) - 1.0) / 12.0).sqrt();
    assert!((mean - 2990.0).abs() < 4.5 * sd / 2000_f64.sqrt());
    assert!(drawn.iter().all(|&d| (2500.0..=3480.0).contains(&d) && d % 20.0 == 0.0));
}

#[test]
fn inputs_have_pycogs_noise_for_any_dt() {
    for (dt, expected) in [(20.0, 10_f64.sqrt() * 0.01), (0.5, 400_f64.sqrt() * 0.01)] {
        let task = RandomDots::fixed_duration().catch(1.0).catch_duration(400.0).dt(dt);
        let loud = task.batch(200, Seed(1)).unwrap();
        let inputs = loud.inputs.mapv(f64::from);
        assert!(inputs.iter().all(|&u| u >= 0.0));
        let n = inputs.len() as f64;
        let (mean, sd) = (inputs.mean().unwrap(), inputs.std(0.0));
        if dt == 20.0 {
            assert!((mean - 0.2).abs() < 5.0 * expected / n.sqrt() && (sd / expected - 1.0).abs() < 0.02);
        } else {
            // A sixth of the inputs is cut off at 0: the mean of a rectified Gaussian one sd above 0.
            assert!((mean / expected - 1.0833).abs() < 0.01, "{mean}");
        }
    }
}

/// A session whose outputs at the end are these.
fn answered(batch: &Batch, last: impl Fn(usize) -> [f32; 2]) -> Session {
    let mut outputs = Array3::from_elem(batch.targets.dim(), 0.5);
    for (trial, &length) in batch.lengths.iter().enumerate() {
        outputs.slice_mut(s![trial, length - 1, ..]).assign(&ndarray::arr1(&last(trial)));
    }
    let states = Array3::zeros((batch.n_trials(), batch.n_steps(), 1));
    Session::new(batch.clone(), states.clone(), states, outputs).unwrap()
}

#[test]
fn a_trial_is_correct_by_what_is_larger_at_its_end() {
    let dots = RandomDots::variable_duration().in_turn(true).batch(22, Seed(1)).unwrap();
    let session = answered(&dots, |_| [0.9, 0.3]);
    let direction = numbers(&dots, "direction");
    for (trial, correct) in session.correct.iter().enumerate() {
        assert_eq!(*correct, (trial % 11 > 0).then(|| direction[trial] == 0.0));
    }
    assert_eq!(session.accuracy(), 0.5);
    assert_eq!(session.measured_by(&RandomDots::default().criterion()).unwrap(), 0.5);

    // Ten conditions twice; one of the twenty trials is wrong.
    let memory = ParametricWorkingMemory::default().in_turn(true).batch(22, Seed(1)).unwrap();
    let (f1, f2) = (numbers(&memory, "f1"), numbers(&memory, "f2"));
    let session =
        answered(&memory, |trial| if (f1[trial] > f2[trial]) == (trial != 5) { [1.0, 0.0] } else { [0.0, 1.0] });
    assert_eq!(session.accuracy(), 0.95);
    assert_eq!(session.measured_by(&ParametricWorkingMemory::default().criterion()).unwrap(), 0.5);

    // In the reaction-time task a threshold may read another choice than the end.
    let reaction = RandomDots::reaction_time().testing().in_turn(true).batch(10, Seed(1)).unwrap();
    let mut session = answered(&reaction, |_| [0.9, 0.3]);
    session.outputs.slice_mut(s![.., 40, 1]).fill(1.05);
    let early = session.clone().decided_by(Decision::first_to_reach(1.0).after("stimulus")).unwrap();
    assert_eq!((session.choices, early.choices.clone()), (vec![Some(0); 10], vec![Some(1); 10]));
    assert_eq!(early.reaction_times(1.0, "stimulus").unwrap(), vec![Some(520.0); 10]);
    assert_eq!(early.correct, numbers(&reaction, "direction").iter().map(|&d| Some(d == 1.0)).collect::<Vec<_>>());

    let wave = SineWave::default().batch(1, Seed(1)).unwrap();
    let states = Array3::zeros((1, 80, 1));
    let session = Session::new(wave.clone(), states.clone(), states, &wave.targets + 0.05).unwrap();
    assert!((session.measured_by(&SineWave::default().criterion()).unwrap() - 0.05).abs() < 1e-6);
}

#[test]
fn criteria_are_pycogs() {
    let five = Criterion::Accuracy { above: 0.85, last: 5 };
    assert!(!five.met(&[]) && five.met(&[0.86]) && !five.met(&[0.85, 0.85]));
    assert!(!five.met(&[0.2, 0.9, 0.9, 0.9, 0.9]) && five.met(&[0.2, 0.9, 0.9, 0.9, 0.9, 0.9]));
    assert!(!five.met(&[f64::NAN, 1.0]));
    let worst = ParametricWorkingMemory::default().criterion();
    assert!(worst.met(&[0.1, 0.85]) && !worst.met(&[0.9, 0.84]));
    let error = SequenceExecution::default().criterion();
    assert!(error.met(&[0.3, 0.05]) && !error.met(&[0.01, 0.06]) && !error.met(&[f64::NAN]));
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let message = |batch: psychrnn::Result<Batch>| batch.unwrap_err().to_string();
    let dots = RandomDots::fixed_duration;
    for (task, name) in [
        (dots().coherences(&[]), "`coherences`"),
        (dots().coherences(&[f32::NAN]), "`coherences`"),
        (dots().coherences(&[0.1, 10.0]), "from 0 to 1 (0.1 for 10 %)"),
        (dots().coherences(&[-0.5]), "`coherences`"),
        (dots().catch_duration(2.0), "write 2000"),
        (RandomDots { no_reward: Some(f32::NAN), ..dots() }, "`no_reward`"),
        (dots().catch(1.5), "`catch`"),
        (dots().hi(0.1), "`hi`"),
        (dots().catch_duration(0.0), "`catch_duration`"),
        (dots().dt(0.0), "`dt`"),
        (dots().stimulus(-1.0), "\"stimulus\""),
        (RandomDots::reaction_time().stimulus(200.0), "`no_reward`"),
    ] {
        let error = message(task.batch(1, Seed(0)));
        assert!(error.contains(name), "{error}");
    }
    let error = message(MultisensoryIntegration::default().rates(&[12.0, 12.0]).batch(1, Seed(0)));
    assert!(error.contains("`rates`"), "{error}");
    let rates = MultisensoryIntegration::default;
    for (task, name) in [
        (rates().rates(&[]), "`rates`"),
        (rates().rates(&[-5.0, 20.0]), "`rates`"),
        (rates().boundary(20.0), "between the rates 9 and 16"),
        (rates().boundary(f32::NAN), "`boundary`"),
    ] {
        let error = message(task.batch(1, Seed(0)));
        assert!(error.contains(name), "{error}");
    }
    let error = message(ParametricWorkingMemory::default().pairs(&[(20.0, 10.0)]).batch(1, Seed(0)));
    assert!(error.contains("`pairs`"), "{error}");
    for pairs in [&[][..], &[(f32::NAN, 20.0)], &[(-10.0, 20.0)], &[(10.0, f32::INFINITY)]] {
        assert!(message(ParametricWorkingMemory::default().pairs(pairs).batch(1, Seed(0))).contains("`pairs`"));
        assert!(message(DelayedDiscrimination::default().pairs(pairs).batch(1, Seed(0))).contains("`pairs`"));
    }
    for coherences in [&[][..], &[1.5], &[-0.1], &[f32::INFINITY]] {
        assert!(
            message(ContextIntegration::default().coherences(coherences).batch(1, Seed(0))).contains("`coherences`")
        );
        let task = PerceptualDiscrimination::default().coherences(coherences);
        assert!(message(task.batch(1, Seed(0))).contains("`coherences`"));
    }
    let error = message(SineWave::default().amplitude(f32::NAN).batch(1, Seed(0)));
    assert!(error.contains("`amplitude`"), "{error}");
    let backwards = SineWave::default().period(-800.0).n_periods(-2.0).batch(1, Seed(0));
    assert!(message(backwards).contains("`period`"));
}

#[test]
fn averages_leave_catch_trials_out() {
    let batch = RandomDots::fixed_duration().in_turn(true).batch(22, Seed(1)).unwrap();
    let states = batch.inputs.clone();
    let session = Session::new(batch.clone(), states.clone(), states, batch.targets.clone()).unwrap();
    let averages = Average::by("direction").aligned_to("stimulus").window(0.0..800.0).of(&session).unwrap();
    assert_eq!(averages.mean.len_of(Axis(0)), 2);
    assert!(averages.n_trials.iter().flatten().all(|&n| n == 10));
    assert_eq!(session.accuracy(), 1.0);
    assert_eq!(session.choices_by("coherence", 0).unwrap().trials, [4; 5]);
}

#[cfg(feature = "torch")]
mod networks {
    use ndarray::{Array2, ArrayView2, s};
    use psychrnn::models::Model;
    use psychrnn::prelude::*;

    /// The effective weights with which a model starts.
    fn weights(model: Model) -> Weights {
        Rnn::new(model.task().as_ref(), model.network().seed(7)).unwrap().weights().unwrap()
    }

    fn matrix(weights: &Weights, name: &str) -> Array2<f32> {
        weights.matrix(name).unwrap()
    }

    /// The share of connections that exist.
    fn density(block: ArrayView2<'_, f32>) -> f64 {
        block.iter().filter(|&&weight| weight != 0.0).count() as f64 / block.len() as f64
    }

    #[test]
    fn every_model_has_a_network_for_its_task() {
        for model in Model::ALL {
            assert_eq!(model.name().parse::<Model>().unwrap(), model);
            assert_eq!(serde_json::to_value(model).unwrap(), model.name());
            let (weights, units) = (weights(model), model.network().units);
            let w_rec = matrix(&weights, "W_rec");
            assert_eq!(w_rec.dim(), (units, units));
            assert!(w_rec.diag().iter().all(|&weight| weight == 0.0), "{model} has autapses");
            if model != Model::RdmNodale {
                let n = units / 5 * 4;
                assert!(w_rec.slice(s![.., ..n]).iter().all(|&weight| weight >= 0.0), "{model}");
                assert!(w_rec.slice(s![.., n..]).iter().all(|&weight| weight <= 0.0), "{model}");
            }
        }
        let error = "rdm".parse::<Model>().unwrap_err().to_string();
        assert!(error.contains("rdm_dense") && error.contains("\"rdm\""), "{error}");
    }

    #[test]
    fn populations_of_the_two_choices_do_not_meet() {
        let weights = weights(Model::RdmFixed);
        let (w_in, w_rec, w_out) = (matrix(&weights, "W_in"), matrix(&weights, "W_rec"), matrix(&weights, "W_out"));
        for (one, other) in [(0..20, 20..40), (20..40, 0..20)] {
            assert_eq!(density(w_rec.slice(s![one.clone(), other])), 0.0);
            assert_eq!(density(w_rec.slice(s![one.clone(), 40..])), 1.0);
            assert_eq!(density(w_rec.slice(s![40..80, one])), 1.0);
        }
        for channel in 0..2 {
            for unit in 0..100 {
                let belongs = unit / 20 == channel;
                assert_eq!(w_in[[unit, channel]] != 0.0, belongs);
                assert_eq!(w_out[[channel, unit]] != 0.0, belongs);
            }
        }
    }

    #[test]
    fn feedback_between_areas_is_sparse_and_excitatory() {
        let weights = weights(Model::ManteAreas);
        let (w_in, w_rec, w_out) = (matrix(&weights, "W_in"), matrix(&weights, "W_rec"), matrix(&weights, "W_out"));
        // Excitatory and inhibitory units of each area.
        let (sensory, motor) = ([0..60, 120..135], [60..120, 135..150]);
        for (to, p) in [(&motor, 1.0), (&sensory, 0.2)] {
            let from = if p == 1.0 { &sensory } else { &motor };
            for to in to {
                let excitatory = density(w_rec.slice(s![to.clone(), from[0].clone()]));
                assert!((excitatory - p).abs() < 0.06, "{excitatory} for {p}");
                assert_eq!(density(w_rec.slice(s![to.clone(), from[1].clone()])), 0.0);
            }
        }
        for units in sensory {
            assert_eq!(density(w_in.slice(s![units.clone(), ..])), 1.0);
            assert_eq!(density(w_out.slice(s![.., units])), 0.0);
        }
        for units in motor {
            assert_eq!(density(w_in.slice(s![units, ..])), 0.0);
        }
        assert_eq!(density(w_out.slice(s![.., 60..120])), 1.0);
    }

    #[test]
    fn thirds_of_the_units_see_and_hear() {
        let w_in = matrix(&weights(Model::Multisensory), "W_in");
        for unit in 0..150 {
            let third = if unit < 120 { unit / 40 } else { (unit - 120) / 10 };
            let expected = [third == 0, third == 1, third == 0, third == 1, false];
            assert_eq!(w_in.row(unit).mapv(|weight| weight != 0.0).to_vec(), expected, "unit {unit}");
        }
    }

    #[test]
    fn excitatory_projections_are_sparser_than_inhibitory_ones() {
        let w_rec = matrix(&weights(Model::Romo), "W_rec");
        let (excitatory, inhibitory) = (density(w_rec.slice(s![.., ..400])), density(w_rec.slice(s![.., 400..])));
        assert!((excitatory - 0.1).abs() < 0.005 && (inhibitory - 0.5).abs() < 0.01, "{excitatory}, {inhibitory}");
    }
}
