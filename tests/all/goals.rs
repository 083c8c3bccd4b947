//! Goals: what can be reached, what a number means, and on which trials it is measured.

use std::ops::Range;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use ndarray::{Array1, Array2};
use psychrnn::prelude::*;
use psychrnn::task::Criterion;
use psychrnn::tasks::SineWave;
use psychrnn::train::{Check, Observer, Progress, Stop};

fn task() -> PerceptualDiscrimination {
    PerceptualDiscrimination::default().dt(20.0).duration(400.0).coherences(&[0.5])
}

fn network(task: &dyn TrialSource) -> Rnn {
    Rnn::new(task, RnnConfig::default().units(6).seed(1)).unwrap()
}

fn trainer() -> Trainer {
    Trainer::default().updates(4).batch_size(8).check_every(2).check_trials(20).seed(1).silent()
}

/// Watches that nothing happens.
#[derive(Default)]
struct Counting {
    updates: usize,
    checks: Vec<Check>,
}

impl Observer for Counting {
    fn update(&mut self, _: &Progress) {
        self.updates += 1;
    }
    fn check(&mut self, check: &Check) {
        self.checks.push(*check);
    }
}

/// Why training is refused before its first update.
fn refused(trainer: &Trainer, task: &dyn TrialSource) -> String {
    let mut counting = Counting::default();
    let error = trainer.train_observed(&mut network(task), task, &mut counting).unwrap_err();
    assert_eq!(counting.updates, 0, "{error}");
    error.to_string()
}

/// Why a curriculum is refused before the first update.
fn refused_stages(trainer: &Trainer, task: &dyn TrialSource, curriculum: &Curriculum) -> String {
    let mut counting = Counting::default();
    let error = trainer.train_curriculum_observed(&mut network(task), curriculum, &mut counting).unwrap_err();
    assert_eq!(counting.updates, 0, "{error}");
    error.to_string()
}

#[derive(Clone, Trial)]
struct Side {
    side: usize,
}

/// One output, 1 or -1 in the answer.
#[derive(Clone)]
struct Signed(Decision);

impl Task for Signed {
    type Trial = Side;
    fn spec(&self) -> TaskSpec {
        TaskSpec::new(1, 1).epoch("stimulus", 50).epoch("answer", 50).decision(self.0.clone())
    }
    fn draw(&self, rng: &mut TrialRng) -> Side {
        Side { side: rng.index(2) }
    }
    fn step(&self, _: f32, trial: &Side, _: &mut TrialRng, now: &mut Step<'_>) {
        let sign = 2.0 * trial.side as f32 - 1.0;
        now.input[0] = sign;
        now.target[0] = sign;
        now.score_only(&["answer"]);
    }
}

/// Output 0 asks for fixation for 300 ms, then output 1 or 2 for an answer.
struct Saccade;

impl Task for Saccade {
    type Trial = Side;
    fn spec(&self) -> TaskSpec {
        TaskSpec::new(2, 3).epoch("fixation", 300).epoch("go", 50)
    }
    fn draw(&self, rng: &mut TrialRng) -> Side {
        Side { side: rng.index(2) }
    }
    fn step(&self, _: f32, trial: &Side, _: &mut TrialRng, now: &mut Step<'_>) {
        now.input[trial.side] = 1.0;
        let go = now.is_in("go");
        now.target[if go { 1 + trial.side } else { 0 }] = 1.0;
        now.mask[1..].fill(f32::from(u8::from(go)));
    }
}

