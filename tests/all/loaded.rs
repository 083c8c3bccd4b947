//! Networks from weights that were loaded: what a configuration leaves open comes with them.

use ndarray::{Array2, Axis, arr1};
use psychrnn::dynamics::{LeakyForm, LeakyUnits};
use psychrnn::network::{Activity, Constraints, Parameters, Sizes, Tensors, Trials};
use psychrnn::prelude::*;
use psychrnn::tch::Tensor;

use crate::numbers::data;

fn task() -> PerceptualDiscrimination {
    PerceptualDiscrimination::default().duration(200.0)
}

/// The weights as they are after they went through a file.
fn through_file(weights: &Weights) -> Weights {
    let folder = tempfile::tempdir().unwrap();
    weights.save(folder.path().join("weights.npz")).unwrap();
    Weights::load(folder.path().join("weights.npz")).unwrap()
}

fn train(network: &mut dyn Network) {
    Trainer::default().learning_rate(0.05).updates(5).batch_size(8).silent().train(network, &task()).unwrap();
}

/// An error, in words.
fn words<T>(result: Result<T>) -> String {
    result.err().unwrap().to_string()
}

#[test]
fn what_is_left_open_is_as_it_was_saved_and_holds_after_training() {
    let mask = Array2::from_shape_fn((20, 20), |(to, from)| f32::from(u8::from((to + 2 * from) % 3 != 0)));
    let factors = Array2::from_shape_fn((20, 2), |(unit, _)| if unit < 10 { 1.0 } else { 0.25 });
    let config = RnnConfig::default()
        .units(20)
        .transfer(Transfer::Tanh)
        .noise(0.05)
        .tau(&[40.0])
        .dale_ratio(0.8)
        .dale(Dale::Rectified)
        .inhibitory_outputs(true)
        .autapses(false)
        .recurrent_connectivity(mask.clone())
        .input_connectivity(factors)
        .freeze_entries("b_out", arr1(&[1.0, 0.0]))
        .seed(3);
    let saved = Rnn::new(&task(), config).unwrap();
    let weights = through_file(&saved.weights().unwrap());
    let mut network = Rnn::with_weights(&task(), RnnConfig::default(), &weights).unwrap();
    assert_eq!(network.config(), saved.config());
    assert_eq!(network.constants(), saved.constants());
    let before = network.weights().unwrap();
    assert_eq!(before.matrix("W_rec").unwrap(), saved.weights().unwrap().matrix("W_rec").unwrap());
    train(&mut network);
    let after = network.weights().unwrap();
    assert_ne!(after.matrix("W_rec").unwrap(), before.matrix("W_rec").unwrap());
    assert_eq!(after.vector("b_out").unwrap()[0], before.vector("b_out").unwrap()[0]);
    for ((to, from), &weight) in after.matrix("W_rec").unwrap().indexed_iter() {
        let exists = mask[[to, from]] == 1.0 && to != from;
        assert!(if exists { if from < 16 { weight >= 0.0 } else { weight <= 0.0 } } else { weight == 0.0 });
    }
    assert!(after.matrix("W_in").unwrap().iter().all(|&weight| weight >= 0.0));
    // And once more: a curriculum of loads.
    let again = Rnn::with_weights(&task(), RnnConfig::default(), &through_file(&after)).unwrap();
    assert_eq!(again.config(), saved.config());
    // What is set is not overridden; what contradicts the weights is refused.
    let noisy = Rnn::with_weights(&task(), RnnConfig::default().noise(0.0), &weights).unwrap();
    assert_eq!(noisy.config().noise, 0.0);
    let refused = [
        (RnnConfig::default().units(50), "units"),
        (RnnConfig::default().transfer(Transfer::Relu), "transfer"),
        (RnnConfig::default().dale_ratio(0.4), "Dale"),
        (RnnConfig::default().signs(&[1.0; 20]), "Dale"),
    ];
    for (config, word) in refused {
        let error = words(Rnn::with_weights(&task(), config, &weights));
        assert!(error.contains(word), "{error}");
    }
    let free = Rnn::with_weights(&task(), RnnConfig::default(), &weights.clone().unconstrained()).unwrap();
    assert_eq!(free.config().constraints, Constraints::default());
    assert_eq!(free.config().transfer, Transfer::Tanh);
    let mut edited = weights.clone();
    edited.insert("rec_connectivity", Array2::<f32>::ones((20, 20)));
    assert!(words(Rnn::with_weights(&task(), RnnConfig::default(), &edited)).contains("rec_connectivity"));
    edited = weights;
    edited.set_dale_ratio(None);
    assert!(words(Rnn::with_weights(&task(), RnnConfig::default(), &edited)).contains("dale_ratio"));
}

