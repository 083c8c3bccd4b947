//! How runs of training end, and what each leaves: code of a user's that fails, weights that cannot be saved, settings that make no
//! sense.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use psychrnn::network::{Activity, Tensors, Trials};
use psychrnn::prelude::*;
use psychrnn::tch::{self, Kind, Tensor};
use psychrnn::train::{self, CheckpointEvent, Observer, Optimizer, Progress, Stop};

fn task() -> PerceptualDiscrimination {
    PerceptualDiscrimination::default().dt(20.0).duration(400.0).coherences(&[0.3, 0.5])
}

fn network() -> Rnn {
    Rnn::new(&task(), RnnConfig::default().units(10).noise(0.1).seed(1)).unwrap()
}

fn trainer() -> Trainer {
    Trainer::default().updates(12).batch_size(8).learning_rate(0.01).seed(1).silent()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A task, a loss, a penalty, a metric, a goal and an observer of a user's own, of which one panics when six updates are done.
struct Own {
    panics: &'static str,
    done: Arc<AtomicUsize>,
    ended: Cell<Option<Stop>>,
}

impl Own {
    fn new(panics: &'static str) -> Self {
        Self { panics, done: Arc::default(), ended: Cell::default() }
    }

    fn turn(&self, part: &'static str) -> impl Fn() + Send + Sync + 'static {
        let (panics, done) = (self.panics == part, Arc::clone(&self.done));
        move || assert!(!(panics && done.load(Ordering::SeqCst) >= 6), "my {part} is broken")
    }

    fn train(&mut self, trainer: Trainer, network: &mut Rnn) -> Result<Training> {
        let turns = ["loss", "penalty", "metric", "goal"].map(|part| self.turn(part));
        let [loss, penalty, metric, goal] = turns;
        let square = move |activity: &Activity, trials: &Trials| -> Result<Tensor> {
            loss();
            Ok(activity.outputs.f_sub(&trials.targets)?.f_square()?.f_mean(Kind::Float)?)
        };
        let small = move |weights: &Tensors, _: &Activity, _: &Trials| -> Result<Tensor> {
            penalty();
            Ok(weights.get("W_rec")?.f_square()?.f_mean(Kind::Float)?)
        };
        let half = move |_: &Session| {
            metric();
            0.5
        };
        let never = move |_: &[train::Check]| {
            goal();
            false
        };
        let trainer = trainer.loss(square).regularizer(small).metric(half).until(Goal::custom(never)).check_every(7);
        let source = Source { task: task(), turn: Box::new(self.turn("task")) };
        trainer.train_observed(network, &source, self)
    }
}

struct Source {
    task: PerceptualDiscrimination,
    turn: Box<dyn Fn() + Send + Sync>,
}

impl TrialSource for Source {
    fn spec(&self) -> Result<TaskSpec> {
        TrialSource::spec(&self.task)
    }
    fn trials(&self, numbers: std::ops::Range<u64>, seed: Seed) -> Result<Batch> {
        (self.turn)();
        self.task.trials(numbers, seed)
    }
}

impl Observer for Own {
    fn update(&mut self, progress: &Progress) {
        self.turn("observer")();
        self.done.store(progress.update, Ordering::SeqCst);
    }
    fn end(&mut self, training: &Training) {
        self.ended.set(Some(training.stop));
    }
}

#[test]
fn code_of_a_user_that_panics_ends_training_with_an_error_and_loses_nothing() {
    let mut undisturbed = network();
    let whole = Own::new("nothing").train(trainer().threads(1), &mut undisturbed).unwrap();
    assert_eq!(whole.checks.len(), 1);
    // The observer and the checks have their turn when an update is done.
    for (part, said, done) in [
        ("task", "the task", 6),
        ("loss", "the loss", 6),
        ("penalty", "a penalty", 6),
        ("metric", "the metric", 7),
        ("goal", "the goal", 7),
        ("observer", "the observer", 7),
    ] {
        for threads in [1, 3] {
            let folder = tempfile::tempdir().unwrap();
            let saving = trainer().threads(threads).checkpoint(folder.path(), Every::Updates(100));
            let (mut network, mut own) = (network(), Own::new(part));
            let error = own.train(saving.clone(), &mut network).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains(&format!("my {part} is broken")), "{error}");
            assert_eq!(own.ended.get(), Some(Stop::Failed));
            let training = Training::of(&network).unwrap();
            // With several threads the next batch was drawn before the sixth update was done.
            let done = if part == "task" && threads > 1 { training.updates.clamp(6, 8) } else { done };
            assert_eq!((training.updates, training.stop), (done, Stop::Failed), "{part}");
            assert_eq!(training.losses[..], whole.losses[..done]);
            assert_eq!(saving.restore(&mut self::network()).unwrap().losses, training.losses);

            // Mended, it goes on as if nothing had been.
            let mut resumed = self::network();
            let training = Own::new("nothing").train(saving.resume(), &mut resumed).unwrap();
            assert_eq!((training.losses, training.checks), (whole.losses.clone(), whole.checks.clone()), "{part}");
            assert_eq!(resumed.weights().unwrap(), undisturbed.weights().unwrap());
        }
    }
    assert!(Training::of(&network()).unwrap_err().to_string().contains("trained"));
}

#[test]
fn an_ensemble_tells_what_its_members_did_before_they_failed() {
    let mut ensemble = Ensemble::new().silent();
    let done = Arc::new(AtomicUsize::new(0));
    let loss = move |activity: &Activity, _: &Trials| -> Result<Tensor> {
        assert!(done.fetch_add(1, Ordering::SeqCst) < 4, "no more");
        Ok(activity.outputs.f_square()?.f_mean(Kind::Float)?)
    };
    ensemble.add("fails", network(), trainer().loss(loss), task());
    ensemble.add("refused", network(), trainer().learning_rate(-1.0), task());
    let report = ensemble.train().unwrap();
    let [fails, refused] = &report.members[..] else { unreachable!() };
    assert!(fails.error.as_ref().unwrap().contains("no more"), "{fails:?}");
    assert_eq!(fails.training.as_ref().map(|training| training.losses.len()), Some(4));
    assert!(refused.training.is_none() && refused.error.is_some());
}

/// Notes what was not saved, and takes the folder away after some update.
struct Removing<'a> {
    folder: &'a Path,
    after: usize,
    problems: Vec<String>,
}

