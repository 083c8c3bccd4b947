//! Checkpoints: a run that was killed and resumed is, bit for bit, one that was not.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use psychrnn::prelude::*;
use psychrnn::train::{CheckpointEvent, Observer, Optimizer, Progress, Stop};

fn task() -> PerceptualDiscrimination {
    PerceptualDiscrimination::default().dt(20.0).duration(400.0).coherences(&[0.3, 0.5])
}

fn network() -> Rnn {
    Rnn::new(&task(), RnnConfig::default().units(10).noise(0.1).dale_ratio(0.8).seed(1)).unwrap()
}

fn trainer() -> Trainer {
    Trainer::default().updates(20).batch_size(8).learning_rate(0.01).seed(1).silent()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Keeps a copy of the folder as it was after each update: what a run that was killed then would have left.
struct Copying<'a> {
    from: &'a Path,
    to: &'a Path,
}

impl Observer for Copying<'_> {
    fn update(&mut self, progress: &Progress) {
        let to = self.to.join(progress.update.to_string());
        fs::create_dir(&to).unwrap();
        for name in names(self.from) {
            fs::copy(self.from.join(&name), to.join(&name)).unwrap();
        }
    }
}

#[test]
fn a_resumed_run_is_one_that_was_never_disturbed() {
    let validation = task().batch(30, Seed(9)).unwrap();
    let optimizers: [Optimizer; 3] =
        [Adam::default().into(), Sgd { momentum: 0.9, nesterov: true }.into(), RmsProp::default().into()];
    for optimizer in optimizers {
        let folder = tempfile::tempdir().unwrap();
        let (run, copies) = (folder.path().join("run"), folder.path().join("copies"));
        fs::create_dir(&copies).unwrap();
        let trainer = trainer()
            .optimizer(optimizer)
            .validation(validation.clone())
            .check_every(4)
            .schedule(Schedule::Steps { every: 5, factor: 0.7 });
        let mut undisturbed = network();
        let whole = trainer.train(&mut undisturbed, &task()).unwrap();
        let mut watched = network();
        let saving = trainer.clone().checkpoint(&run, Every::Updates(3));
        let training = saving.train_observed(&mut watched, &task(), &mut Copying { from: &run, to: &copies }).unwrap();
        assert_eq!((&training.losses, &training.checks), (&whole.losses, &whole.checks));
        assert_eq!(names(&run), ["checkpoint-00000018.npz", "checkpoint-00000020.npz", "lock"]);

        for killed in [1, 4, 12, 19] {
            let mut resumed = network();
            let saving = trainer.clone().checkpoint(copies.join(killed.to_string()), Every::Seconds(1e9)).resume();
            let training = saving.train(&mut resumed, &task()).unwrap();
            assert_eq!(resumed.weights().unwrap(), undisturbed.weights().unwrap(), "killed after update {killed}");
            assert_eq!((&training.losses, &training.recorded), (&whole.losses, &whole.recorded));
            assert_eq!((&training.checks, training.best), (&whole.checks, whole.best));
            assert_eq!((training.updates, training.trials, training.stop), (20, 160, Stop::Finished));
            let (mut best, mut expected) = (resumed, network());
            trainer.train(&mut expected, &task()).unwrap();
            best.use_best().unwrap();
            expected.use_best().unwrap();
            assert_eq!(best.weights().unwrap(), expected.weights().unwrap());
        }
        // It can be looked at without training.
        let mut looked_at = network();
        let training = trainer.clone().checkpoint(&run, Every::Updates(3)).restore(&mut looked_at).unwrap();
        assert_eq!(
            (training.losses, looked_at.weights().unwrap()),
            (whole.losses.clone(), undisturbed.weights().unwrap())
        );
        // A run that is done is given back; one that is to be longer goes on.
        let mut longer = network();
        let saving = trainer.clone().checkpoint(&run, Every::Updates(3)).resume();
        assert_eq!(saving.train(&mut longer, &task()).unwrap().losses, whole.losses);
        let training = saving.updates(23).threads(1).train(&mut longer, &task()).unwrap();
        assert_eq!((training.updates, training.losses.len()), (23, 23));
        let mut at_once = network();
        trainer.updates(23).train(&mut at_once, &task()).unwrap();
        assert_eq!(longer.weights().unwrap(), at_once.weights().unwrap());
    }
}

