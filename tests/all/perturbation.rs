//! Perturbed networks, against the equations step by step in double precision.

use ndarray::{Array2, Array3, Axis, aview1, s};
use proptest::prelude::*;
use psychrnn::dynamics::{CellOutput, Constants, LeakyForm, LeakyUnits, LstmUnits, standard_normal};
use psychrnn::prelude::*;
use psychrnn::simulate::{Units, Window};

use crate::reference::{self, Drive};

/// A network whose weights are easy to reach.
#[derive(Clone, Debug)]
pub(crate) struct Net {
    pub(crate) weights: Weights,
    pub(crate) constants: Constants,
}

/// The kinds of networks: leaky ones, of which the last are in the rate form, and LSTMs.
pub(crate) const KINDS: usize = 7;
pub(crate) const LEAKY: usize = 5;
const GATES: [&str; 4] = ["f", "i", "c", "o"];

pub(crate) fn net(kind: usize, (n_in, n_rec, n_out): (usize, usize, usize), seed: u64) -> Net {
    let mut rng = Seed(seed).stream(0);
    let mut random = |rows, columns, sd: f32| Array2::from_shape_simple_fn((rows, columns), || rng.normal(0.0, sd));
    let mut weights = Weights::new();
    weights.insert("W_out", random(n_out, n_rec, 0.5));
    weights.insert("b_out", random(1, n_out, 0.5).index_axis_move(Axis(0), 0));
    if kind < LEAKY {
        weights.insert("W_rec", random(n_rec, n_rec, 0.7 / (n_rec as f32).sqrt()));
        weights.insert("W_in", random(n_rec, n_in, 0.5));
        weights.insert("b_rec", random(1, n_rec, 0.3).index_axis_move(Axis(0), 0));
        weights.insert("init_state", random(1, n_rec, 0.5));
        let transfer = [Transfer::Relu, Transfer::Tanh, Transfer::Softplus][kind % 3].clone();
        let form = if kind < 3 { LeakyForm::Current } else { LeakyForm::Rate };
        let tau: Vec<f32> = (0..n_rec).map(|unit| 30.0 + 20.0 * unit as f32).collect();
        let leak = LeakyUnits::new(10.0, 100.0).form(form).tau(&tau).noise(0.1).transfer(transfer);
        return Net { weights, constants: leak.into() };
    }
    for gate in GATES {
        weights.insert(&format!("W_{gate}"), random(n_rec + n_in, n_rec, 0.5));
        weights.insert(&format!("b_{gate}"), random(1, n_rec, 0.3).index_axis_move(Axis(0), 0));
    }
    weights.insert("init_hidden", random(1, n_rec, 0.5));
    weights.insert("init_cell", random(1, n_rec, 0.5));
    let output = if kind == LEAKY { CellOutput::Tanh } else { CellOutput::Sigmoid };
    Net { weights, constants: LstmUnits::new(10.0).output(output).into() }
}

pub(crate) fn batch((n_in, n_out): (usize, usize), n_batch: usize, n_steps: usize, seed: u64) -> Batch {
    let mut rng = Seed(seed).stream(1);
    let inputs = Array3::from_shape_simple_fn((n_batch, n_steps, n_in), || rng.normal(0.0, 1.0));
    let zeros = Array3::zeros((n_batch, n_steps, n_out));
    let mut batch =
        Batch::from_arrays(&TaskSpec::new(n_in, n_out).dt(10.0), inputs, zeros.clone(), zeros + 1.0).unwrap();
    batch.seed = Seed(seed);
    batch
}

/// Whether a perturbation is there at the time of a step; step -1 is what is before the first.
fn is_there(window: &Window, step: i64) -> bool {
    let time = step as f64 * 10.0;
    match step {
        -1 => window.start.is_none_or(|start| start <= 0.0),
        _ => window.start.is_none_or(|start| start <= time) && window.end.is_none_or(|end| time < end),
    }
}