#[test]
fn a_goal_that_cannot_be_measured_on_the_task_is_refused() {
    let unsaid = Signed(Decision::default());
    let none = Signed(Decision::none());
    let accuracy = |session: &Session| session.accuracy();
    for (trainer, words) in [
        (trainer().until(0.9), "Decision::sign()"),
        (trainer().until(Criterion::Accuracy { above: 0.8, last: 3 }), "Decision::sign()"),
        (trainer().patience(3).best_by(BestBy::Metric), "Decision::sign()"),
        // Of a metric of one's own it is only seen that it is no number, whatever the outputs are.
        (trainer().metric(accuracy).until(Goal::at_least(0.9)), "outputs that are the targets"),
        (trainer().validation(unsaid.batch(30, Seed(5)).unwrap()).until(0.9), "Decision::sign()"),
    ] {
        let error = refused(&trainer, &unsaid);
        assert!(error.contains(words), "{error}");
    }
    assert!(refused(&trainer().until(0.9), &none).contains("asks for no choice"));
    assert!(refused(&trainer().until(0.9), &SineWave::default()).contains("asks for no choice"));
    let nowhere = Criterion::WorstCondition { columns: vec!["colour".into()], at_least: 0.7 };
    assert!(refused(&trainer().until(nowhere), &task()).contains("colour"));
    let stages = Curriculum::new().stage(Signed(Decision::sign()), 0.9).stage(unsaid.clone(), 0.9);
    let error = refused_stages(&Trainer::default().silent(), &unsaid, &stages);
    assert!(error.contains("stage 1") && error.contains("Decision::sign()"), "{error}");

    // What does not depend on choices is trained, and a rule makes a goal of them.
    let free = trainer().until(Goal::custom(|_| false)).train(&mut network(&unsaid), &unsaid).unwrap();
    assert!(free.checks.len() == 2 && free.checks[0].value.is_nan());
    trainer().until(Criterion::Error { at_most: 1e-6 }).train(&mut network(&none), &none).unwrap();
    trainer().patience(3).train(&mut network(&none), &none).unwrap();
    let signed = Signed(Decision::sign());
    let learned = trainer().updates(300).learning_rate(0.01).until(0.95).train(&mut network(&signed), &signed).unwrap();
    assert_eq!(learned.stop, Stop::Reached);
    // No number for the network as it is, but one for another.
    let late = |session: &Session| if session.accuracy() < 1.0 { f64::NAN } else { 1.0 };
    trainer().metric(late).until(Goal::at_least(1.0)).train(&mut network(&task()), &task()).unwrap();
}

#[test]
fn a_network_that_only_fixates_has_not_learned() {
    let mut weights = network(&Saccade).weights().unwrap();
    weights.insert("W_out", Array2::<f32>::zeros((3, 6)));
    weights.insert("b_out", Array1::from(vec![1.0_f32, 0.0, 0.0]));
    let mut fixating = Rnn::with_weights(&Saccade, RnnConfig::default().units(6), &weights).unwrap();
    let training = trainer().learning_rate(1e-9).until(0.9).train(&mut fixating, &Saccade).unwrap();
    assert_eq!((training.stop, training.checks[0].value), (Stop::Finished, 0.0));
}

#[test]
fn a_number_means_what_the_metric_says() {
    // It cannot be seen whether 0.05 is meant from above or from below.
    let error = || |session: &Session| session.rms_error();
    let message = refused(&trainer().metric(error()).until(0.05), &task());
    assert!(message.contains("Goal::at_most(0.05)") && message.contains("Goal::at_least(0.05)"), "{message}");
    let stages = Curriculum::new().stage(task(), 0.05).metric(error());
    let message = refused_stages(&Trainer::default().silent(), &task(), &stages);
    assert!(message.contains("stage 0") && message.contains("Goal::at_most(0.05)"), "{message}");
    let message = refused(&trainer().metric(error()).best_by(BestBy::Metric).patience(2), &task());
    assert!(message.contains("`best_by`") && message.contains("smaller_is_better"), "{message}");

    let train = |trainer: Trainer| trainer.train(&mut network(&task()), &task()).unwrap();
    let first = train(trainer().metric(error()).until(Goal::at_most(100.0)));
    assert_eq!((first.stop, first.updates), (Stop::Reached, 2));
    assert_eq!(train(trainer().metric(error()).until(Goal::at_most(1e-9))).stop, Stop::Finished);
    assert_eq!(
        train(trainer().metric(smaller_is_better(|session| session.rms_error())).until(1e-9)).stop,
        Stop::Finished
    );
    assert_eq!(
        train(trainer().metric(larger_is_better(|session| session.rms_error())).until(1e-9)).stop,
        Stop::Reached
    );
    let stages = Curriculum::new().stage(task(), Goal::at_most(100.0)).metric(error()).every(1);
    let plain = Trainer::default().updates(4).batch_size(8).seed(1).silent();
    let passed = plain.train_curriculum(&mut network(&task()), &stages).unwrap();
    assert_eq!((passed.stop, passed.updates), (Stop::Reached, 1));

    // The best is the smallest where smaller is better, by the metric or by the goal.
    for trainer in [
        trainer().metric(smaller_is_better(|session| session.rms_error())).patience(100),
        trainer().metric(error()).until(Goal::at_most(1e-9)),
    ] {
        let training = train(trainer.updates(20).learning_rate(0.05).best_by(BestBy::Metric));
        let smallest = training.checks.iter().map(|check| check.value).fold(f64::INFINITY, f64::min);
        assert_eq!(training.best.unwrap().value, smallest);
    }
}

