//! Our optimizers against libtorch's, on a network that a user defines.

use ndarray::{Array1, Array3, ArrayD};
use psychrnn::network::{Activity, Parameters, Sizes, Tensors, Trials};
use psychrnn::prelude::*;
use psychrnn::tch::nn::{self, OptimizerConfig};
use psychrnn::tch::{Device, Kind, Tensor};
use psychrnn::train::Optimizer;

const N: usize = 4;

/// Outputs `w · input`, one weight a channel.
struct Gains {
    parameters: Parameters,
}

fn start() -> Array1<f32> {
    Array1::from(vec![1.0, -2.0, 0.5, 3.0])
}

impl Gains {
    fn new() -> Result<Self> {
        let mut parameters = Parameters::new();
        parameters.insert("w", &start())?;
        Ok(Self { parameters })
    }
}

impl Network for Gains {
    fn sizes(&self) -> Sizes {
        Sizes { n_in: N, n_rec: N, n_out: N, dt: 10.0 }
    }
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }
    fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }
    fn forward(&self, weights: &Tensors, trials: &Trials) -> Result<Activity> {
        let outputs = trials.inputs.f_mul(weights.get("w")?)?;
        Ok(Activity { states: outputs.shallow_clone(), rates: outputs.shallow_clone(), outputs })
    }
}

fn batch() -> Batch {
    let inputs = Array3::from_shape_fn((3, 5, N), |(b, t, i)| ((b + 2 * t + 3 * i) as f32 * 0.7).sin());
    let targets = Array3::from_shape_fn((3, 5, N), |(b, t, i)| ((2 * b + t + i) as f32 * 0.3).cos());
    Batch::from_arrays(&TaskSpec::new(N, N).duration(50.0), inputs, targets, Array3::ones((3, 5, N))).unwrap()
}

/// The weights after each of some updates by our optimizer, and by libtorch's.
fn both(ours: impl Into<Optimizer>, theirs: impl OptimizerConfig) -> (Vec<f32>, Vec<f32>) {
    let (batch, rate) = (batch(), 0.05);
    let mut network = Gains::new().unwrap();
    let trainer =
        Trainer::default().updates(1).batch_size(3).learning_rate(rate).optimizer(ours).clip(Clip::None).silent();
    let store = nn::VarStore::new(Device::Cpu);
    let w = store.root().var_copy("w", &Tensor::try_from(&start()).unwrap());
    let mut optimizer = theirs.build(&store, rate).unwrap();
    let tensor = |array: &Array3<f32>| Tensor::try_from(array).unwrap();
    let (inputs, targets) = (tensor(&batch.inputs), tensor(&batch.targets));
    let (mut a, mut b): (Vec<f32>, Vec<f32>) = (Vec::new(), Vec::new());
    for _ in 0..25 {
        trainer.train(&mut network, &batch).unwrap();
        a.extend(network.weights().unwrap().vector("w").unwrap());
        optimizer.backward_step(&(&inputs * &w - &targets).square().mean(Kind::Float));
        b.extend(Vec::<f32>::try_from(w.detach()).unwrap());
    }
    (a, b)
}

#[test]
fn each_optimizer_is_libtorchs() {
    let nesterov = nn::Sgd { momentum: 0.8, nesterov: true, ..nn::Sgd::default() };
    let cases = [
        ("adam", both(Adam::default(), nn::Adam::default())),
        (
            "adam, other moments",
            both(
                Adam { beta1: 0.5, beta2: 0.9, ..Adam::default() },
                nn::Adam { beta1: 0.5, beta2: 0.9, ..nn::Adam::default() },
            ),
        ),
        (
            "adam with weight decay",
            both(AdamW { decay: 0.1, ..AdamW::default() }, nn::AdamW { wd: 0.1, ..nn::AdamW::default() }),
        ),
        ("gradient descent", both(Sgd::default(), nn::Sgd::default())),
        ("momentum", both(Sgd { momentum: 0.9, nesterov: false }, nn::Sgd { momentum: 0.9, ..nn::Sgd::default() })),
        ("Nesterov's momentum", both(Sgd { momentum: 0.8, nesterov: true }, nesterov)),
        ("RMSprop", both(RmsProp::default(), nn::RmsProp::default())),
        (
            "RMSprop with momentum",
            both(
                RmsProp { momentum: 0.7, ..RmsProp::default() },
                nn::RmsProp { momentum: 0.7, ..nn::RmsProp::default() },
            ),
        ),
    ];
    for (name, (ours, theirs)) in cases {
        for (i, (a, b)) in ours.iter().zip(&theirs).enumerate() {
            assert!((a - b).abs() < 2e-5 * b.abs().max(1.0), "{name}, number {i}: {a} against {b}");
        }
    }
}