#[test]
fn a_curriculum_goes_on_in_its_stage() {
    let folder = tempfile::tempdir().unwrap();
    let (run, copies) = (folder.path().join("run"), folder.path().join("copies"));
    fs::create_dir(&copies).unwrap();
    let curriculum = || {
        Curriculum::new()
            .stage(task(), 0.1)
            .stage(task().coherences(&[0.2]), Goal::custom(|_| false))
            .every(3)
            .trials(10)
    };
    let lstm = || Lstm::new(&task(), LstmConfig::default().units(6).seed(2)).unwrap();
    let mut undisturbed = lstm();
    let whole = trainer().train_curriculum(&mut undisturbed, &curriculum()).unwrap();
    assert!(whole.checks.iter().any(|check| check.stage == 1));
    let saving = trainer().checkpoint(&run, Every::Updates(1));
    let mut copying = Copying { from: &run, to: &copies };
    saving.train_curriculum_observed(&mut lstm(), &curriculum(), &mut copying).unwrap();
    for killed in [2, 10] {
        let mut resumed = lstm();
        let saving = trainer().checkpoint(copies.join(killed.to_string()), Every::Updates(7)).resume();
        let training = saving.train_curriculum(&mut resumed, &curriculum()).unwrap();
        assert_eq!(resumed.weights().unwrap(), undisturbed.weights().unwrap());
        assert_eq!((training.checks, training.losses), (whole.checks.clone(), whole.losses.clone()));
    }
}

#[test]
fn another_run_than_that_of_the_checkpoint_is_refused_by_the_name_of_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let saving = |trainer: Trainer| trainer.checkpoint(folder.path(), Every::Updates(5));
    let validation = task().batch(10, Seed(3)).unwrap();
    let usual = || trainer().validation(validation.clone());
    saving(usual()).train(&mut network(), &task()).unwrap();
    let refused = |trainer: Trainer, network: &mut dyn Network, task: &dyn TrialSource| {
        let before = network.weights().unwrap();
        let error = saving(trainer).resume().train(network, task).unwrap_err().to_string();
        assert_eq!(network.weights().unwrap(), before);
        error
    };
    let other_task = task().coherences(&[0.1]);
    let with = |config: RnnConfig| Rnn::new(&task(), config.noise(0.1).dale_ratio(0.8).seed(1)).unwrap();
    let config = RnnConfig::default;
    let other_trials = task().batch(10, Seed(4)).unwrap();
    for (error, key) in [
        (refused(usual().seed(2), &mut network(), &task()), "`task.trials`"),
        (refused(usual().batch_size(9), &mut network(), &task()), "`trainer.batch_size` must be 8"),
        (refused(usual().metric(|_: &Session| 1.0), &mut network(), &task()), "`trainer.metric`"),
        (refused(usual().loss(MeanSquaredError { per_mask: true }), &mut network(), &task()), "`trainer.loss`"),
        (refused(usual().regularizer(L2Rates::new(0.1)), &mut network(), &task()), "`trainer.regularizers`"),
        (refused(trainer().validation(other_trials), &mut network(), &task()), "`trainer.validation`"),
        (refused(usual(), &mut network(), &other_task), "`task.trials`"),
        (refused(usual(), &mut with(config().units(11)), &task()), "`network."),
        (refused(usual(), &mut with(config().units(10).transfer(Transfer::Tanh)), &task()), "`network.config"),
    ] {
        assert!(error.contains(key) && error.contains("checkpoint"), "{error}\n{key}");
    }
    let error = saving(usual()).train(&mut network(), &task()).unwrap_err().to_string();
    assert!(error.contains("resume()"), "{error}");
    let error = trainer().resume().train(&mut network(), &task()).unwrap_err().to_string();
    assert!(error.contains("`resume`"), "{error}");
    let error = trainer().checkpoint(folder.path(), Every::Updates(0)).train(&mut network(), &task()).unwrap_err();
    assert!(error.to_string().contains("`checkpoint`"), "{error}");
}