#[test]
fn a_goal_that_nothing_can_reach_is_refused() {
    for (trainer, words) in [
        (trainer().until(90.0), "90 % is 0.9"),
        (trainer().until(90), "90 % is 0.9"),
        (trainer().until(1.5), "from 0 to 1"),
        (trainer().until(-0.5), "from 0 to 1"),
        (trainer().until(f64::NAN), "`until`"),
        (trainer().until(Goal::at_least(1.5)), "from 0 to 1"),
        (trainer().until(Goal::at_most(0.5)), "Goal::at_least"),
        (trainer().metric(smaller_is_better(|_| 1.0)).until(f64::INFINITY), "a number"),
        (trainer().metric(smaller_is_better(|_| 1.0)).until(Goal::at_least(0.5)), "Goal::at_most"),
        (trainer().until(Criterion::Accuracy { above: 85.0, last: 5 }), "90 % is 0.9"),
        (trainer().until(Criterion::Accuracy { above: 1.0, last: 5 }), "below 1"),
        (trainer().until(Criterion::Accuracy { above: 0.8, last: 0 }), "at least 1"),
        (trainer().until(Criterion::WorstCondition { columns: vec![], at_least: 1.1 }), "from 0 to 1"),
        (trainer().until(Criterion::Error { at_most: -0.1 }), "at least 0"),
    ] {
        let error = refused(&trainer, &task());
        assert!(error.contains("`until`") && error.contains(words), "{error}");
        assert!(trainer.check().is_err());
    }
    for goal in [Goal::from(1.5), Goal::from(f64::NAN), Goal::at_most(0.5), Criterion::Error { at_most: 0.1 }.into()] {
        let error = Curriculum::new().stage(task(), 0.5).stage(task(), goal).check().unwrap_err().to_string();
        assert!(error.contains("`goal of stage 1`"), "{error}");
    }
    trainer().until(1.0).check().unwrap();
    trainer().until(0).check().unwrap();
}

/// Notes which trials it is asked for, of more than one batch.
#[derive(Clone)]
struct Noting(Arc<Mutex<Vec<Asked>>>);

/// The seed and the numbers of trials.
type Asked = (Seed, Range<u64>);

impl TrialSource for Noting {
    fn spec(&self) -> psychrnn::Result<TaskSpec> {
        TrialSource::spec(&task())
    }
    fn trials(&self, numbers: Range<u64>, seed: Seed) -> psychrnn::Result<Batch> {
        self.0.lock().unwrap().push((seed, numbers.clone()));
        task().trials(numbers, seed)
    }
}

#[test]
fn each_check_has_trials_of_its_own() {
    let noting = Noting(Arc::default());
    let never = || Goal::custom(|_| false);
    let trainer = trainer().check_every(1).check_trials(50).updates(6);
    let mut trained = network(&noting);
    trainer.clone().until(never()).train(&mut trained, &noting).unwrap();
    trainer.clone().until(never()).train(&mut trained, &noting).unwrap();
    let stages = Curriculum::new().every(1).trials(50).stage(noting.clone(), 0.0).stage(noting.clone(), never());
    let plain = Trainer::default().updates(6).batch_size(8).seed(1).silent();
    plain.train_curriculum(&mut trained, &stages).unwrap();
    let asked = noting.0.lock().unwrap().clone();
    // The first stage is looked at before training.
    let checks: Vec<&Range<u64>> = asked
        .iter()
        .filter(|(seed, numbers)| *seed == Seed(1).child("checks") && numbers.end != 128)
        .map(|(_, numbers)| numbers)
        .collect();
    assert_eq!(checks.len(), 18);
    for (at, check) in checks.iter().enumerate() {
        assert_eq!(check.end - check.start, 50);
        assert!(checks[..at].iter().all(|before| before.end <= check.start || check.end <= before.start));
    }
}