impl Observer for Removing<'_> {
    fn update(&mut self, progress: &Progress) {
        if progress.update == self.after {
            fs::remove_dir_all(self.folder).unwrap();
        }
    }
    fn checkpoint(&mut self, event: &CheckpointEvent) {
        if let CheckpointEvent::NotSaved { problem } = event {
            self.problems.push(problem.clone());
        }
    }
}

#[test]
fn weights_that_cannot_be_saved_are_told_and_training_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    let mut observer = Removing { folder: &weights, after: 6, problems: Vec::new() };
    let training = trainer().save_every(3, &weights).train_observed(&mut network(), &task(), &mut observer).unwrap();
    assert_eq!((training.updates, training.stop, observer.problems.len()), (12, Stop::Finished, 2));
    assert!(observer.problems[0].contains("weights-000009.npz"), "{:?}", observer.problems);
}

#[test]
fn saved_weights_are_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let saving = |trainer: Trainer| trainer.save_every(4, folder.path());
    let mut first = network();
    saving(trainer()).train(&mut first, &task()).unwrap();
    let before = Weights::load(folder.path().join("weights-000004.npz")).unwrap();
    // The same run once more, as when the cells of a notebook are run again.
    saving(trainer()).train(&mut network(), &task()).unwrap();
    // Another run.
    let error = saving(trainer().seed(2)).train(&mut network(), &task()).unwrap_err().to_string();
    assert!(error.contains("`save_every`") && error.contains("weights-0000"), "{error}");
    // The same one goes on, with another optimizer, and from its best weights.
    saving(trainer().updates(4).optimizer(Sgd::default()).patience(9).check_every(2))
        .train(&mut first, &task())
        .unwrap();
    first.use_best().unwrap();
    saving(trainer().updates(4)).train(&mut first, &task()).unwrap();
    let expected: Vec<_> = [4, 8, 12, 16, 20].map(|number| format!("weights-{number:06}.npz")).into();
    assert_eq!(names(folder.path()), expected);
    assert_eq!(Weights::load(folder.path().join("weights-000004.npz")).unwrap(), before);

    // A run that goes on from its checkpoint saves the same again.
    let run = tempfile::tempdir().unwrap();
    let weights = run.path().join("weights");
    let saving = |updates: usize| {
        let trainer = trainer().updates(updates).save_every(2, &weights);
        trainer.checkpoint(run.path().join("checkpoints"), Every::Updates(5)).resume()
    };
    saving(6).train(&mut network(), &task()).unwrap();
    fs::remove_file(run.path().join("checkpoints/checkpoint-00000006.npz")).unwrap();
    saving(9).train(&mut network(), &task()).unwrap();
    assert_eq!(names(&weights).len(), 4);
    // After a change they would be others.
    fs::remove_file(run.path().join("checkpoints/checkpoint-00000009.npz")).unwrap();
    let error = saving(9).learning_rate(0.02).train(&mut network(), &task()).unwrap_err().to_string();
    assert!(error.contains("weights-0000"), "{error}");
}