#[test]
fn a_file_of_psychrnn_brings_its_ratio_masks_and_transfer_function() {
    let weights = Weights::load(data("psychrnn_saved_dale.npz")).unwrap();
    let (n_in, n_out) = (weights.matrix("W_in").unwrap().ncols(), weights.matrix("W_out").unwrap().nrows());
    let task = psychrnn::tasks::Rest { n_in, n_out, ..psychrnn::tasks::Rest::of(&task()).unwrap() };
    let network = Rnn::with_weights(&task, RnnConfig::default(), &weights).unwrap();
    assert_eq!((network.config().units, network.config().constraints.dale_ratio), (10, Some(0.8)));
    assert_eq!(network.config().transfer, Transfer::Relu);
    let mut masked = weights.clone();
    let mut mask = Array2::<f32>::ones((10, 10));
    mask.diag_mut().fill(0.0);
    masked.insert("W_rec", weights.matrix("W_rec").unwrap() * &mask);
    masked.insert("rec_connectivity", mask.clone());
    let network = Rnn::with_weights(&task, RnnConfig::default(), &masked).unwrap();
    assert_eq!(network.config().constraints.recurrent_connectivity, Some(mask));
    let mut signed = weights;
    // Signs that no ratio tells.
    let mut w_rec = signed.matrix("W_rec").unwrap();
    w_rec.column_mut(0).mapv_inplace(|weight| -weight);
    let mut signs = signed.matrix("Dale_rec").unwrap();
    signs[[0, 0]] = -1.0;
    let mut w_out = signed.matrix("W_out").unwrap();
    w_out.column_mut(0).fill(0.0);
    signed.insert("W_rec", w_rec);
    signed.insert("Dale_rec", signs.clone());
    signed.insert("W_out", w_out);
    let network = Rnn::with_weights(&task, RnnConfig::default(), &signed).unwrap();
    assert_eq!(network.config().constraints.signs, Some(signs.diag().to_vec()));
}

#[test]
fn an_lstm_keeps_its_masks() {
    let mask = Array2::from_shape_fn((8, 8), |(to, from)| f32::from(u8::from((to + from) % 2 == 0)));
    let constraints = Constraints { recurrent_connectivity: Some(mask.clone()), ..Constraints::default() };
    let saved = Lstm::new(&task(), LstmConfig::psychrnn().units(8).constraints(constraints)).unwrap();
    let weights = through_file(&saved.weights().unwrap());
    let mut network = Lstm::with_weights(&task(), LstmConfig::default(), &weights).unwrap();
    assert_eq!(network.config(), saved.config());
    train(&mut network);
    let gate = network.weights().unwrap().matrix("W_f").unwrap();
    for ((from, to), &weight) in gate.indexed_iter().filter(|((from, _), _)| *from < 8) {
        assert!(mask[[to, from]] == 1.0 || weight == 0.0);
    }
    let mut dale = weights;
    dale.set_dale_ratio(Some(0.8));
    assert!(words(Lstm::with_weights(&task(), LstmConfig::default(), &dale)).contains("dale_ratio"));
}