#[test]
fn what_an_explosion_advises_may_be_changed_when_a_run_goes_on_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let saving = |trainer: Trainer| trainer.checkpoint(folder.path(), Every::Updates(4)).resume();
    saving(trainer().updates(10)).train(&mut network(), &task()).unwrap();
    let careful = || trainer().learning_rate(0.002).clip(Clip::Global(0.5)).vanishing_gradient(0.1).check_every(3);
    let careful = || careful().schedule(Schedule::Steps { every: 4, factor: 0.5 });
    let mut resumed = network();
    let training = saving(careful()).train(&mut resumed, &task()).unwrap();
    let settings = ["learning_rate", "schedule", "clip", "vanishing_gradient", "check_every"];
    let changed: Vec<_> = training.changes.iter().map(|change| (change.setting.as_str(), change.update)).collect();
    assert_eq!(changed, settings.map(|key| format!("trainer.{key}")).each_ref().map(|key| (key.as_str(), 10)));
    let rate = training.changes[0].to_string();
    assert_eq!(rate, "trainer.learning_rate was 0.01, and is 0.002 after update 10");
    // As in one process.
    let mut at_once = network();
    trainer().updates(10).train(&mut at_once, &task()).unwrap();
    careful().updates(10).train(&mut at_once, &task()).unwrap();
    assert_eq!(resumed.weights().unwrap(), at_once.weights().unwrap());

    // What was changed stays in the report. Another optimizer starts afresh, and with it what it remembers.
    let other = || careful().optimizer(Sgd { momentum: 0.5, nesterov: false });
    let training = saving(other().updates(25)).train(&mut resumed, &task()).unwrap();
    assert_eq!((training.changes.len(), training.changes[5].setting.as_str()), (6, "trainer.optimizer"));
    other().updates(5).train(&mut at_once, &task()).unwrap();
    assert_eq!(resumed.weights().unwrap(), at_once.weights().unwrap());
    let training = saving(other().updates(27)).train(&mut resumed, &task()).unwrap();
    assert_eq!((training.changes.len(), training.losses.len()), (6, 27));
}

#[test]
fn a_run_that_reached_its_goal_goes_on_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let until = |at_most: f64| {
        let goal = psychrnn::task::Criterion::Error { at_most };
        let trainer = trainer().check_every(2).until(goal).checkpoint(folder.path(), Every::Updates(4));
        trainer.resume().train(&mut network(), &task()).unwrap()
    };
    let first = until(1e3);
    assert_eq!((first.stop, first.updates), (Stop::Reached, 2));
    let further = until(1e-3);
    assert_eq!(
        (further.stop, further.updates, further.changes[0].setting.as_str()),
        (Stop::Finished, 20, "task.until")
    );
    let again = until(1e3);
    assert_eq!((again.stop, again.updates), (Stop::Reached, 20));
}

#[test]
fn files_that_are_not_exactly_checkpoints_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut others =
        ["checkpoint-00000500-good.npz", "checkpoint-notes.txt", "checkpoint-5.npz", ".psychrnn-notes.txt"]
            .map(str::to_owned);
    others.iter().for_each(|name| fs::write(folder.path().join(name), "mine").unwrap());
    let saving = trainer().checkpoint(folder.path(), Every::Updates(3));
    saving.train(&mut network(), &task()).unwrap();
    let mut noting = Noting::default();
    saving.resume().updates(25).train_observed(&mut network(), &task(), &mut noting).unwrap();
    assert_eq!((noting.resumed, noting.failed.len()), (Some(20), 0));
    let mut expected = vec!["checkpoint-00000024.npz".to_owned(), "checkpoint-00000025.npz".into(), "lock".into()];
    expected.extend_from_slice(&others);
    expected.sort();
    others.sort();
    assert_eq!(names(folder.path()), expected);
    assert!(others.iter().all(|name| fs::read(folder.path().join(name)).unwrap() == b"mine"));
}