#[test]
fn members_of_an_ensemble_have_folders_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let [weights, checkpoints, alone] = ["weights", "checkpoints", "alone"].map(|name| folder.path().join(name));
    let mut ensemble = Ensemble::new().silent();
    for name in ["seed 1", "../x", "a/b"] {
        let trainer = trainer().updates(4).save_every(2, &weights).checkpoint(&checkpoints, Every::Updates(2));
        ensemble.add(name, network(), trainer, task());
    }
    ensemble.add("alone", network(), trainer().updates(4).save_every(2, &alone), task());
    ensemble.train().unwrap().trainings().unwrap();
    assert_eq!(names(&weights), ["%2E.%2Fx", "a%2Fb", "seed 1"]);
    assert_eq!(names(&checkpoints), ["%2E.%2Fx", "a%2Fb", "seed 1"]);
    assert_eq!(names(&weights.join("seed 1")), ["weights-000002.npz", "weights-000004.npz"]);
    assert_eq!(names(&alone), ["weights-000002.npz", "weights-000004.npz"]);
    assert_eq!(names(folder.path()), ["alone", "checkpoints", "weights"]);
}

#[test]
fn settings_that_make_no_sense_are_refused_before_training() {
    let adam = |adam: Adam| trainer().optimizer(adam);
    let with = |optimizer: Optimizer| trainer().optimizer(optimizer);
    let scheduled = |schedule: Schedule| trainer().schedule(schedule);
    let usual = Adam::default();
    let (nan, huge) = (f64::NAN, f64::INFINITY);
    let steps = |every: u64, factor: f64| scheduled(Schedule::Steps { every, factor });
    let cosine = |updates: u64, floor: f64| scheduled(Schedule::Cosine { updates, floor });
    let custom = |factor: fn(u64) -> f64| scheduled(Schedule::custom(factor));
    let rms = RmsProp::default();
    for (name, trainer) in [
        ("beta1", adam(Adam { beta1: 1.0, ..usual })),
        ("beta1", adam(Adam { beta1: -0.1, ..usual })),
        ("beta2", adam(Adam { beta2: nan, ..usual })),
        ("epsilon", adam(Adam { epsilon: 0.0, ..usual })),
        ("epsilon", adam(Adam { epsilon: 1e-60, ..usual })),
        ("epsilon", adam(Adam { epsilon: -1e-8, ..usual })),
        ("epsilon", with(AdamW { adam: Adam { epsilon: 0.0, ..usual }, decay: 0.0 }.into())),
        ("decay", with(AdamW { adam: usual, decay: -0.1 }.into())),
        ("decay", with(AdamW { adam: usual, decay: nan }.into())),
        ("decay", with(AdamW { adam: usual, decay: 200.0 }.into())),
        ("momentum", with(Sgd { momentum: -0.5, nesterov: false }.into())),
        ("momentum", with(Sgd { momentum: 1.0, nesterov: true }.into())),
        ("alpha", with(RmsProp { alpha: 1.5, ..rms }.into())),
        ("epsilon", with(RmsProp { epsilon: 0.0, ..rms }.into())),
        ("momentum", with(RmsProp { momentum: nan, ..rms }.into())),
        ("every", steps(0, 0.5)),
        ("factor", steps(3, -0.5)),
        ("factor", steps(3, 0.0)),
        ("factor", steps(3, nan)),
        ("schedule", steps(1, 1e40)),
        ("updates", cosine(0, 0.1)),
        ("floor", cosine(5, -0.1)),
        ("floor", cosine(5, nan)),
        ("schedule", custom(|update| 1.0 - update as f64 / 10.0)),
        ("schedule", custom(|update| if update == 11 { f64::NAN } else { 1.0 })),
        ("clip", trainer().clip(Clip::Global(0.0))),
        ("clip", trainer().clip(Clip::PerParameter(-1.0))),
        ("clip", trainer().clip(Clip::Global(nan))),
        ("clip", trainer().clip(Clip::Value(0.0))),
        ("learning_rate", trainer().learning_rate(0.0)),
        ("learning_rate", trainer().learning_rate(huge)),
        ("batch_size", trainer().batch_size(0)),
        ("record_every", trainer().record_every(0)),
        ("check_every", trainer().check_every(0)),
        ("check_trials", trainer().check_trials(0)),
        ("save_every", trainer().save_every(0, "nowhere")),
        ("threads", trainer().threads(0)),
        ("updates", trainer().updates(0)),
        ("trials", trainer().trials(0)),
        ("time_limit", trainer().time_limit(nan)),
        ("vanishing_gradient", trainer().vanishing_gradient(-1.0)),
        ("strength", trainer().regularizer(L2Rates::new(-1.0))),
        ("strength", trainer().regularizer(L1Weights::new("W_rec", nan))),
    ] {
        let mut network = network();
        let error = trainer.train(&mut network, &task()).unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}")) || error.contains(name) && name == "strength", "{name}: {error}");
        assert_eq!(network.parameters().memory.total, 0, "{name}");
        assert!(!Path::new("nowhere").exists());
    }
    // What a schedule gives after the run does not matter, and what is 0 for a while does no harm.
    scheduled(Schedule::custom(|update| 1.0 - update as f64 / 11.0)).train(&mut network(), &task()).unwrap();
    scheduled(Schedule::custom(|update| update as f64 / 10.0)).train(&mut network(), &task()).unwrap();
}

