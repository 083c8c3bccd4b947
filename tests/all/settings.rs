//! Settings of training: none is accepted and then without effect.

use psychrnn::network::{Activity, Parameters, Sizes, Tensors, Trials};
use psychrnn::prelude::*;
use psychrnn::train::Backend;

fn task() -> PerceptualDiscrimination {
    PerceptualDiscrimination::default().dt(20.0).duration(400.0).coherences(&[0.5])
}

fn network(config: RnnConfig) -> Rnn {
    Rnn::new(&task(), config.units(6).seed(1)).unwrap()
}

fn trainer() -> Trainer {
    Trainer::default().updates(4).batch_size(8).seed(1).silent()
}

fn train(trainer: &Trainer) -> Training {
    trainer.train(&mut network(RnnConfig::default()), &task()).unwrap()
}

/// Why training is refused before its first update.
fn refused(trainer: Trainer, network: &mut dyn Network) -> String {
    let error = trainer.train(network, &task()).unwrap_err().to_string();
    assert_eq!(network.parameters().memory.total, 0, "{error}");
    error
}

#[test]
fn whoever_asks_anything_of_the_checks_has_some() {
    let metric = larger_is_better(|session| session.rms_error());
    assert!(train(&trainer()).checks.is_empty());
    let often = trainer().check_every(2);
    assert_eq!(train(&often).checks.iter().map(|check| check.update).collect::<Vec<_>>(), [2, 4]);
    let ten = trainer().updates(10);
    assert_eq!(train(&ten).checks.len(), 0);
    for asked in [
        ten.clone().check_every(10),
        ten.clone().check_trials(20),
        ten.clone().metric(|session: &Session| session.rms_error()),
        ten.clone().best_by(BestBy::Metric).metric(metric),
        ten.clone().best_by(BestBy::Metric),
    ] {
        assert_eq!(train(&asked).checks.len(), 1);
        // Weights and losses do not depend on them.
        assert_eq!(train(&asked).losses, train(&ten).losses);
    }
}

#[test]
fn what_is_usual_in_a_file_is_not_asked_for() {
    let read = |trainer: &Trainer| -> Trainer {
        let mut settings = serde_json::to_value(trainer).unwrap();
        ["loss", "regularizers", "validation"]
            .iter()
            .for_each(|key| drop(settings.as_object_mut().unwrap().remove(*key)));
        serde_json::from_value(settings).unwrap()
    };
    assert!(train(&read(&trainer().updates(10))).checks.is_empty());
    assert_eq!(train(&read(&trainer().check_every(2))).checks.len(), 2);
    let stages = Curriculum::new().stage(task(), 0.0);
    read(&trainer()).train_curriculum(&mut network(RnnConfig::default()), &stages).unwrap();
    read(&trainer()).backend(Backend::Libtorch).train(&mut network(RnnConfig::default()), &task()).unwrap();
}

#[test]
fn a_number_of_fresh_trials_is_refused_beside_validation_trials() {
    let validation = task().batch(10, Seed(2)).unwrap();
    let error = refused(trainer().validation(validation).check_trials(20), &mut network(RnnConfig::default()));
    assert!(error.contains("`check_trials`") && error.contains("validation"), "{error}");
}

#[test]
fn a_penalty_on_weights_that_stay_as_they_are_is_refused() {
    let frozen = || network(RnnConfig::default().freeze("W_in"));
    for penalized in
        [trainer().regularizer(L2Weights::new("W_in", 0.1)), trainer().regularizer(L1Weights::new("W_in", 0.1))]
    {
        for backend in [Backend::Kernel, Backend::Libtorch] {
            let error = refused(penalized.clone().backend(backend), &mut frozen());
            assert!(error.contains("`regularizer`") && error.contains("W_in"), "{error}");
            penalized.clone().backend(backend).train(&mut network(RnnConfig::default()), &task()).unwrap();
        }
    }
    let error = refused(trainer().regularizer(L1Weights::new("W_inn", 0.1)), &mut frozen());
    assert!(error.contains("`W_inn`"), "{error}");
}

#[test]
fn the_limit_on_what_the_kernel_keeps_is_refused_where_libtorch_computes() {
    let error = refused(trainer().backend(Backend::Libtorch).memory(100), &mut network(RnnConfig::default()));
    assert!(error.contains("`memory`") && error.contains("libtorch"), "{error}");
    let mut own = Weighted(Parameters::new());
    own.0.insert("W_out", &ndarray::Array2::<f32>::ones((2, 2))).unwrap();
    assert!(refused(trainer().memory(100), &mut own).contains("`memory`"));
    trainer().train(&mut own, &task()).unwrap();
}

/// A network of which the kernel does not know the equation.
struct Weighted(Parameters);
impl Network for Weighted {
    fn sizes(&self) -> Sizes {
        Sizes { n_in: 2, n_rec: 2, n_out: 2, dt: 20.0 }
    }
    fn parameters(&self) -> &Parameters {
        &self.0
    }
    fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.0
    }
    fn forward(&self, weights: &Tensors, trials: &Trials) -> psychrnn::Result<Activity> {
        let outputs = trials.inputs.f_matmul(weights.get("W_out")?)?;
        let states = || trials.inputs.shallow_clone();
        Ok(Activity { states: states(), rates: states(), outputs })
    }
}

#[test]
fn nesterovs_momentum_needs_one() {
    let optimizer = Sgd { nesterov: true, ..Sgd::default() };
    let error = refused(trainer().optimizer(optimizer), &mut network(RnnConfig::default()));
    assert!(error.contains("`momentum`"), "{error}");
}

#[test]
fn threads_of_a_trainer_are_refused_in_an_ensemble() {
    let mut ensemble = Ensemble::new().silent();
    ensemble.add("a", network(RnnConfig::default()), trainer(), task());
    ensemble.add("b", network(RnnConfig::default()), trainer().threads(2), task());
    let error = ensemble.train().unwrap_err().to_string();
    assert!(error.contains("`threads`") && error.contains("ensemble"), "{error}");
}