fn numbers(units: &Units, n: usize) -> Vec<usize> {
    match units {
        Units::All => (0..n).collect(),
        Units::Range(units) => units.clone().collect(),
        Units::These(units) => units.clone(),
    }
}

/// The factor on a synapse at a step.
fn factor(perturbations: &[Perturbation], step: i64, of: impl Fn(&Effect) -> Option<f64>) -> f64 {
    perturbations.iter().filter(|p| is_there(&p.window, step)).filter_map(|p| of(&p.effect)).product()
}

/// Rates and outputs of one trial, `[n_steps, n_rec]` and `[n_steps, n_out]`.
fn step_by_step(net: &Net, perturbations: &[Perturbation], batch: &Batch, trial: usize) -> (Array2<f64>, Array2<f64>) {
    let weights = reference::in_double(&net.weights);
    let (n_out, n_rec) = net.weights.matrix("W_out").unwrap().dim();
    let (n_steps, n_in) = (batch.n_steps(), batch.spec.n_in);
    let inputs = batch.inputs.index_axis(Axis(0), trial).mapv(f64::from);
    let normal =
        |seed: Seed| standard_normal(seed, &batch.numbers, n_steps, n_rec).index_axis(Axis(0), trial).mapv(f64::from);
    let own_noise = normal(batch.seed);
    let hold = |rates: &mut Vec<f64>, step: i64| {
        for p in perturbations.iter().filter(|p| is_there(&p.window, step)) {
            if let Effect::Clamp { units, rate } = &p.effect {
                numbers(units, n_rec).into_iter().for_each(|unit| rates[unit] = f64::from(*rate));
            }
        }
    };
    let recurrent = |step, from: usize, to: usize| {
        factor(perturbations, step, |effect| match effect {
            Effect::Recurrent { from: a, to: b, factor }
                if numbers(a, n_rec).contains(&from) && numbers(b, n_rec).contains(&to) =>
            {
                Some(f64::from(*factor))
            }
            _ => None,
        })
    };
    let input = |step, channel: usize, to: usize| {
        factor(perturbations, step, |effect| match effect {
            Effect::Input { channels, to: b, factor }
                if numbers(channels, n_in).contains(&channel) && numbers(b, n_rec).contains(&to) =>
            {
                Some(f64::from(*factor))
            }
            _ => None,
        })
    };
    let output = |step, from: usize, channel: usize| {
        factor(perturbations, step, |effect| match effect {
            Effect::Output { from: a, channels, factor }
                if numbers(a, n_rec).contains(&from) && numbers(channels, n_out).contains(&channel) =>
            {
                Some(f64::from(*factor))
            }
            _ => None,
        })
    };
    let current = |step: i64, unit: usize| -> f64 {
        let there = perturbations.iter().filter(|p| is_there(&p.window, step));
        there
            .map(|p| match &p.effect {
                Effect::Stimulate { units, current } if numbers(units, n_rec).contains(&unit) => f64::from(*current),
                _ => 0.0,
            })
            .sum()
    };
    let perturbed = |step: i64| {
        let mut weights = weights.clone();
        for (name, array) in weights.iter_mut().filter(|(_, array)| array.ndim() == 2) {
            for (index, weight) in array.indexed_iter_mut() {
                *weight *= match (name.as_str(), index[0], index[1]) {
                    ("W_rec", to, from) => recurrent(step, from, to),
                    ("W_in", to, channel) => input(step, channel, to),
                    ("W_out", channel, from) => output(step, from, channel),
                    (initial, ..) if initial.starts_with("init_") => 1.0,
                    // A gate.
                    (_, from, to) if from < n_rec => recurrent(step, from, to),
                    (_, row, to) => input(step, row - n_rec, to),
                };
            }
        }
        weights
    };
    let mut all_rates = Array2::zeros((n_steps, n_rec));
    let mut all_outputs = Array2::zeros((n_steps, n_out));
    let mut carried = reference::start(&weights, trial);
    let mut rates = reference::shown(&net.constants, &carried[0]);
    hold(&mut rates, -1);
    for step in 0..n_steps {
        let at = step as i64;
        let (weights, current) = (perturbed(at), (0..n_rec).map(|unit| current(at, unit)).collect::<Vec<_>>());
        let drive = Drive { sent: &rates, inputs: inputs.row(step), current: &current, noise: own_noise.row(step) };
        reference::step(&weights, &net.constants, &mut carried, &drive);
        rates = reference::shown(&net.constants, &carried[0]);
        hold(&mut rates, at);
        let outputs = reference::outputs(&weights, net.constants.readout(), &rates);
        all_outputs.row_mut(step).assign(&aview1(&outputs));
        all_rates.row_mut(step).assign(&aview1(&rates));
    }
    (all_rates, all_outputs)
}

