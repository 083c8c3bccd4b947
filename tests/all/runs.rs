//! Runs of training: checks on validation trials, the best weights, the ways to end, and explosions.

use psychrnn::network::{Activity, Trials};
use psychrnn::prelude::*;
use psychrnn::task::Criterion;
use psychrnn::tasks::RandomDots;
use psychrnn::tch::Tensor;
use psychrnn::train::{Check, Clip, Loss, Stop};

fn task() -> PerceptualDiscrimination {
    PerceptualDiscrimination::default().dt(20.0).duration(600.0).coherences(&[0.3, 0.5])
}

fn network() -> Rnn {
    Rnn::new(&task(), RnnConfig::default().units(12).noise(0.05).seed(1)).unwrap()
}

fn trainer() -> Trainer {
    Trainer::default().batch_size(16).learning_rate(0.01).seed(1).silent()
}

/// What a check should say, worked out from a session by hand.
fn by_hand(network: &Rnn, trials: &Batch) -> (f64, f64, f64) {
    let session = network.run(trials).unwrap();
    let (mut squares, mut weight) = (0.0, 0.0);
    for ((&z, &y), &mask) in session.outputs.iter().zip(&trials.targets).zip(&trials.mask) {
        squares += f64::from(mask * (z - y)).powi(2);
        weight += f64::from(mask);
    }
    (squares / session.outputs.len() as f64, (squares / weight).sqrt(), session.accuracy())
}

#[test]
fn checks_are_about_the_validation_trials_and_the_best_weights_are_kept() {
    let validation = task().batch(60, Seed(77)).unwrap();
    let trainer = trainer().validation(validation.clone()).check_every(5);
    // Much too large a step, so that the last weights are not the best.
    let (mut all, mut parts) = (network(), network());
    let training = trainer.clone().learning_rate(0.2).updates(40).train(&mut all, &task()).unwrap();
    assert_eq!(training.checks.len(), 8);
    let mut seen: Vec<(Check, Weights)> = Vec::new();
    for part in 0..8 {
        let trained = trainer.clone().learning_rate(0.2).updates(5).train(&mut parts, &task()).unwrap();
        let (check, (loss, error, accuracy)) = (training.checks[part], by_hand(&parts, &validation));
        assert!((check.loss - loss).abs() < 1e-5 * loss, "{} {loss}", check.loss);
        assert!((check.error - error).abs() < 1e-5 * error, "{} {error}", check.error);
        assert_eq!((check.value, check.update, trained.checks[0].loss), (accuracy, 5 * (part + 1), check.loss));
        seen.push((check, parts.weights().unwrap()));
    }
    assert_eq!(all.weights().unwrap(), seen[7].1);
    let (best, weights) = seen.iter().min_by(|a, b| a.0.loss.total_cmp(&b.0.loss)).unwrap();
    assert_eq!(training.best, Some(*best));
    assert_ne!(best.update, 40, "this test wants a best that is not the last");
    all.use_best().unwrap();
    assert_eq!(all.weights().unwrap(), *weights);

    let mut by_metric = network();
    let training =
        trainer.clone().learning_rate(0.2).updates(40).best_by(BestBy::Metric).train(&mut by_metric, &task()).unwrap();
    let most = seen.iter().map(|(check, _)| check.value).fold(0.0, f64::max);
    assert_eq!(training.best.unwrap().value, most);
    assert_eq!(training.checks_table().n_rows(), 8);

    let mut unchecked = network();
    trainer_without_checks().train(&mut unchecked, &task()).unwrap();
    assert!(unchecked.use_best().unwrap_err().to_string().contains("validation"));
}

fn trainer_without_checks() -> Trainer {
    trainer().updates(2)
}