#[test]
fn inhibitory_units_may_stand_anywhere_and_factors_scale_weights() {
    let signs: Vec<f32> = (0..12).map(|unit| if unit % 3 == 1 { -1.0 } else { 1.0 }).collect();
    let factors = Array2::from_shape_fn((12, 12), |(to, from)| [0.0, 0.5, 1.0][(to * 5 + from) % 3]);
    for (balance, dale) in [(Balance::Columns, Dale::Absolute), (Balance::Rows, Dale::Rectified)] {
        let initial = InitialWeights::pycog().inhibitory(Draw::Gamma { shape: 2.0, mean: 0.3 }).balance(balance);
        let config = RnnConfig::default()
            .units(12)
            .signs(&signs)
            .dale(dale)
            .initial(initial)
            .recurrent_connectivity(factors.clone())
            .seed(1);
        let mut network = Rnn::new(&task(), config).unwrap();
        train(&mut network);
        let weights = through_file(&network.weights().unwrap());
        let w_rec = weights.matrix("W_rec").unwrap();
        for ((to, from), &weight) in w_rec.indexed_iter() {
            assert!(weight * signs[from] >= 0.0 && (factors[[to, from]] > 0.0 || weight == 0.0));
        }
        for (unit, column) in weights.matrix("W_out").unwrap().axis_iter(Axis(1)).enumerate() {
            assert!(signs[unit] > 0.0 || column.iter().all(|&weight| weight == 0.0));
        }
        let loaded = Rnn::with_weights(&task(), RnnConfig::default(), &weights).unwrap();
        assert_eq!(loaded.config(), network.config());
        let again = loaded.weights().unwrap().matrix("W_rec").unwrap();
        assert!(again.iter().zip(&w_rec).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs()));
        assert_eq!(weights.dale_ratio(), None, "PsychRNN would make other signs of a share");
    }
    let refused = |config: RnnConfig| words(Rnn::new(&task(), config.units(3)));
    assert!(refused(RnnConfig::default().signs(&[1.0, -1.0])).contains("n_rec"));
    assert!(refused(RnnConfig::default().signs(&[1.0, 0.5, 1.0])).contains("signs"));
    assert!(refused(RnnConfig::default().signs(&[-1.0; 3])).contains("signs"));
    assert!(refused(RnnConfig::default().signs(&[1.0; 3]).dale_ratio(0.8)).contains("signs"));
    for entry in [-1.0, 1.5, f32::NAN] {
        let error = refused(RnnConfig::default().recurrent_connectivity(Array2::from_elem((3, 3), entry)));
        assert!(error.contains("factors"), "{error}");
    }
}

/// Whether each weight obeys these constraints, for networks of twelve units.
fn obeys(weights: &Weights, signs: Option<&[f32]>, factors: &Array2<f32>) {
    for ((to, from), &weight) in weights.matrix("W_rec").unwrap().indexed_iter() {
        assert!(factors[[to, from]] > 0.0 || weight == 0.0, "{to} {from} {weight}");
        assert!(signs.is_none_or(|signs| weight * signs[from] >= 0.0), "{to} {from} {weight}");
    }
}