fn units(n: usize) -> impl Strategy<Value = Units> {
    prop_oneof![Just(Units::All), (0..n).prop_map(Units::from), prop::collection::vec(0..n, 1..3).prop_map(Units::from)]
}

fn window(n_steps: usize) -> impl Strategy<Value = Window> {
    let step = 0..n_steps as i64;
    let within = (step, 1..=n_steps as i64, -9..=0_i64)
        .prop_map(|(first, length, early)| Window::from((10 * first + early) as f64..(10 * (first + length)) as f64));
    prop_oneof![Just(Window::from(..)), within]
}

fn perturbation((n_in, n_rec, n_out): (usize, usize, usize), n_steps: usize) -> impl Strategy<Value = Perturbation> {
    let number = || -1.5..1.5_f32;
    let effect = prop_oneof![
        (units(n_rec), number()).prop_map(|(units, rate)| Effect::Clamp { units, rate }),
        units(n_rec).prop_map(|units| Effect::Clamp { units, rate: 0.0 }),
        (units(n_rec), number()).prop_map(|(units, current)| Effect::Stimulate { units, current }),
        (units(n_rec), units(n_rec), number()).prop_map(|(from, to, factor)| Effect::Recurrent { from, to, factor }),
        (units(n_in), units(n_rec), number()).prop_map(|(channels, to, factor)| Effect::Input { channels, to, factor }),
        (units(n_rec), units(n_out), number()).prop_map(|(from, channels, factor)| Effect::Output {
            from,
            channels,
            factor
        }),
    ];
    (effect, window(n_steps)).prop_map(|(effect, window)| Perturbation { effect, window })
}

type Case = (usize, (usize, usize, usize), usize, usize, u64, Vec<Perturbation>);