#[test]
fn training_on_from_the_best_weights_starts_the_optimizer_afresh() {
    let checked = trainer().validation(task().batch(40, Seed(9)).unwrap()).check_every(3).learning_rate(0.5);
    let mut network = network();
    let best = checked.train(&mut network, &task()).unwrap().best.unwrap();
    assert!(best.update < 12, "this test wants a best that is not the last");
    network.use_best().unwrap();
    // A new network with these weights, at the same trials.
    let mut fresh = Rnn::with_weights(&task(), network.config().clone(), &network.weights().unwrap()).unwrap();
    fresh.parameters_mut().memory.trials = 12 * 8;
    trainer().train(&mut network, &task()).unwrap();
    trainer().train(&mut fresh, &task()).unwrap();
    assert_eq!(network.weights().unwrap(), fresh.weights().unwrap());
}

#[test]
fn on_libtorch_members_side_by_side_become_what_they_are_alone() {
    let before = tch::get_num_threads();
    tch::set_num_threads(3);
    let large = |seed: u64| Rnn::new(&task(), RnnConfig::default().units(150).seed(seed)).unwrap();
    let trainer = |seed: u64| {
        trainer()
            .backend(train::Backend::Libtorch)
            .seed(seed)
            .batch_size(60)
            .updates(2 + 4 * (seed as usize % 2))
            .threads(1)
    };
    let mut ensemble = Ensemble::new().silent().threads(3);
    (0..4).for_each(|seed| ensemble.add(&format!("seed {seed}"), large(seed), trainer(seed), task()));
    ensemble.train().unwrap().trainings().unwrap();
    for (seed, member) in (0..4).zip(&ensemble.members) {
        let mut alone = large(seed);
        trainer(seed).train(&mut alone, &task()).unwrap();
        assert_eq!(member.network.weights().unwrap(), alone.weights().unwrap(), "seed {seed}");
    }
    assert_eq!(tch::get_num_threads(), 3);
    tch::set_num_threads(before);
}