/// It falls for ever, since nothing holds the outputs.
fn falling(activity: &psychrnn::network::Activity, _: &psychrnn::network::Trials) -> Result<psychrnn::tch::Tensor> {
    Ok(activity.outputs.f_square()?.f_mean(psychrnn::tch::Kind::Float)?.f_neg()?)
}

#[test]
fn an_explosion_leaves_a_checkpoint_from_before_it() {
    for every in [1, 3, 7] {
        let folder = tempfile::tempdir().unwrap();
        let exploding =
            trainer().loss(falling).optimizer(Sgd::default()).clip(Clip::None).learning_rate(10.0).updates(500);
        // Hardly at all for a while, and then much too fast.
        let trainer = exploding
            .schedule(Schedule::custom(|update| if update < 30 { 1e-6 } else { 0.05 }))
            .checkpoint(folder.path(), Every::Updates(every));
        let mut network = network();
        let Err(error) = trainer.train(&mut network, &task()) else { unreachable!("it does not explode") };
        let Error::Diverged { update, checkpoint: Some(newest), .. } = &error else { unreachable!("{error}") };
        assert!(error.to_string().contains("`resume()` goes on from"), "{error}");
        let all = Training::of(&network).unwrap();
        assert_eq!((all.stop, all.updates, all.losses.len()), (Stop::Diverged, update - 1, update - 1));
        let largest = all.losses.iter().fold(0.0_f64, |largest, loss| largest.max(loss.abs()));
        assert!(largest > 1000.0 * all.losses[0].abs(), "this test wants one that takes a while");
        let kept = names(folder.path());
        assert_eq!(kept.iter().filter(|name| name.starts_with("diverged-")).count(), 1, "{kept:?}");
        assert!(kept.contains(&newest.file_name().unwrap().to_str().unwrap().to_owned()));

        // The loss of its weights is one as before.
        let restored = trainer.restore(&mut network).unwrap();
        assert!((30 - every..*update).contains(&restored.updates), "{} {update}", restored.updates);
        let outputs = network.run(&task().batch(50, Seed(3)).unwrap()).unwrap().outputs;
        let loss = outputs.iter().map(|z| f64::from(z * z)).sum::<f64>() / outputs.len() as f64;
        assert!(loss < 20.0 * all.losses[0].abs(), "{loss} {}", all.losses[0]);
        // And with them it goes on, more carefully.
        let careful = trainer.clone().schedule(Schedule::Constant).learning_rate(1e-6).updates(50).resume();
        let training = careful.train(&mut network, &task()).unwrap();
        assert_eq!((training.updates, training.stop), (50, Stop::Finished));
        let changed: Vec<_> = training.changes.iter().map(|change| change.setting.as_str()).collect();
        assert_eq!(changed, ["trainer.learning_rate", "trainer.schedule"]);
    }
}

/// Notes what happens to checkpoints, and tries to train in the same folder meanwhile.
#[derive(Default)]
struct Noting {
    failed: Vec<String>,
    resumed: Option<usize>,
    intruder: Option<(PathBuf, String)>,
}

impl Observer for Noting {
    fn update(&mut self, _: &Progress) {
        if let Some((folder, error)) = &mut self.intruder {
            let second = trainer().checkpoint(&*folder, Every::Updates(1)).resume();
            *error = second.train(&mut network(), &task()).unwrap_err().to_string();
        }
    }
    fn checkpoint(&mut self, event: &CheckpointEvent) {
        match event {
            CheckpointEvent::Failed { problem, .. } => self.failed.push(problem.clone()),
            CheckpointEvent::Resumed { update, .. } => self.resumed = Some(*update),
            _ => {}
        }
    }
}