#[test]
fn constraints_hold_however_often_a_network_is_saved_and_loaded() {
    let signs: Vec<f32> = (0..12).map(|unit| if unit % 4 == 1 { -1.0 } else { 1.0 }).collect();
    let factors = Array2::from_shape_fn((12, 12), |(to, from)| [0.0, 0.3, 1.0, 1.0][(to * 5 + 3 * from) % 4]);
    let mut held = Array2::zeros((12, 12));
    (held[[2, 5]], held[[7, 0]]) = (-0.25, 0.5);
    let mut left = Array2::zeros((12, 2));
    left.row_mut(4).fill(1.0);
    let config = RnnConfig::default()
        .units(12)
        .signs(&signs)
        .dale(Dale::Rectified)
        .recurrent_connectivity(factors.clone())
        .hold_at("W_rec", held.clone())
        .freeze_entries("W_in", left)
        .freeze("b_rec")
        .transfer(Transfer::Softplus)
        .seed(3);
    let areas = Areas::new().area("in", (5, 2)).area("out", (4, 1)).connect("in", "out", (1.0, 0.0)).connect(
        "out",
        "in",
        (0.5, 0.0),
    );
    let (mut networks, mut last) = (Vec::new(), Vec::new());
    for config in [config, RnnConfig::default().areas(areas).noise(0.1).seed(4)] {
        networks.push(Rnn::new(&task(), config).unwrap());
    }
    let first: Vec<_> = networks.iter().map(|network| network.weights().unwrap()).collect();
    for _ in 0..3 {
        let mut ensemble = Ensemble::new().silent();
        for (i, network) in networks.drain(..).enumerate() {
            let trainer = Trainer::default().learning_rate(0.05).updates(3).batch_size(8).silent();
            ensemble.add(&i.to_string(), network, trainer, task());
        }
        ensemble.train().unwrap();
        last = ensemble.members.iter().map(|member| member.network.weights().unwrap()).collect();
        for (member, weights) in ensemble.members.iter().zip(&last) {
            let again = Rnn::with_weights(&task(), RnnConfig::default(), &through_file(weights)).unwrap();
            assert_eq!(again.config(), member.network.config());
            networks.push(again);
        }
    }
    let exists = Array2::from_shape_fn((12, 12), |at| factors[at].max(f32::from(u8::from(held[at] != 0.0))));
    obeys(&last[0], Some(&signs), &exists);
    let (before, after) = (&first[0], &last[0]);
    for (at, &value) in held.indexed_iter().filter(|(_, value)| **value != 0.0) {
        assert_eq!(after.matrix("W_rec").unwrap()[at], value);
    }
    let inputs = |weights: &Weights| weights.matrix("W_in").unwrap();
    assert_eq!(inputs(after).row(4), inputs(before).row(4));
    assert_ne!(inputs(after).row(5), inputs(before).row(5));
    assert_eq!(after.vector("b_rec").unwrap(), before.vector("b_rec").unwrap());
    let of_areas: Vec<f32> = (0..12).map(|unit| if unit < 9 { 1.0 } else { -1.0 }).collect();
    obeys(&last[1], Some(&of_areas), &first[1].matrix("rec_connectivity").unwrap());
    // The way out that errors name.
    let mut free = last[0].clone();
    free.insert("W_rec", Array2::from_elem((12, 12), -0.1));
    assert!(words(Rnn::with_weights(&task(), RnnConfig::default(), &free)).contains("`unconstrained()`"));
    let mut free = Rnn::with_weights(&task(), RnnConfig::default(), &through_file(&free.unconstrained())).unwrap();
    train(&mut free);
    assert_eq!(free.config().constraints, Constraints::default());
    assert_eq!(
        Rnn::with_weights(&task(), RnnConfig::default(), &free.weights().unwrap()).unwrap().config(),
        free.config()
    );

    let mask = Array2::from_shape_fn((12, 12), |(to, from)| f32::from(u8::from((to + from) % 3 != 0)));
    let constraints = Constraints { recurrent_connectivity: Some(mask.clone()), ..Constraints::default() };
    let config = LstmConfig::default().units(12).constraints(constraints).freeze("b_o");
    let mut lstm = Lstm::new(&task(), config).unwrap();
    let before = lstm.weights().unwrap();
    for _ in 0..2 {
        train(&mut lstm);
        let loaded =
            Lstm::with_weights(&task(), LstmConfig::default(), &through_file(&lstm.weights().unwrap())).unwrap();
        assert_eq!(loaded.config(), lstm.config());
        lstm = loaded;
    }
    let after = lstm.weights().unwrap();
    assert_eq!(after.vector("b_o").unwrap(), before.vector("b_o").unwrap());
    assert_ne!(after.vector("b_f").unwrap(), before.vector("b_f").unwrap());
    for ((from, to), &weight) in after.matrix("W_c").unwrap().indexed_iter().filter(|((from, _), _)| *from < 12) {
        assert!(mask[[to, from]] == 1.0 || weight == 0.0);
    }
}