fn case() -> impl Strategy<Value = Case> {
    (0..KINDS, (1..4_usize, 1..8_usize, 1..4_usize), 1..40_usize, 1..40_usize, 0..1000_u64).prop_flat_map(
        |(kind, sizes, n_batch, n_steps, seed)| {
            let perturbations = prop::collection::vec(perturbation(sizes, n_steps), 1..5);
            (Just(kind), Just(sizes), Just(n_batch), Just(n_steps), Just(seed), perturbations)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn perturbations_do_what_the_equations_say((kind, sizes, n_batch, n_steps, seed, perturbations) in case()) {
        let net = net(kind, sizes, seed);
        let batch = batch((sizes.0, sizes.2), n_batch, n_steps, seed);
        let simulator = Simulator::new(&net.weights, net.constants.clone()).unwrap();
        let session = perturbations.iter().cloned().fold(simulator, Simulator::perturb).run(&batch).unwrap();
        for trial in [0, n_batch - 1] {
            let (rates, outputs) = step_by_step(&net, &perturbations, &batch, trial);
            for (name, found, expected) in [("rates", &session.rates, rates), ("outputs", &session.outputs, outputs)] {
                for ((step, unit), &expected) in expected.indexed_iter() {
                    let found = f64::from(found[[trial, step, unit]]);
                    let close = (found - expected).abs() <= 2e-4 * expected.abs().max(1.0);
                    prop_assert!(close, "{name} of {unit} at step {step}: {found}, not {expected}");
                }
            }
        }
    }
}

/// A window that may go by the epoch `on`, and that of a trial in which it lasts from `start` to `end`.
fn relative(kind: usize, start: f64, end: f64) -> (Window, Window) {
    match kind {
        0 => ((..).into(), (..).into()),
        1 => ((30.0..95.0).into(), (30.0..95.0).into()),
        2 => (Window::after("on", 0.0..50.0), (start..start + 50.0).into()),
        3 => (Window::after("on", -25.0..), (start - 25.0..).into()),
        4 => (Window::after("on", ..12.0), (..start + 12.0).into()),
        _ => (Window::during("on"), (start..end).into()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Whatever the effects, and whichever trials run together: each trial is as it is alone in the window that is its own, and one
    /// without the epoch as it is without the perturbation.
    #[test]
    fn a_window_goes_by_the_epoch_of_each_trial(
        (kind, sizes, n_batch, n_steps, seed, perturbations) in case(),
        kinds in prop::collection::vec(0..6_usize, 4),
        times in prop::collection::vec((0..40_u16, 1..20_u16, 0..5_u16, any::<bool>()), 40),
        noise in any::<bool>(),
    ) {
        let net = net(kind, sizes, seed);
        let mut batch = batch((sizes.0, sizes.2), n_batch, n_steps, seed);
        // Some start between two steps, some with the trial, some trials have none.
        let on: Vec<Option<(f32, f32)>> = times[..n_batch]
            .iter()
            .map(|&(start, length, kind, off)| {
                let start = f32::from(start) * 10.0 + if off { 3.5 } else { 0.0 };
                (kind > 0).then(|| if kind == 1 { (0.0, 40.0) } else { (start, start + 10.0 * f32::from(length)) })
            })
            .collect();
        for (epochs, on) in batch.epochs.iter_mut().zip(&on) {
            *epochs = on.map_or(Epochs::new(), |(start, end)| Epochs::new().span("on", start, end));
        }
        let simulator = Simulator::new(&net.weights, net.constants.clone()).unwrap().initial_noise(0.1);
        let mut effects: Vec<Effect> = perturbations.into_iter().map(|perturbation| perturbation.effect).collect();
        if noise {
            effects[0] = Effect::Noise { units: (..).into(), sd: 0.2 };
        }
        let add = |simulator: Simulator, windows: Vec<Option<Window>>| {
            effects.iter().zip(windows).fold(simulator, |simulator, (effect, window)| match window {
                Some(window) => simulator.perturb(Perturbation::new(effect.clone(), window)),
                // It has a number of its own, by which noise is drawn, and a current its channel: a sum in another order may end otherwise.
                None => match effect {
                    Effect::Stimulate { units, .. } | Effect::Noise { units, .. } => {
                        simulator.stimulate(units.clone(), 0.0, ..)
                    }
                    _ => simulator.scale_recurrent(.., .., 1.0, ..),
                },
            })
        };
        let windows = kinds.iter().map(|&kind| Some(relative(kind, 0.0, 0.0).0)).collect();
        let run = add(simulator.clone(), windows).run(&batch);
        // The steps within the trial of each window in each trial.
        let within = |kind: usize, trial: usize| {
            let window = match on[trial] {
                Some((start, end)) => relative(kind, start.into(), end.into()).1,
                None if kind < 2 => relative(kind, 0.0, 0.0).1,
                None => return None,
            };
            let any = (0..n_steps as i64).any(|step| is_there(&window, step));
            any.then_some(window)
        };
        let used = &kinds[..effects.len()];
        if used.iter().any(|&kind| (0..n_batch).all(|trial| within(kind, trial).is_none())) {
            prop_assert!(run.is_err());
            return Ok(());
        }
        let run = run.unwrap();
        for trial in (0..n_batch).step_by(4) {
            let windows = used.iter().map(|&kind| within(kind, trial)).collect();
            let alone = add(simulator.clone(), windows).run(&batch.select(&[trial])).unwrap();
            let here = run.select(&[trial]);
            prop_assert_eq!(&here.states, &alone.states, "trial {}", trial);
            prop_assert_eq!(&here.outputs, &alone.outputs, "trial {}", trial);
            prop_assert_eq!(&here.rates, &alone.rates, "trial {}", trial);
        }
    }
}

#[test]
fn windows_that_go_by_an_epoch_are_those_of_the_trial_where_all_start_at_once() {
    for kind in 0..KINDS {
        let net = net(kind, (2, 7, 2), 3);
        let mut batch = batch((2, 2), 9, 45, 3);
        batch.epochs = vec![Epochs::new().then("off", 200.0).then("on", 150.0); 9];
        let simulator = || Simulator::new(&net.weights, net.constants.clone()).unwrap();
        for (relative, window) in [
            (Window::during("on"), Window::from(200.0..350.0)),
            (Window::during("off"), Window::from(..200.0)),
            (Window::after("on", -50.0..100.0), Window::from(150.0..300.0)),
            (Window::after("on", 50.0..), Window::from(250.0..)),
        ] {
            let perturbed = |window: &Window| {
                let simulator = simulator().silence(0..2, window.clone()).stimulate(3, 0.4, window.clone());
                let simulator =
                    simulator.scale_recurrent(.., .., 0.5, window.clone()).scale_input(.., .., 0.2, window.clone());
                let simulator = simulator.scale_output(1, .., 0.0, window.clone()).add_noise(.., 0.1, window.clone());
                simulator.run(&batch).unwrap()
            };
            assert_eq!(perturbed(&relative), perturbed(&window), "{relative}");
            let json = serde_json::to_string(&relative).unwrap();
            assert_eq!(serde_json::from_str::<Window>(&json).unwrap(), relative);
        }
        assert_eq!(serde_json::to_string(&Window::from(5.0..)).unwrap(), r#"{"start":5.0,"end":null}"#);

        // In trials without the epoch nothing happens, and one that no trial has is an error.
        batch.epochs[5] = Epochs::new();
        let run = |window: Window| simulator().silence(.., window).run(&batch);
        let (plain, silenced) = (simulator().run(&batch).unwrap(), run(Window::during("on")).unwrap());
        assert_eq!(silenced.select(&[5]), plain.select(&[5]));
        assert_ne!(silenced.select(&[6]).outputs, plain.select(&[6]).outputs);
        for (window, words) in [
            (Window::during("onn"), "one of off, on"),
            (Window::after("on", 600.0..900.0), "600..900 ms after the start of \"on\""),
            (Window::after("on", Window::during("off")), "`window`"),
        ] {
            let error = run(window).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        let error = simulator().silence(0, Window::during("on")).run_consecutively(&batch).unwrap_err().to_string();
        assert!(error.contains("during \"on\""), "{error}");
    }
}

#[test]
fn what_has_no_effect_changes_no_bit() {
    for kind in 0..KINDS {
        let net = net(kind, (2, 7, 2), 3);
        let batch = batch((2, 2), 37, 75, 3);
        let simulator = Simulator::new(&net.weights, net.constants.clone()).unwrap();
        let plain = simulator.run(&batch).unwrap();
        let cut = simulator
            .clone()
            .scale_recurrent(.., .., 1.0, 30.0..470.0)
            .scale_input(0, 1..3, 1.0, 100.0..110.0)
            .scale_output(.., .., 1.0, 555.0..)
            .scale_recurrent(2, 3, 1.0, ..650.0);
        assert_eq!(cut.run(&batch).unwrap(), plain, "{kind}");
        // A lesion acts from the start of its window on, and not before.
        let lesioned = simulator.silence([1, 4], 300.0..500.0).run(&batch).unwrap();
        let steps = |session: &Session, from: usize, to: usize| session.states.slice(s![.., from..to, ..]).to_owned();
        assert_eq!(steps(&lesioned, 0, 31), steps(&plain, 0, 31), "{kind}");
        assert_ne!(steps(&lesioned, 31, 32), steps(&plain, 31, 32), "{kind}");
        assert!(lesioned.rates.slice(s![.., 30..50, 4]).iter().all(|&rate| rate == 0.0));
        assert!(lesioned.rates.slice(s![.., 50.., 4]).iter().any(|&rate| rate != 0.0));
    }
}

#[test]
fn added_noise_has_the_variance_of_its_equation() {
    // Units that nothing drives: x[t] = (1 - α) x[t-1] + √(2α) sd n[t], of variance 2 sd² / (2 - α) in the long run.
    let mut weights = net(0, (1, 3, 1), 1).weights;
    for name in ["W_rec", "W_in", "init_state"] {
        weights.insert(name, weights.matrix(name).unwrap() * 0.0);
    }
    weights.insert("b_rec", ndarray::arr1(&[0.0_f32; 3]));
    let simulator = Simulator::new(&weights, LeakyUnits::new(10.0, 50.0).transfer(Transfer::Linear)).unwrap();
    let batch = batch((1, 1), 3000, 60, 5);
    let session = simulator.clone().add_noise([0, 2], 0.3, 100.0..500.0).run(&batch).unwrap();
    let at = |step: usize, unit: usize| session.states.slice(s![.., step, unit]).mapv(f64::from);
    assert!(at(9, 0).iter().chain(&at(59, 1)).all(|&x| x == 0.0));
    let expected = 2.0 * 0.3_f64.powi(2) / (2.0 - 0.2);
    for unit in [0, 2] {
        let variance = at(49, unit).mapv(|x| x * x).mean().unwrap();
        assert!((variance / expected - 1.0).abs() < 0.1, "{variance}, not {expected}");
        // After the window it decays.
        let after = at(59, unit).mapv(|x| x * x).mean().unwrap();
        assert!((after / (variance * 0.8_f64.powi(20)) - 1.0).abs() < 1e-3, "{after}");
    }
    assert!((&at(49, 0) * &at(49, 2)).mean().unwrap().abs() < 0.05 * expected);
    // Noise of two perturbations is not the same noise.
    let twice = simulator.add_noise(0, 0.3, ..).add_noise(0, 0.3, ..).run(&batch).unwrap();
    let variance = twice.states.slice(s![.., 59, 0]).mapv(|x| f64::from(x * x)).mean().unwrap();
    assert!((variance / (2.0 * expected) - 1.0).abs() < 0.1, "{variance}");
}

#[test]
fn mistakes_are_named() {
    let net = net(0, (2, 5, 2), 1);
    let simulator = || Simulator::new(&net.weights, net.constants.clone()).unwrap();
    let batch = batch((2, 2), 3, 20, 1);
    for (wrong, name) in [
        (simulator().silence(5, ..), "`units`"),
        (simulator().silence(2..2, ..), "`units`"),
        (simulator().silence(0..usize::MAX, ..), "`units`"),
        (simulator().silence(usize::MAX - 1..usize::MAX, ..), "`units`"),
        (simulator().silence(0, 200.0..300.0), "`window`"),
        (simulator().silence(0, 101.0..109.0), "`window`"),
        (simulator().silence(0, f64::NAN..), "`window`"),
        (simulator().clamp(0, f32::NAN, ..), "`rate`"),
        (simulator().stimulate(0, f32::INFINITY, ..), "`current`"),
        (simulator().add_noise(0, -1.0, ..), "`sd`"),
        (simulator().scale_recurrent(0..6, .., 0.0, ..), "`from`"),
        (simulator().scale_input(2, .., 0.0, ..), "`channels`"),
        (simulator().scale_output(.., 2, 0.0, ..), "`channels`"),
    ] {
        let error = wrong.run(&batch).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}
