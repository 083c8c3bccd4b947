//! Choices: which outputs are alternatives, when they count, what one output means.

use ndarray::{Array3, ArrayD, s};
use proptest::prelude::*;
use psychrnn::analysis::Detection;
use psychrnn::prelude::*;

/// How the outputs of [`Saccade`] are scored.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scored {
    /// Fixation until the go cue, then the two directions.
    InTurn,
    /// All outputs in all steps.
    Always,
    /// Fixation in all steps, the directions after the go cue.
    FixationAlways,
}

#[derive(Clone, Trial)]
struct Side {
    side: usize,
}

/// Output 0 asks for fixation until the go cue, and then output 1 or 2 for a saccade.
struct Saccade {
    scored: Scored,
    wait: f32,
    decision: Decision,
    /// After the saccade the eyes go back.
    back: bool,
}

impl Task for Saccade {
    type Trial = Side;
    fn spec(&self) -> TaskSpec {
        let spec = TaskSpec::new(1, 3).epoch("fixation", self.wait).epoch("go", 100).decision(self.decision.clone());
        if self.back { spec.epoch("back", 50) } else { spec }
    }
    fn draw(&self, rng: &mut TrialRng) -> Side {
        Side { side: rng.index(2) }
    }
    fn step(&self, _: f32, trial: &Side, _: &mut TrialRng, now: &mut Step<'_>) {
        let go = now.is_in("go");
        now.target[if go { 1 + trial.side } else { 0 }] = 1.0;
        match self.scored {
            Scored::Always => {}
            Scored::InTurn => now.mask.copy_from_slice(&if go { [0.0, 1.0, 1.0] } else { [1.0, 0.0, 0.0] }),
            Scored::FixationAlways => now.mask[1..].fill(f32::from(u8::from(go))),
        }
    }
}

fn saccade(scored: Scored) -> Saccade {
    Saccade { scored, wait: 900.0, decision: Decision::default(), back: false }
}

/// A session with these outputs in each trial and step.
fn answered(batch: &Batch, outputs: impl Fn(usize, usize) -> Vec<f32>) -> Session {
    let mut all = Array3::zeros(batch.targets.dim());
    for ((trial, step, output), value) in all.indexed_iter_mut() {
        *value = outputs(trial, step)[output];
    }
    let states = Array3::zeros((batch.n_trials(), batch.n_steps(), 1));
    Session::new(batch.clone(), states.clone(), states, all).unwrap()
}

/// A session whose outputs are the targets.
fn perfect(batch: &Batch) -> Session {
    answered(batch, |trial, step| batch.targets.slice(s![trial, step, ..]).to_vec())
}