#[test]
fn what_a_file_leaves_in_training_stays_beside_what_is_named_now() {
    let rows = |row: usize| Array2::from_shape_fn((6, 2), |(unit, _)| f32::from(u8::from(unit == row)));
    let config = RnnConfig::default().units(6).freeze("b_rec").freeze("b_out").freeze_entries("W_in", rows(1));
    let weights = Rnn::new(&task(), config).unwrap().weights().unwrap();
    let config = RnnConfig::default().freeze("W_out").freeze_entries("b_out", arr1(&[0.0, 0.0]));
    let loaded = Rnn::with_weights(&task(), config, &through_file(&weights)).unwrap();
    assert_eq!(loaded.config().freeze.iter().collect::<Vec<_>>(), ["W_out", "b_rec"]);
    assert_eq!(loaded.config().freeze_entries["W_in"], rows(1).into_dyn());
    assert_eq!(loaded.config().freeze_entries["b_out"], arr1(&[0.0, 0.0]).into_dyn());
    let config = RnnConfig::default().freeze_entries("W_in", rows(2));
    let loaded = Rnn::with_weights(&task(), config, &weights).unwrap();
    assert_eq!((loaded.config().freeze.len(), &loaded.config().freeze_entries["W_in"]), (2, &rows(2).into_dyn()));

    let weights = Lstm::new(&task(), LstmConfig::default().units(4).freeze("b_o")).unwrap().weights().unwrap();
    let loaded = Lstm::with_weights(&task(), LstmConfig::default().freeze("W_c"), &weights).unwrap();
    assert_eq!(loaded.config().freeze.iter().collect::<Vec<_>>(), ["W_c", "b_o"]);
}

#[test]
fn files_with_the_former_names_of_settings_are_read() {
    let held = |value: f32| Array2::from_shape_fn((6, 6), |(to, from)| if (to, from) == (1, 2) { value } else { 0.0 });
    let rows = Array2::from_shape_fn((6, 2), |(unit, _)| f32::from(u8::from(unit == 1)));
    let mask = Array2::from_shape_fn((6, 6), |(to, from)| f32::from(u8::from((to, from) != (0, 4))));
    let config = RnnConfig::default().units(6).freeze("b_rec").freeze_entries("W_in", rows).autapses(false);
    let config = config.recurrent_connectivity(mask).hold_at("W_rec", held(0.25)).seed(3);
    let mut weights = Rnn::new(&task(), config.clone()).unwrap().weights().unwrap();
    let mut saved: serde_json::Value = weights.config().unwrap().unwrap();
    let rnn = saved["rnn"].as_object_mut().unwrap();
    for (now, former) in [("freeze", "frozen"), ("freeze_entries", "fixed")] {
        let value = rnn.remove(now).unwrap();
        rnn.insert(former.to_owned(), value);
    }
    let constraints = rnn["constraints"].as_object_mut().unwrap();
    assert_eq!(constraints.remove("autapses"), Some(false.into()));
    constraints.insert("no_autapses".to_owned(), true.into());
    for (now, former) in [("recurrent_connectivity", "recurrent"), ("input_connectivity", "input"), ("hold_at", "held")]
    {
        let value = constraints.remove(now).unwrap();
        constraints.insert(former.to_owned(), value);
    }
    weights.set_config(&saved).unwrap();
    let folder = tempfile::tempdir().unwrap();
    weights.save(folder.path().join("former.npz")).unwrap();
    let loaded = Rnn::load(folder.path().join("former.npz")).unwrap();
    assert_eq!(loaded.config(), &config);
    let freed = Rnn::with_weights(&task(), RnnConfig::default(), &weights.unconstrained()).unwrap();
    assert_eq!((freed.config().freeze.len(), freed.config().constraints.autapses), (0, true));
}

#[test]
fn weights_of_another_kind_are_not_taken_for_ones_own() {
    let weights = through_file(&Rnn::new(&task(), RnnConfig::default().units(4)).unwrap().weights().unwrap());
    let problem = words(Lstm::with_weights(&task(), LstmConfig::default(), &weights));
    assert!(problem.contains("`Lstm`, but it is a leaky network"), "{problem}");
}