#[test]
fn a_damaged_checkpoint_is_never_read_and_two_runs_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let saving = trainer().checkpoint(folder.path(), Every::Updates(5));
    let mut intruded = Noting { intruder: Some((folder.path().to_owned(), String::new())), ..Noting::default() };
    let mut undisturbed = network();
    saving.train_observed(&mut undisturbed, &task(), &mut intruded).unwrap();
    assert!(intruded.intruder.unwrap().1.contains("another training"));

    let newest = folder.path().join("checkpoint-00000020.npz");
    let whole = fs::read(&newest).unwrap();
    // Cut off anywhere, or one bit wrong anywhere: the one before it is taken.
    let mut rng = Seed(1).stream(0);
    let cut = (0..6).map(|_| whole[..rng.index(whole.len())].to_vec());
    let mut rng = Seed(2).stream(0);
    let flipped = (0..6).map(|_| {
        let mut bytes = whole.clone();
        bytes[rng.index(whole.len())] ^= 1 << rng.index(8);
        bytes
    });
    for bytes in cut.chain(flipped).collect::<Vec<_>>() {
        fs::write(&newest, bytes).unwrap();
        let (mut resumed, mut noting) = (network(), Noting::default());
        saving.clone().resume().train_observed(&mut resumed, &task(), &mut noting).unwrap();
        // A bit may be wrong where nothing depends on it, such as the time of an entry.
        assert!(noting.resumed == Some(15) && noting.failed.len() == 1 || noting.resumed == Some(20));
        assert_eq!(resumed.weights().unwrap(), undisturbed.weights().unwrap());
    }
    // What a kill leaves of a file is taken away.
    fs::write(folder.path().join(".psychrnn-x1Y2z3"), "half").unwrap();
    for name in ["checkpoint-00000015.npz", "checkpoint-00000020.npz"] {
        fs::write(folder.path().join(name), "PK half").unwrap();
    }
    let mut noting = Noting::default();
    let error = saving.resume().train_observed(&mut network(), &task(), &mut noting).unwrap_err().to_string();
    assert!(error.contains("checkpoint-00000020.npz") && noting.failed.len() == 2, "{error}");
    assert!(!names(folder.path()).iter().any(|name| name.starts_with(".psychrnn")));
}

#[test]
fn a_folder_that_cannot_be_written_to_is_refused_at_once() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut network = network();
    let saving = trainer().checkpoint(file.path().join("run"), Every::Updates(5));
    let error = saving.train(&mut network, &task()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert_eq!(network.parameters().memory.updates, 0);
}

/// This program again, with one of the tests below that are ignored otherwise, on a folder.
fn child(test: &str, folder: &Path, before: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    let script = format!("{before} exec \"$0\" --exact checkpoints::{test} --ignored --nocapture");
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).arg(program).env("RUN", folder);
    shell.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn run_of_child() -> PathBuf {
    std::env::var_os("RUN").unwrap().into()
}

fn passes(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_last_good_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    // Files may have no more than a number of blocks of 512 bytes: not even the first checkpoint has room.
    passes(child("no_room_at_all", folder.path(), "trap '' XFSZ; ulimit -f 1;"));
    let folder = tempfile::tempdir().unwrap();
    trainer().updates(3).checkpoint(folder.path(), Every::Updates(1)).train(&mut network(), &task()).unwrap();
    let before = names(folder.path());
    passes(child("no_room_from_now_on", folder.path(), "trap '' XFSZ; ulimit -f 1;"));
    assert_eq!(names(folder.path()), before);
    let (mut resumed, mut undisturbed) = (network(), network());
    trainer().checkpoint(folder.path(), Every::Updates(1)).resume().train(&mut resumed, &task()).unwrap();
    trainer().train(&mut undisturbed, &task()).unwrap();
    assert_eq!(resumed.weights().unwrap(), undisturbed.weights().unwrap());
}