/// One trial with the epochs cue (100 ms), stimulus (100 ms) and response (100 ms) in steps of 10 ms.
fn one_trial(
    decision: Decision,
    n_out: usize,
    target: &[f32],
    outputs: &[(std::ops::Range<usize>, usize, f32)],
) -> Session {
    struct Fixed(Decision, Vec<f32>);
    impl Task for Fixed {
        type Trial = Side;
        fn spec(&self) -> TaskSpec {
            let spec = TaskSpec::new(1, self.1.len()).decision(self.0.clone());
            spec.epoch("cue", 100).epoch("stimulus", 100).epoch("response", 100)
        }
        fn draw(&self, _: &mut TrialRng) -> Side {
            Side { side: 0 }
        }
        fn step(&self, _: f32, _: &Side, _: &mut TrialRng, now: &mut Step<'_>) {
            if now.is_in("response") {
                now.target.copy_from_slice(&self.1);
            }
        }
    }
    assert_eq!(target.len(), n_out);
    let batch = Fixed(decision, target.to_vec()).batch(1, Seed(1)).unwrap();
    answered(&batch, |_, step| {
        let mut now = vec![0.0; n_out];
        outputs.iter().filter(|(steps, ..)| steps.contains(&step)).for_each(|(_, output, value)| now[*output] = *value);
        now
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever the mask, and however long the fixation is.
    #[test]
    fn fixation_is_no_answer(
        scored in prop_oneof![Just(Scored::InTurn), Just(Scored::Always), Just(Scored::FixationAlways)],
        wait in 1_u8..100,
        seed: u64,
    ) {
        let task = Saccade { wait: f32::from(wait) * 10.0, ..saccade(scored) };
        let batch = task.batch(20, Seed(seed)).unwrap();
        prop_assert!(batch.check_choices().is_ok() || batch.values.numbers("side").unwrap().iter().all(|&side| side == 0.0)
            || batch.values.numbers("side").unwrap().iter().all(|&side| side == 1.0));
        let right: Vec<_> = batch.values.numbers("side").unwrap().iter().map(|&side| Some(1 + side as usize)).collect();
        prop_assert_eq!((0..20).map(|trial| batch.correct_choice(trial)).collect::<Vec<_>>(), right.clone());
        prop_assert_eq!(answered(&batch, |_, _| vec![1.0, 0.0, 0.0]).accuracy(), 0.0);
        let done = perfect(&batch);
        prop_assert_eq!((done.accuracy(), done.choices), (1.0, right));
        // A bias after long fixation is a choice all the same.
        let biased = answered(&batch, |_, step| if step < usize::from(wait) { vec![1.0, 0.0, 0.0] } else { vec![0.0, 0.1, 0.2] });
        prop_assert_eq!(biased.choices, vec![Some(2); 20]);
        // A choice does not depend on the trials beside it.
        prop_assert_eq!(batch.select(&[3]).correct_choice(0), batch.correct_choice(3));
        // What the task says itself comes to the same.
        let said = Decision::largest_mean().among([1, 2]).during("go");
        let fixating = answered(&batch, |_, _| vec![1.0, 0.2, 0.1]).decided_by(said.clone()).unwrap();
        prop_assert_eq!(fixating.choices, vec![Some(1); 20]);
        prop_assert_eq!(perfect(&batch).decided_by(said).unwrap().accuracy(), 1.0);
    }

    #[test]
    fn a_decision_is_read_back_as_it_was_written(
        threshold in -2.0_f32..2.0,
        rule in 0_usize..7,
        span in 0_usize..4,
        among in proptest::option::of(proptest::sample::subsequence(vec![0_usize, 1, 2, 3], 2..4)),
    ) {
        let decision = [
            Decision::default(), Decision::largest_mean(), Decision::largest_at_end(), Decision::none(), Decision::go(threshold),
            Decision::threshold(threshold), Decision::first_to_reach(threshold).or_largest_at_end(),
        ][rule].clone();
        let decision = [decision.clone(), decision.clone().during("go"), decision.clone().after("go"), decision.between(0.5, 9.0)]
            [span].clone();
        let decision = among.map_or(decision.clone(), |among| decision.among(among));
        let text = serde_json::to_string(&decision).unwrap();
        prop_assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision, "{}", text);
    }
}

#[test]
fn a_decision_of_all_outputs_in_the_whole_trial_is_written_by_its_name() {
    let written = |decision: Decision| serde_json::to_string(&decision).unwrap();
    assert_eq!(written(Decision::largest_mean()), "\"largest_mean\"");
    assert_eq!(written(Decision::first_to_reach(0.5)), "{\"first_to_reach\":{\"threshold\":0.5}}");
    assert_eq!(
        written(Decision::largest_at_end().among([1, 2]).after("go")),
        "{\"rule\":\"largest_at_end\",\"among\":[1,2],\"span\":{\"after\":\"go\"}}"
    );
    assert!(serde_json::from_str::<Decision>("{\"rule\":\"largest_mean\",\"amung\":[1,2]}").is_err());
}

#[test]
fn one_output_is_read_by_its_sign_or_a_threshold() {
    let batch = |decision: Decision, targets: &[f32]| {
        let spec = TaskSpec::new(1, 1).decision(decision);
        let shape = (targets.len(), 10, 1);
        let mut all = Array3::zeros(shape);
        targets.iter().enumerate().for_each(|(trial, target)| all.slice_mut(s![trial, 5.., 0]).fill(*target));
        let mut mask = Array3::zeros(shape);
        mask.slice_mut(s![.., 5.., ..]).fill(1.0);
        Batch::from_arrays(&spec, Array3::zeros(shape), all, mask).unwrap()
    };
    // What the mask does not count says the opposite.
    let session = |batch: &Batch, outputs: &[f32], before: f32| {
        answered(batch, |trial, step| vec![if step < 5 { before } else { outputs[trial] }])
    };
    let signed = batch(Decision::sign(), &[1.0, -1.0, 1.0, 0.0]);
    signed.check_choices().unwrap();
    let read = session(&signed, &[0.1, -0.1, -0.3, 0.4], -9.0);
    assert_eq!(read.choices, [Some(1), Some(0), Some(0), Some(1)]);
    assert_eq!((read.correct.clone(), read.accuracy()), (vec![Some(true), Some(true), Some(false), None], 2.0 / 3.0));
    assert_eq!(read.choices_by("trial", 1).unwrap().hits, [1, 0, 0, 1]);
    let error = read.choices_by("trial", 2).unwrap_err().to_string();
    assert!(error.contains("`choice`") && error.contains("below 2"), "{error}");
    let binary = batch(Decision::threshold(0.5), &[1.0, 0.0, 1.0, 0.0]);
    binary.check_choices().unwrap();
    let read = session(&binary, &[0.6, 0.4, 0.4, 0.9], 9.0);
    assert_eq!((read.choices.clone(), read.accuracy()), (vec![Some(1), Some(0), Some(0), Some(1)], 0.5));
    // In the whole trial, said by its times, it is another choice.
    let read = read.decided_by(Decision::threshold(0.5).between(0.0, 50.0)).unwrap();
    assert_eq!(read.choices, vec![Some(1); 4]);
}

#[test]
fn a_choice_and_its_time_come_from_the_same_crossing() {
    let rule = || Decision::first_to_reach(0.7).after("stimulus");
    let times = |session: &Session| (session.choices[0], session.decision_times().unwrap()[0]);
    let right = [0.0, 1.0];
    // Output 0 is there before the stimulus, for a moment or for good; output 1 comes after it.
    for (from, to) in [(5, 6), (5, 30), (0, 10)] {
        let session = one_trial(rule(), 2, &right, &[(from..to, 0, 0.8), (17..30, 1, 0.75)]);
        assert_eq!(times(&session), (Some(1), Some(80.0)), "{from}..{to}");
        assert_eq!(session.reaction_times(0.7, "stimulus").unwrap(), [Some(80.0)]);
        assert_eq!(session.correct, [Some(true)]);
    }
    // What is reached in the step in which the stimulus begins took one step.
    assert_eq!(times(&one_trial(rule(), 2, &right, &[(10..30, 1, 0.7)])), (Some(1), Some(10.0)));
    // Gone and come again.
    assert_eq!(times(&one_trial(rule(), 2, &right, &[(5..12, 0, 0.9), (14..15, 0, 0.9)])), (Some(0), Some(50.0)));
    // Nobody reaches it: no choice, or the largest at the end.
    let never = [(0..30, 1, 0.5)];
    assert_eq!(times(&one_trial(rule(), 2, &right, &never)), (None, None));
    assert_eq!(times(&one_trial(rule().or_largest_at_end(), 2, &right, &never)), (Some(1), None));
    // During an epoch what is there is there, wherever it came from.
    let during = one_trial(Decision::first_to_reach(0.7).during("response"), 2, &right, &[(12..30, 1, 0.8)]);
    assert_eq!(times(&during), (Some(1), Some(10.0)));
    // Without an epoch the time is that of the trial.
    assert_eq!(
        times(&one_trial(Decision::first_to_reach(0.7), 2, &right, &[(12..30, 1, 0.8)])),
        (Some(1), Some(130.0))
    );
    // An output that is no alternative reaches nothing, and one that fixates is there before.
    let outputs = [(0..20, 0, 1.0), (12..14, 0, 0.0), (18..30, 2, 0.9)];
    let session = one_trial(rule().among([1, 2]), 3, &[0.0, 0.0, 1.0], &outputs);
    assert_eq!(times(&session), (Some(2), Some(90.0)));
    assert_eq!(session.reaction_times(0.7, "stimulus").unwrap(), [Some(90.0)]);
    assert_eq!(
        times(&one_trial(rule(), 3, &[0.0, 0.0, 1.0], &[(0..30, 0, 1.0), (18..30, 2, 0.9)])),
        (Some(2), Some(90.0))
    );
    // A rule without a threshold has no times.
    let error = one_trial(Decision::largest_mean(), 2, &right, &[]).decision_times().unwrap_err().to_string();
    assert!(error.contains("first_to_reach") && error.contains("largest mean output"), "{error}");
    let nowhere = one_trial(rule(), 2, &right, &[]).decided_by(rule().during("respons")).unwrap_err().to_string();
    assert!(nowhere.contains("cue, stimulus, response"), "{nowhere}");
}

#[derive(Clone, Trial)]
struct Cue {
    go: bool,
}

/// Go or no go by one output; no-go trials have target 0 throughout.
struct GoNoGo(Decision);

impl Task for GoNoGo {
    type Trial = Cue;
    fn spec(&self) -> TaskSpec {
        TaskSpec::new(1, 1).epoch("cue", 100).epoch("response", 100).decision(self.0.clone())
    }
    fn draw(&self, rng: &mut TrialRng) -> Cue {
        Cue { go: rng.number() % 4 != 3 }
    }
    fn step(&self, _: f32, trial: &Cue, _: &mut TrialRng, now: &mut Step<'_>) {
        now.target[0] = f32::from(u8::from(trial.go && now.is_in("response")));
    }
}

#[test]
fn who_always_goes_has_false_alarms() {
    let batch = GoNoGo(Decision::go(0.5).during("response")).batch(40, Seed(1)).unwrap();
    batch.check_choices().unwrap();
    let always = answered(&batch, |_, _| vec![0.9]);
    assert_eq!((always.accuracy(), always.choices.clone()), (0.75, vec![Some(1); 40]));
    let counted = Detection { hits: 30, misses: 0, false_alarms: 10, correct_rejections: 0 };
    assert_eq!(always.detection().unwrap(), counted);
    assert!((counted.d_prime().abs(), counted.criterion() < -1.0) < (0.5, true) && counted.false_alarm_rate() == 1.0);
    let never = answered(&batch, |_, _| vec![0.4]);
    assert_eq!((never.accuracy(), never.detection().unwrap().correct_rejections), (0.25, 10));
    assert_eq!(never.decision_times().unwrap(), vec![None; 40]);
    let right = perfect(&batch);
    assert_eq!((right.accuracy(), right.detection().unwrap().hit_rate()), (1.0, 1.0));
    assert_eq!(right.decision_times().unwrap()[..4], [Some(10.0), Some(10.0), Some(10.0), None]);
    // H = 30.5 / 31 and F = 0.5 / 11: z = 2.140 and -1.691.
    assert!((right.detection().unwrap().d_prime() - 3.831).abs() < 1e-3);
    // To go before it is asked for is no answer.
    let early = answered(&batch, |_, step| vec![if step < 10 { 1.0 } else { 0.0 }]);
    assert_eq!(early.choices, vec![Some(0); 40]);
    let two = one_trial(Decision::largest_mean(), 2, &[0.0, 1.0], &[]);
    assert!(two.detection().is_ok());
    let three = one_trial(Decision::largest_mean(), 3, &[0.0, 1.0, 0.0], &[]);
    assert!(three.detection().unwrap_err().to_string().contains("Decision::go(0.5)"));
}

#[test]
fn a_decision_that_makes_no_sense_is_refused() {
    let refused =
        |n_out, decision: Decision| TaskSpec::new(1, n_out).duration(50.0).decision(decision).check().unwrap_err();
    for (n_out, decision, words) in [
        (3, Decision::largest_mean().among([1, 3]), "output 3"),
        (3, Decision::largest_mean().among([1, 1]), "once"),
        (3, Decision::largest_mean().among([1]), "two outputs"),
        (1, Decision::largest_mean(), "Decision::sign()"),
        (1, Decision::first_to_reach(0.5), "Decision::go(0.5)"),
        (2, Decision::sign(), "among([0])"),
        (2, Decision::go(0.5), "among([0])"),
        (1, Decision::go(f32::NAN), "finite"),
        (2, Decision::largest_mean().between(30.0, 20.0), "later"),
    ] {
        let error = refused(n_out, decision).to_string();
        assert!(error.contains(words), "{error}");
    }
    TaskSpec::new(1, 2).duration(50.0).decision(Decision::go(0.5).among([1])).check().unwrap();
    // Recorded trials have times and no epochs.
    let recorded = |decision: Decision| {
        let spec = TaskSpec::new(1, 2).decision(decision);
        let batch =
            Batch::from_arrays(&spec, Array3::zeros((1, 4, 1)), Array3::zeros((1, 4, 2)), Array3::ones((1, 4, 2)));
        Session::new(batch.unwrap(), Array3::zeros((1, 4, 1)), Array3::zeros((1, 4, 1)), Array3::zeros((1, 4, 2)))
    };
    let error = recorded(Decision::largest_mean().during("answer")).unwrap_err().to_string();
    assert!(error.contains(".between("), "{error}");
    recorded(Decision::largest_mean().between(10.0, 30.0)).unwrap();
}

#[test]
fn what_the_default_cannot_tell_is_refused_with_advice() {
    let refused = |batch: Batch| batch.check_choices().unwrap_err().to_string();
    let recorded = |n_out: usize, decision: Decision, targets: Vec<f32>| {
        let shape = [targets.len() / (4 * n_out), 4, n_out];
        let targets = ArrayD::from_shape_vec(shape.to_vec(), targets).unwrap().into_dimensionality().unwrap();
        let spec = TaskSpec::new(1, n_out).decision(decision);
        Batch::from_arrays(&spec, Array3::zeros((shape[0], 4, 1)), targets, Array3::ones(shape)).unwrap()
    };
    let one = recorded(1, Decision::default(), vec![0.0, 0.0, 1.0, 1.0, 0.0, 0.0, -1.0, -1.0]);
    assert_eq!((one.correct_choice(0), perfect(&one).accuracy().is_nan()), (None, true));
    let error = refused(one);
    assert!(
        ["`decision of the task`", "sign()", "threshold(0.5)", "go(0.5)"].iter().all(|word| error.contains(word)),
        "{error}"
    );
    let error = refused(recorded(2, Decision::none(), vec![1.0; 16]));
    assert!(error.contains("asks for no choice"), "{error}");
    let error = refused(recorded(2, Decision::largest_mean(), vec![1.0; 16]));
    assert!(error.contains("in none of 2 trials"), "{error}");
    // The eyes go back to the fixation point, and stay there in no-go trials.
    let back = Saccade { back: true, ..saccade(Scored::Always) }.batch(50, Seed(1)).unwrap();
    back.check_choices().unwrap();
    assert_eq!(answered(&back, |_, _| vec![1.0, 0.0, 0.0]).accuracy(), 0.0);
    let fix = [1.0, 0.0].repeat(2);
    let no_go = recorded(
        2,
        Decision::default(),
        [[1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0].to_vec(), [&fix[..], &fix].concat()].concat(),
    );
    let error = refused(no_go);
    assert!(error.contains("output 0 throughout in others") && error.contains("among([1, 2])"), "{error}");
    let in_turn = recorded(3, Decision::default(), vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    assert!(refused(in_turn).contains("several outputs in turn"));
    let same = [1.0, 0.0, 0.0].repeat(8);
    assert!(refused(recorded(3, Decision::default(), same.clone())).contains("choice 0 is correct in all of 2 trials"));
    recorded(3, Decision::largest_mean(), same).check_choices().unwrap();
    let error = refused(recorded(1, Decision::threshold(0.5), vec![0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]));
    assert!(error.contains("during"), "{error}");
    // An epoch that no trial has.
    let error = GoNoGo(Decision::go(0.5).during("respons")).batch(8, Seed(1)).unwrap_err().to_string();
    assert!(error.contains("\"respons\"") && error.contains("cue, response"), "{error}");
    let mut batch = GoNoGo(Decision::default()).batch(8, Seed(1)).unwrap();
    batch.spec.decision = Decision::go(0.5).during("respons");
    assert!(refused(batch).contains("cue, response"));
}

#[test]
fn whole_numbers_are_times() {
    let spec = TaskSpec::new(1, 2).epoch("cue", 200).epoch("answer", 300.0);
    assert_eq!(spec.epochs[0].1, Duration::Fixed(200.0));
    for duration in [Duration::from(200_usize), 200_u32.into(), 200_i64.into(), 200_u64.into(), 200.0_f64.into()] {
        assert_eq!(duration, spec.epochs[0].1);
    }
    let window = |window: psychrnn::simulate::Window| (window.start, window.end);
    assert_eq!(window((500..800).into()), window((500.0..800.0).into()));
    assert_eq!(window((500..).into()), window((500.0..).into()));
    assert_eq!(window((..800).into()), window((..800.0).into()));
}

/// A network may be run on any trials, so that accuracy is a number all the same, and a warning tells.
#[test]
fn an_accuracy_that_the_default_cannot_tell_is_told() {
    if std::env::var_os("PSYCHRNN_DOUBT").is_none() {
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "decisions::an_accuracy_that_the_default_cannot_tell_is_told", "--nocapture"]);
        let output = again.env("PSYCHRNN_DOUBT", "1").output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let times = |words: &str| told.matches(words).count();
        assert!(output.status.success() && times("warning") == 2, "{told}");
        assert!(times("output 0 throughout in others") == 1 && times("there is one output") == 1, "{told}");
        return;
    }
    // Fixation throughout in every second trial.
    let mut batch = saccade(Scored::Always).batch(8, Seed(1)).unwrap();
    for trial in (0..8).step_by(2) {
        batch.targets.slice_mut(s![trial, .., ..]).assign(&ndarray::arr2(&[[1.0, 0.0, 0.0]]));
    }
    let session = perfect(&batch);
    assert_eq!((session.accuracy(), session.accuracy()), (1.0, 1.0));
    let one = GoNoGo(Decision::default()).batch(8, Seed(1)).unwrap();
    assert!(perfect(&one).accuracy().is_nan());
    // What is clear, or was said, needs no words.
    for session in [
        perfect(&saccade(Scored::Always).batch(8, Seed(1)).unwrap()),
        session.decided_by(Decision::largest_mean().during("go")).unwrap(),
        perfect(&GoNoGo(Decision::go(0.5)).batch(8, Seed(1)).unwrap()),
    ] {
        assert_eq!(session.accuracy(), 1.0);
    }
}

#[test]
fn what_is_no_number_is_no_choice() {
    let batch = saccade(Scored::Always).batch(2, Seed(1)).unwrap();
    for (output, rule) in [0, 1, 2].into_iter().flat_map(|output| {
        [Decision::default(), Decision::largest_mean(), Decision::largest_at_end()].map(|rule| (output, rule))
    }) {
        let session = answered(&batch, |_, _| {
            let mut outputs = vec![0.1, 0.2, 0.3];
            outputs[output] = f32::NAN;
            outputs
        });
        assert_eq!(session.decided_by(rule.clone()).unwrap().choices, [None; 2], "{rule}, {output}");
    }
}