#[test]
fn what_a_file_says_and_was_not_read_is_asked_for() {
    let file = data("psychrnn_saved_basic.npz");
    let weights = Weights::load(&file).unwrap();
    let (n_in, n_out) = (weights.matrix("W_in").unwrap().ncols(), weights.matrix("W_out").unwrap().nrows());
    let task = psychrnn::tasks::Rest { n_in, n_out, ..psychrnn::tasks::Rest::of(&task()).unwrap() };
    // Two ratios are none.
    let folder = tempfile::tempdir().unwrap();
    let edited = folder.path().join("edited.npz");
    let mut zip = zip::ZipArchive::new(std::fs::File::open(file).unwrap()).unwrap();
    let mut copy = zip::ZipWriter::new(std::fs::File::create(&edited).unwrap());
    for i in 0..zip.len() {
        let entry = zip.by_index_raw(i).unwrap();
        if !["dale_ratio.npy", "Dale_rec.npy", "Dale_out.npy"].contains(&entry.name()) {
            copy.raw_copy_file(entry).unwrap();
        }
    }
    copy.start_file("dale_ratio.npy", zip::write::SimpleFileOptions::default()).unwrap();
    ndarray_npy::WriteNpyExt::write_npy(&arr1(&[0.8, 0.8]), &mut copy).unwrap();
    copy.finish().unwrap();
    let mut weights = Weights::load(&edited).unwrap();
    let error = words(Rnn::with_weights(&task, RnnConfig::default(), &weights));
    assert!(error.contains("`.dale_ratio(0.8)`") && error.contains("set_dale_ratio(None)"), "{error}");
    Rnn::with_weights(&task, RnnConfig::default(), &weights.clone().unconstrained()).unwrap();
    weights.set_dale_ratio(None);
    Rnn::with_weights(&task, RnnConfig::default(), &weights).unwrap();
}

#[test]
fn an_lstm_goes_on_with_the_cell_with_which_it_was_trained() {
    use psychrnn::dynamics::CellOutput;
    let usual = Lstm::new(&task(), LstmConfig::default().units(4)).unwrap().weights().unwrap();
    assert!(words(Lstm::with_weights(&task(), LstmConfig::psychrnn(), &usual)).contains("output"));
    // As PsychRNN saves it: no configuration, and whether Dale's principle holds.
    let mut foreign = Weights::new();
    for name in usual.names().map(str::to_owned).collect::<Vec<_>>() {
        foreign.insert(&name, usual.array(&name).unwrap().clone());
    }
    let output =
        |weights: &Weights| Lstm::with_weights(&task(), LstmConfig::default(), weights).unwrap().config().output;
    assert_eq!(output(&foreign), CellOutput::Tanh);
    assert_eq!(output(&foreign.clone().unconstrained()), CellOutput::Tanh);
    foreign.set_dale_ratio(None);
    assert_eq!(output(&foreign), CellOutput::Sigmoid);
}

/// A network of one's own, whose equation is not one of ours.
struct Own(Parameters, bool);

impl Own {
    fn new(halved: bool) -> Self {
        let mut parameters = Parameters::new();
        parameters.insert("W", &Array2::<f32>::from_elem((2, 2), 0.5)).unwrap();
        Self(parameters, halved)
    }
}

impl Network for Own {
    fn sizes(&self) -> Sizes {
        Sizes { n_in: 2, n_rec: 2, n_out: 2, dt: 10.0 }
    }
    fn parameters(&self) -> &Parameters {
        &self.0
    }
    fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.0
    }
    fn effective(&self) -> Result<Tensors> {
        let mut weights = self.0.tensors();
        if self.1 {
            let half = weights.get("W")?.f_mul_scalar(0.5)?;
            weights.insert("W", half);
        }
        Ok(weights)
    }
    fn forward(&self, weights: &Tensors, trials: &Trials) -> Result<Activity> {
        let outputs: Tensor = trials.inputs.f_matmul(weights.get("W")?)?;
        Ok(Activity { states: outputs.shallow_clone(), rates: outputs.shallow_clone(), outputs })
    }
}