#[test]
#[ignore = "a process of its own"]
fn no_room_at_all() {
    let mut network = network();
    let error = trainer().checkpoint(run_of_child(), Every::Updates(1)).train(&mut network, &task()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert_eq!((network.parameters().memory.updates, names(&run_of_child())), (0, vec!["lock".to_owned()]));
}

#[test]
#[ignore = "a process of its own"]
fn no_room_from_now_on() {
    let (mut network, mut noting) = (network(), Noting::default());
    let saving = trainer().checkpoint(run_of_child(), Every::Updates(1)).resume();
    let error = saving.train_observed(&mut network, &task(), &mut noting).unwrap_err().to_string();
    // Told at once, training went on to its end, and the error says what is left.
    assert_eq!((noting.resumed, noting.failed.len(), network.parameters().memory.updates), (Some(3), 17, 20));
    assert!(error.contains("checkpoint-00000003.npz is the newest that is whole"), "{error}");
}

/// The run that is killed: larger, so that its checkpoints take a while.
fn long_run() -> (Rnn, Trainer) {
    let network = Rnn::new(&task(), RnnConfig::default().units(120).noise(0.1).seed(4)).unwrap();
    let validation = task().batch(10, Seed(9)).unwrap();
    (network, trainer().updates(400).validation(validation).check_every(6).threads(1))
}

/// Writes a line before and after each checkpoint.
struct Log(fs::File);

impl Observer for Log {
    fn update(&mut self, _: &Progress) {}
    fn checkpoint(&mut self, event: &CheckpointEvent) {
        let line = match event {
            CheckpointEvent::Begun { update } => format!("begun {update}\n"),
            CheckpointEvent::Written { update, .. } => format!("written {update}\n"),
            CheckpointEvent::Resumed { update, .. } => format!("resumed {update}\n"),
            other => unreachable!("{other:?}"),
        };
        // At once: the process is killed at any moment, and half a line would hide the next.
        self.0.write_all(line.as_bytes()).unwrap();
    }
}

#[test]
#[ignore = "a process of its own"]
fn a_run_to_be_killed() {
    let folder = run_of_child();
    let log = fs::File::options().append(true).create(true).open(folder.join("log")).unwrap();
    let (mut network, trainer) = long_run();
    let trainer = trainer.checkpoint(folder.join("checkpoints"), Every::Updates(2)).resume();
    trainer.train_observed(&mut network, &task(), &mut Log(log)).unwrap();
    network.save(folder.join("weights.npz")).unwrap();
}

#[test]
fn a_run_killed_twenty_times_ends_with_the_same_bits() {
    const KILLS: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let log = || fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let mut rng = Seed(3).stream(0);
    let (mut kills, mut within) = (0, 0);
    while kills < KILLS {
        let lines = log().lines().count();
        let mut child = child("a_run_to_be_killed", folder.path(), "");
        // Until it has done a little; then, in every other turn, until a checkpoint is being written.
        let (wait, until_writing) = (2 + rng.index(6), kills % 2 == 0);
        let start = Instant::now();
        loop {
            let now = log();
            let writing = now.lines().last().is_some_and(|line| line.starts_with("begun"));
            if now.lines().count() >= lines + wait && (writing || !until_writing) {
                break;
            }
            assert!(child.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(100), "{now}");
            std::thread::sleep(Duration::from_micros(100));
        }
        if !until_writing {
            std::thread::sleep(Duration::from_micros(rng.index(5000) as u64));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        within += usize::from(log().lines().last().is_some_and(|line| line.starts_with("begun")));
    }
    passes(child("a_run_to_be_killed", folder.path(), ""));
    assert!(within >= 5, "only {within} of {KILLS} kills came while a checkpoint was written");
    assert!(log().lines().filter(|line| line.starts_with("resumed")).count() >= KILLS - 1);
    let (mut undisturbed, trainer) = long_run();
    trainer.train(&mut undisturbed, &task()).unwrap();
    assert_eq!(
        Rnn::load(folder.path().join("weights.npz")).unwrap().weights().unwrap(),
        undisturbed.weights().unwrap()
    );
}