#[test]
fn training_again_goes_on_where_it_was() {
    let task = PerceptualDiscrimination::default().duration(300.0);
    let train = |optimizer: Optimizer, lengths: &[usize]| {
        let mut network = Rnn::new(&task, RnnConfig::default().units(8).noise(0.1).seed(3)).unwrap();
        let mut losses = Vec::new();
        for &updates in lengths {
            let schedule = Schedule::Cosine { updates: 12, floor: 0.1 };
            let trainer = Trainer::default().updates(updates).batch_size(10).optimizer(optimizer).schedule(schedule);
            losses.extend(trainer.silent().train(&mut network, &task).unwrap().losses);
        }
        (losses, network.weights().unwrap())
    };
    let all: [Optimizer; 4] = [
        Adam::default().into(),
        AdamW::default().into(),
        Sgd { momentum: 0.9, nesterov: false }.into(),
        RmsProp { momentum: 0.5, ..RmsProp::default() }.into(),
    ];
    for optimizer in all {
        assert_eq!(train(optimizer, &[12]), train(optimizer, &[5, 1, 6]), "{optimizer:?}");
    }
}

#[test]
fn schedules_follow_their_formulas() {
    let factors = |schedule: Schedule| [0, 1, 5, 10, 20].map(|updates| schedule.factor(updates).unwrap());
    assert_eq!(factors(Schedule::Constant), [1.0; 5]);
    assert_eq!(factors(Schedule::Steps { every: 5, factor: 0.5 }), [1.0, 1.0, 0.5, 0.25, 0.0625]);
    assert_eq!(factors(Schedule::custom(|updates| updates as f64)), [0.0, 1.0, 5.0, 10.0, 20.0]);
    let cosine = factors(Schedule::Cosine { updates: 10, floor: 0.2 });
    for (factor, expected) in
        cosine.iter().zip([1.0, 0.2 + 0.4 * (1.0 + (0.1 * std::f64::consts::PI).cos()), 0.6, 0.2, 0.2])
    {
        assert!((factor - expected).abs() < 1e-12);
    }
}

#[test]
fn gradients_are_clipped_as_the_choice_says() {
    // One step of plain descent moves each parameter by the rate times its clipped gradient.
    let task = PerceptualDiscrimination::default().duration(300.0);
    let names = ["W_in", "W_rec", "W_out", "b_rec", "b_out", "init_state"];
    let moves = |clip| {
        let mut network = Rnn::new(&task, RnnConfig::default().units(8).seed(1)).unwrap();
        let before = network.weights().unwrap();
        let pull = |activity: &Activity, _: &Trials| Ok((&activity.outputs - 100.0).square().mean(Kind::Float));
        let trainer =
            Trainer::default().updates(1).batch_size(4).optimizer(Sgd::default()).learning_rate(1.0).loss(pull);
        trainer.clip(clip).silent().train(&mut network, &task).unwrap();
        let after = network.weights().unwrap();
        names.map(|name| after.array(name).unwrap() - before.array(name).unwrap())
    };
    let norms =
        |moves: [ArrayD<f32>; 6]| moves.map(|moved| moved.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt());
    let unclipped = moves(Clip::None);
    let free = norms(unclipped.clone());
    assert!(free.iter().all(|norm| *norm > 1.0), "{free:?}");
    for norm in norms(moves(Clip::PerParameter(0.5))) {
        assert!((norm - 0.5).abs() < 1e-4, "{norm}");
    }
    let all = |norms: [f64; 6]| norms.iter().map(|norm| norm * norm).sum::<f64>().sqrt();
    let global = norms(moves(Clip::Global(0.5)));
    assert!((all(global) - 0.5).abs() < 1e-4);
    for (clipped, norm) in global.iter().zip(free) {
        assert!((clipped / norm - 0.5 / all(free)).abs() < 1e-3 * clipped / norm);
    }
    let mut reached = 0;
    for (clipped, free) in moves(Clip::Value(0.5)).iter().flatten().zip(unclipped.iter().flatten()) {
        assert!((clipped - free.clamp(-0.5, 0.5)).abs() < 1e-4, "{clipped} of {free}");
        reached += usize::from(free.abs() > 0.5);
    }
    assert!(reached > 10);
}