#[test]
fn a_network_of_ones_own_runs_loads_and_says_why_it_has_no_simulator() {
    let mut own = Own::new(false);
    let batch = task().batch(3, Seed(1)).unwrap();
    let mut weights = own.weights().unwrap();
    weights.insert("W", Array2::<f32>::eye(2));
    own.set_weights(&through_file(&weights)).unwrap();
    assert_eq!(own.run(&batch).unwrap().outputs, batch.inputs);
    let error = words(own.simulator());
    assert!(error.contains("forward") && error.contains("constants"), "{error}");
    assert!(words(own.set_weights(&Weights::new())).contains("`W`"));
    // Where the effective weights are others, the default does not pretend.
    let mut halved = Own::new(true);
    let before = halved.weights().unwrap();
    assert!(words(halved.set_weights(&weights)).contains("set_weights"));
    assert_eq!(halved.weights().unwrap(), before);

    let mut rnn = Rnn::new(&task(), RnnConfig::default().units(6).dale_ratio(0.5).seed(1)).unwrap();
    let other = Rnn::new(&task(), RnnConfig::default().units(6).dale_ratio(0.5).seed(2)).unwrap();
    rnn.set_weights(&other.weights().unwrap()).unwrap();
    assert_eq!(rnn.weights().unwrap().matrix("W_rec").unwrap(), other.weights().unwrap().matrix("W_rec").unwrap());
    let free = Rnn::new(&task(), RnnConfig::default().units(6).seed(2)).unwrap();
    assert!(words(rnn.set_weights(&free.weights().unwrap())).contains("Dale"));
}

#[test]
fn errors_of_others_are_handed_on_and_ones_own_are_said() {
    fn number(text: &str) -> Result<f32> {
        if text.is_empty() {
            return Err(psychrnn::Error::other("the line is empty"));
        }
        std::fs::read("no such file").or_else(|_| Ok::<_, std::io::Error>(Vec::new()))?;
        Array2::<f32>::from_shape_vec((1, 1), vec![0.0])?;
        Ok(text.parse::<f32>()? + text.parse::<i32>()? as f32)
    }
    assert_eq!(number("3").unwrap(), 6.0);
    assert_eq!(number("").unwrap_err().to_string(), "the line is empty");
    assert_eq!(number("x").unwrap_err().to_string(), "x".parse::<f32>().unwrap_err().to_string());
}

#[test]
fn the_form_is_that_of_the_file() {
    let saved = Rnn::new(&task(), RnnConfig::yang().units(5).seed(1)).unwrap();
    let weights = through_file(&saved.weights().unwrap());
    let network = Rnn::with_weights(&task(), RnnConfig::default(), &weights).unwrap();
    assert_eq!((network.config(), network.constants()), (saved.config(), saved.constants()));
    let session = network.run(&task().batch(5, Seed(1)).unwrap()).unwrap();
    assert_eq!(session.states, session.rates);
    let units = LeakyUnits::new(10.0, 100.0).transfer(Transfer::Softplus);
    for error in [
        words(Rnn::with_weights(&task(), RnnConfig::default().form(LeakyForm::Current), &weights)),
        words(Simulator::new(&weights, units.clone())),
    ] {
        assert!(error.contains("`form` must be rate, in which the weights were trained"), "{error}");
    }
    Simulator::new(&weights, units.form(LeakyForm::Rate)).unwrap();
    let of_current = through_file(&Rnn::new(&task(), RnnConfig::default().units(5)).unwrap().weights().unwrap());
    let error = words(Rnn::with_weights(&task(), RnnConfig::default().form(LeakyForm::Rate), &of_current));
    assert!(error.contains("`form` must be current"), "{error}");
    // One that is written as before, without the form.
    let json = serde_json::to_string(&LeakyUnits::new(10.0, 20.0)).unwrap();
    let before = json.replace(r#""form":"current","#, "");
    assert!(before != json && serde_json::from_str::<LeakyUnits>(&before).unwrap() == LeakyUnits::new(10.0, 20.0));
}

#[test]
fn another_time_constant_of_the_task_does_not_change_the_network() {
    let saved = Rnn::new(&task().tau(20.0), RnnConfig::default().units(5).seed(1)).unwrap();
    let weights = through_file(&saved.weights().unwrap());
    let network = Rnn::with_weights(&task().tau(100.0), RnnConfig::default(), &weights).unwrap();
    assert_eq!(network.constants(), Some(LeakyUnits::new(10.0, 20.0).into()));
    let asked = Rnn::with_weights(&task().tau(100.0), RnnConfig::default().tau(&[100.0]), &weights).unwrap();
    assert_eq!(asked.constants(), Some(LeakyUnits::new(10.0, 100.0).into()));
}