#[test]
fn what_a_curriculum_has_itself_is_refused_in_its_trainer() {
    let stages = Curriculum::new().stage(task(), 0.9);
    for (trainer, name) in [
        (Trainer::default().until(0.9), "until"),
        (Trainer::default().validation(task().batch(5, Seed(1)).unwrap()), "validation"),
        (Trainer::default().metric(|session: &Session| session.rms_error()), "metric"),
        (Trainer::default().check_every(1), "check_every"),
        (Trainer::default().check_every(10), "check_every"),
        (Trainer::default().check_trials(500), "check_trials"),
        (Trainer::default().check_trials(128), "check_trials"),
    ] {
        let error = refused_stages(&trainer.silent(), &task(), &stages);
        assert!(error.contains(&format!("`{name}`")) && error.contains("left out with a curriculum"), "{error}");
    }
}

#[test]
fn a_metric_may_give_any_number_or_a_result() {
    let single = |session: &Session| session.outputs.sum();
    let counted = |session: &Session| session.correct.iter().flatten().filter(|correct| **correct).count();
    let fallible = |session: &Session| session.worst_accuracy(["coherence"]);
    fn named(session: &Session) -> psychrnn::Result<f32> {
        Ok(session.worst_accuracy(["coherence"])? as f32)
    }
    let measured = |trainer: Trainer| trainer.until(Goal::at_least(1e9)).train(&mut network(&task()), &task());
    for trainer in
        [trainer().metric(single), trainer().metric(counted), trainer().metric(fallible), trainer().metric(named)]
    {
        assert!(measured(trainer).unwrap().checks.iter().all(|check| check.value.is_finite()));
    }
    let error = measured(trainer().metric(|session: &Session| session.worst_accuracy(["colour"]))).unwrap_err();
    assert!(error.to_string().contains("colour"), "{error}");
}

#[test]
fn masks_of_areas_follow_the_seed_of_the_network_unless_they_have_their_own() {
    let areas = || Areas::new().area("one", 12).within("one", 0.5).strongly_connected(false);
    let of = |areas: Areas, seed: u64| {
        let network = Rnn::new(&task(), RnnConfig::default().areas(areas).seed(seed)).unwrap();
        (network.weights().unwrap().matrix("W_rec").unwrap().mapv(|weight| weight != 0.0), network)
    };
    assert_ne!(of(areas(), 1).0, of(areas(), 2).0);
    assert_eq!(of(areas(), 2).0, of(areas(), 2).0);
    assert_eq!(of(areas().seed(7), 1).0, of(areas().seed(7), 2).0);
    assert_eq!(of(areas().seed(7), 1).0, areas().seed(7).masks(2, 2).unwrap().recurrent.mapv(|there| there != 0.0));
    // The network knows the seed that it took, and keeps it in a file.
    let (mask, network) = of(areas(), 3);
    let folder = tempfile::tempdir().unwrap();
    network.save(folder.path().join("areas.npz")).unwrap();
    let again = Rnn::load(folder.path().join("areas.npz")).unwrap();
    let masks = again.config().constraints.areas.clone().unwrap().masks(2, 2).unwrap();
    assert_eq!(masks.recurrent.mapv(|there| there != 0.0), mask);
    let config = RnnConfig::default().areas(areas()).seed(3);
    Rnn::with_weights(&task(), config, &network.weights().unwrap()).unwrap();
    let lstm = |seed: u64| {
        let constraints = Constraints { areas: Some(areas()), ..Constraints::default() };
        Lstm::new(&task(), LstmConfig::default().units(12).constraints(constraints).seed(seed))
            .map(|lstm| lstm.config().clone())
    };
    if let (Ok(one), Ok(other)) = (lstm(1), lstm(2)) {
        assert_ne!(one.constraints.areas, other.constraints.areas);
    }
}

#[test]
fn a_silent_member_of_an_ensemble_says_nothing() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "goals::one_of_two_is_silent", "--ignored", "--nocapture"]);
    let output = child.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("loud: ") && !said.contains("quiet: "), "{said}");
}

#[test]
#[ignore = "a process of its own"]
fn one_of_two_is_silent() {
    let mut ensemble = Ensemble::new();
    let loud = Trainer::default().updates(2).batch_size(4);
    ensemble.add("loud", network(&task()), loud.clone(), task());
    ensemble.add("quiet", network(&task()), loud.silent(), task());
    ensemble.train().unwrap();
}