#[test]
fn training_ends_for_every_reason_that_it_is_given() {
    let validation = task().batch(100, Seed(77)).unwrap();
    let trainer = trainer().validation(validation).check_every(5).updates(300);
    let train = |trainer: Trainer| trainer.train(&mut network(), &task()).unwrap();

    let error = train(trainer.clone().until(Criterion::Error { at_most: 0.3 }));
    assert_eq!(error.stop, Stop::Reached);
    let last = error.checks.last().unwrap();
    assert!(last.value <= 0.3 && (last.value - last.error).abs() < 1e-12 && last.passed);
    assert!(error.checks.iter().rev().skip(1).all(|check| check.error > 0.3 && !check.passed));

    let averaged = train(trainer.clone().until(Criterion::Accuracy { above: 0.8, last: 3 }));
    assert_eq!(averaged.stop, Stop::Reached);
    let mean = |checks: &[Check]| checks.iter().map(|check| check.value).sum::<f64>() / checks.len() as f64;
    let n = averaged.checks.len();
    assert!(mean(&averaged.checks[n.saturating_sub(3)..]) > 0.8);
    assert!((1..n).all(|end| mean(&averaged.checks[..end][end.saturating_sub(3)..]) <= 0.8));

    let worst = Criterion::WorstCondition { columns: vec!["coherence".into()], at_least: 0.7 };
    let worst = train(trainer.clone().until(worst));
    assert_eq!(worst.stop, Stop::Reached);
    assert!(worst.checks.last().unwrap().value >= 0.7);

    let halved =
        train(trainer.clone().until(Goal::custom(|checks| checks[checks.len() - 1].loss < 0.5 * checks[0].loss)));
    assert_eq!(halved.stop, Stop::Reached);

    // A metric that never becomes better.
    let patient = train(trainer.clone().metric(larger_is_better(|_| 1.0)).best_by(BestBy::Metric).patience(4));
    assert_eq!((patient.stop, patient.updates, patient.best.unwrap().update), (Stop::Patience, 25, 5));

    let late = train(trainer.clone().time_limit(1e-6));
    assert_eq!((late.stop, late.updates), (Stop::TimeUp, 1));

    let refused = |trainer: Trainer| trainer.train(&mut network(), &task()).unwrap_err().to_string();
    assert!(refused(trainer.clone().patience(0)).contains("`patience`"));
    assert!(refused(trainer.clone().time_limit(-1.0)).contains("`time_limit`"));
    assert!(refused(trainer.clone().until(Criterion::Error { at_most: f64::NAN })).contains("`until`"));
    let both = trainer.clone().until(Criterion::Error { at_most: 0.1 }).metric(|_: &Session| 1.0);
    assert!(refused(both).contains("`metric`"));
    let nowhere = Criterion::WorstCondition { columns: vec!["colour".into()], at_least: 0.7 };
    assert!(refused(trainer.clone().until(nowhere)).contains("colour"));
    let other = RandomDots::variable_duration().batch(10, Seed(1)).unwrap();
    assert!(refused(trainer.clone().validation(other)).contains("n_in"));
    let curriculum = Curriculum::new().stage(task(), 0.9);
    let error = trainer.train_curriculum(&mut network(), &curriculum).unwrap_err().to_string();
    assert!(error.contains("`validation`"), "{error}");
}

#[test]
fn patience_and_best_weights_begin_anew_in_each_stage_of_a_curriculum() {
    // The first stage is passed at its first check; in the second nothing is ever better than its first check.
    let curriculum =
        Curriculum::new().stage(task(), 0.0).stage(task(), 2.0).every(2).metric(larger_is_better(|_| 0.5)).trials(10);
    let trainer = trainer().updates(100).patience(3).best_by(BestBy::Metric);
    let training = trainer.train_curriculum(&mut network(), &curriculum).unwrap();
    assert_eq!((training.stop, training.updates), (Stop::Patience, 10));
    let best = training.best.unwrap();
    assert_eq!((best.stage, best.update), (1, 4));
    let stages: Vec<usize> = training.checks.iter().map(|check| check.stage).collect();
    assert_eq!(stages, [0, 1, 1, 1, 1]);
}

/// The outputs themselves: they fall for ever, since nothing holds them.
#[derive(Debug)]
struct Falling;
impl Loss for Falling {
    fn loss(&self, activity: &Activity, _: &Trials) -> Result<Tensor> {
        Ok(activity.outputs.f_square()?.f_mean(psychrnn::tch::Kind::Float)?.f_neg()?)
    }
}

#[test]
fn an_explosion_ends_training_with_weights_that_still_work() {
    let validation = task().batch(20, Seed(5)).unwrap();
    let mut exploding = network();
    let trainer = trainer()
        .loss(Falling)
        .clip(Clip::None)
        .optimizer(Sgd::default())
        .learning_rate(10.0)
        .updates(500)
        .check_every(1);
    let error = trainer.clone().validation(validation.clone()).train(&mut exploding, &task()).unwrap_err();
    let Error::Diverged { update, best, .. } = &error else { unreachable!("{error}") };
    let (update, best) = (*update, best.unwrap());
    assert!(update > 1 && best < update, "{error}");
    let message = error.to_string();
    assert!(message.contains(&format!("update {update}:")) && message.contains("Clip::Global"), "{message}");
    assert!(message.contains(&format!("from update {best}")), "{message}");
    // They are those from before the step that came out wrong: as many updates less one as could be done.
    let mut alone = network();
    if update > 2 {
        trainer.clone().updates(update - 2).train(&mut alone, &task()).unwrap();
    }
    assert_eq!(exploding.weights().unwrap(), alone.weights().unwrap());
    assert!(exploding.run(&validation).unwrap().outputs.iter().all(|z| z.is_finite()));
    // Training can go on, more carefully.
    trainer_without_checks().train(&mut exploding, &task()).unwrap();

    // One step from good weights to none: a rate beyond all numbers.
    let mut at_once = network();
    let before = at_once.weights().unwrap();
    let error = trainer.learning_rate(1e300).updates(2).train(&mut at_once, &task()).unwrap_err();
    assert!(matches!(error, Error::Diverged { update: 1, .. }), "{error}");
    assert_eq!(at_once.weights().unwrap(), before);
}