/// A task, a metric and an observer that panic when they are first asked; with a schedule, all that training asks before it begins.
struct AtOnce(&'static str);

impl AtOnce {
    fn turn(&self, part: &str) {
        assert!(self.0 != part, "my {part} is broken");
    }
}

impl TrialSource for AtOnce {
    fn spec(&self) -> Result<TaskSpec> {
        self.turn("spec");
        TrialSource::spec(&task())
    }
    fn trials(&self, numbers: std::ops::Range<u64>, seed: Seed) -> Result<Batch> {
        self.turn("trials");
        task().trials(numbers, seed)
    }
}

impl Observer for AtOnce {
    fn update(&mut self, _: &Progress) {}
    fn check(&mut self, _: &train::Check) {
        self.turn("check");
    }
}

#[test]
fn code_of_a_user_that_panics_at_once_is_an_error() {
    for part in ["spec", "trials", "metric", "schedule", "check"] {
        let own = || AtOnce(part);
        let half = move |_: &Session| {
            own().turn("metric");
            0.5
        };
        let schedule = Schedule::custom(move |_| {
            own().turn("schedule");
            1.0
        });
        let trainer = trainer().schedule(schedule).check_every(3).metric(half).until(Goal::at_least(0.9));
        let error = trainer.train_observed(&mut network(), &own(), &mut own()).unwrap_err().to_string();
        assert!(error.contains("panicked: my") && error.contains(part), "{error}");
        let mut ensemble = Ensemble::new().silent();
        ensemble.add("broken", network(), trainer, own());
        let report = ensemble.train().unwrap();
        assert_eq!(report.members[0].error.is_some(), part != "check", "{part}");
    }

    let linear = Transfer::custom("mine", |x| if x > 1e-3 { panic!("my transfer is broken") } else { x }, |_| 1.0);
    let network = Rnn::new(&task(), RnnConfig::default().units(10).seed(1).transfer(linear)).unwrap();
    let error = network.run(&task().batch(4, Seed(1)).unwrap()).unwrap_err().to_string();
    assert!(error.contains("the transfer function panicked: my transfer is broken"), "{error}");
    #[derive(Debug)]
    struct Broken;
    impl psychrnn::network::Initializer for Broken {
        fn initialize(&self, _: &psychrnn::network::Connections, _: Seed) -> Result<Weights> {
            panic!("my initializer is broken")
        }
    }
    let error = Rnn::with_initializer(&task(), RnnConfig::default(), &Broken).unwrap_err().to_string();
    assert!(error.contains("my initializer is broken"), "{error}");
}

#[test]
fn a_stage_that_is_passed_stays_so_though_the_observer_fails() {
    let folder = tempfile::tempdir().unwrap();
    let curriculum = || {
        let stages = Curriculum::new().stage(task(), Goal::at_least(-9.0)).stage(task(), Goal::at_least(9.0));
        stages.metric(|session: &Session| -session.rms_error()).every(3).trials(20)
    };
    let run = |trainer: Trainer, observer: &mut AtOnce| {
        trainer.train_curriculum_observed(&mut network(), &curriculum(), observer)
    };
    let whole = run(trainer(), &mut AtOnce("")).unwrap();
    let saving = trainer().checkpoint(folder.path(), Every::Updates(100)).resume();
    run(saving.clone(), &mut AtOnce("check")).unwrap_err();
    let resumed = run(saving, &mut AtOnce("")).unwrap();
    assert_eq!((resumed.checks.len(), resumed.checks), (4, whole.checks));
}

#[test]
fn libtorch_keeps_graphs_after_a_loss_that_panicked_in_a_check() {
    let keeps_graphs = || {
        let one = Tensor::ones([1], (Kind::Float, tch::Device::Cpu)).set_requires_grad(true);
        one.f_mul_scalar(2.0).unwrap().requires_grad()
    };
    let loss = move |activity: &Activity, _: &Trials| -> Result<Tensor> {
        assert!(keeps_graphs(), "my loss is broken in checks");
        Ok(activity.outputs.f_square()?.f_mean(Kind::Float)?)
    };
    let checked = trainer().validation(task().batch(8, Seed(9)).unwrap()).check_every(3).threads(1);
    let mut network = network();
    let error = checked.loss(loss).train(&mut network, &task()).unwrap_err().to_string();
    assert!(error.contains("my loss is broken in checks") && keeps_graphs(), "{error}");
    assert_eq!(Training::of(&network).unwrap().updates, 3);
}
