//! Initial weights: the distributions, and the maps from what is drawn to the weights.

use ndarray::{Array1, Array2, ArrayD, Ix2, s};
use psychrnn::network::{Connections, Initializer};
use psychrnn::prelude::*;
use psychrnn::tch::{Kind, Tensor};

use super::fixture::{Case, Outcome};
use super::model::array;

/// The masks that an initializer is given.
const MASKS: [&str; 3] = ["input_connectivity", "rec_connectivity", "output_connectivity"];

/// A source of trials with these channels: an initializer reads nothing else of it.
fn source(n_in: usize, n_out: usize) -> Outcome<Batch> {
    let spec = TaskSpec::new(n_in, n_out).duration(10.0);
    let zeros = |n| ndarray::Array3::zeros((1, 1, n));
    Ok(Batch::from_arrays(&spec, zeros(n_in), zeros(n_out), zeros(n_out))?)
}

/// The raw matrix of that name.
fn raw(network: &Rnn, name: &str) -> Outcome<Array2<f64>> {
    Ok(array(network.parameters().get(name)?)?.mapv(f64::from).into_dimensionality()?)
}

/// Draws as many networks as PsychRNN drew, and compares the mean of each measure of them.
pub(crate) fn check_statistics(case: &Case) -> Outcome {
    let size = |name: &str| case.number_or_size(name).map(|size| size as usize);
    let (n_in, n_rec, n_out) = (size("N_in")?, size("N_rec")?, size("N_out")?);
    let source = source(n_in, n_out)?;
    let config = config(case, n_rec)?;
    let measures: Vec<&str> = case.names().filter(|name| !MASKS.contains(name)).collect();
    let samples = case.arrays().iter().filter(|(name, _)| !MASKS.contains(&name.as_str()));
    let n = samples.filter(|(_, numbers)| numbers.values.ndim() == 1).map(|(_, numbers)| numbers.values.len()).max();
    let mut columns = vec![Vec::new(); measures.len()];
    for seed in 0..n.ok_or("there is no sample")? {
        let drawn = matrices(&Rnn::new(&source, config.clone().seed(seed as u64))?)?;
        for (measure, column) in measures.iter().zip(&mut columns) {
            let (matrix, kind) = of(&drawn, measure)?;
            if case.arrays()[*measure].values.ndim() == 1 {
                column.push(measured(case, matrix, kind)?);
            } else if seed == 0 {
                case.compare_wide(measure, "initializer", matrix.clone().into_dyn())?;
            }
        }
    }
    for (measure, column) in measures.iter().zip(columns).filter(|(_, column)| !column.is_empty()) {
        case.compare_samples(measure, "initializer", column)?;
    }
    Ok(())
}

/// PsychRNN's initializer in our words.
fn config(case: &Case, n_rec: usize) -> Outcome<RnnConfig> {
    let none = serde_json::Map::new();
    let arguments = case.param("kwargs").and_then(|value| value.as_object()).unwrap_or(&none);
    let number = |name: &str| arguments.get(name).and_then(serde_json::Value::as_f64);
    let draw = |name: &str| match arguments.get(name).and_then(|value| value.as_str()) {
        None => Ok(None),
        Some("const_unif") => {
            let (low, high) = (number("init_minval").unwrap_or(-0.1), number("init_maxval").unwrap_or(0.1));
            Ok(Some(Draw::Uniform { low: low as f32, high: high as f32 }))
        }
        Some("const_gauss") => Ok(Some(Draw::Gaussian { sd: 1.0 })),
        Some("glorot_unif") => Ok(Some(Draw::GlorotUniform)),
        Some("glorot_gauss") => Ok(Some(Draw::GlorotGaussian)),
        Some(other) => Err(format!("there is no draw {other}")),
    };
    let all = draw("which_rand_init")?.unwrap_or(Draw::GlorotGaussian);
    let initial = InitialWeights::all(all);
    let initial = match case.text("class") {
        Some("WeightInitializer") => initial.recurrent(draw("which_rand_W_rec_init")?.unwrap_or(all)),
        Some("GaussianSpectralRadius") => initial
            .recurrent(Draw::Gaussian { sd: 1.0 })
            .balance(Balance::Columns)
            .radius(number("spec_rad").unwrap_or(1.1) as f32, RadiusOf::Raw),
        Some("AlphaIdentity") => {
            let scale = number("alpha").ok_or("there is no alpha")? as f32;
            initial.recurrent(Draw::ScaledIdentity { scale }).balance(Balance::Columns)
        }
        other => return Err(format!("there is no initializer {other:?}").into()),
    };
    let mut config = RnnConfig::default().units(n_rec).initial(initial);
    if let Some(ratio) = number("dale_ratio") {
        config = config.dale_ratio(ratio);
    }
    if arguments.get("autapses").and_then(serde_json::Value::as_bool) == Some(false) {
        config = config.autapses(false);
    }
    if case.has("input_connectivity") {
        config = config.input_connectivity(case.input("input_connectivity")?);
    }
    if case.has("rec_connectivity") {
        config = config.recurrent_connectivity(case.input("rec_connectivity")?);
    }
    if case.has("output_connectivity") {
        config = config.output_connectivity(case.input("output_connectivity")?);
    }
    Ok(config)
}

/// The matrices of a network under PsychRNN's names.
fn matrices(network: &Rnn) -> Outcome<Vec<(String, Array2<f64>)>> {
    let effective = network.weights()?;
    let mut all = vec![("init_state".to_owned(), raw(network, "init_state")?)];
    for name in ["W_in", "W_rec", "W_out"] {
        all.push((format!("{name}_raw"), raw(network, name)?));
        all.push((format!("{name}_eff"), effective.matrix(name)?.mapv(f64::from)));
    }
    Ok(all)
}

/// The matrix that a measure is about, and what is measured: `W_rec_raw_std` is the `std` of `W_rec_raw`.
fn of<'a>(matrices: &'a [(String, Array2<f64>)], measure: &'a str) -> Outcome<(&'a Array2<f64>, &'a str)> {
    let mut found = matrices
        .iter()
        .filter_map(|(name, matrix)| Some((matrix, measure.strip_prefix(name.as_str())?.strip_prefix('_')?)));
    Ok(found.next().ok_or_else(|| format!("{measure} is of no matrix that we know"))?)
}

fn measured(case: &Case, matrix: &Array2<f64>, measure: &str) -> Outcome<f64> {
    let excitatory = || {
        let ratio = case.param("kwargs").and_then(|arguments| arguments.get("dale_ratio")?.as_f64());
        ratio.map(|ratio| (ratio * matrix.ncols() as f64) as usize).ok_or("there is no dale_ratio")
    };
    Ok(match measure {
        "mean" => matrix.mean().unwrap_or(f64::NAN),
        "std" => matrix.std(0.0),
        "absmax" => matrix.iter().fold(0.0, |largest, x| x.abs().max(largest)),
        "spectral_radius" => {
            let values = Tensor::from_slice(&matrix.iter().copied().collect::<Vec<_>>());
            let values = values.reshape([matrix.nrows() as i64, matrix.ncols() as i64]).to_kind(Kind::Double);
            values.linalg_eigvals().abs().max().double_value(&[])
        }
        "std_E_columns" => matrix.slice(s![.., ..excitatory()?]).std(0.0),
        "std_I_columns" => matrix.slice(s![.., excitatory()?..]).std(0.0),
        "row_sum_mean" => matrix.sum() / matrix.nrows() as f64,
        other => return Err(format!("the measure {other} is not known").into()),
    })
}

/// An initializer with a recorded draw for `W_rec`.
#[derive(Debug)]
struct Recorded {
    draw: Array2<f32>,
    radius: f32,
}

impl Initializer for Recorded {
    fn initialize(&self, connections: &Connections, _: Seed) -> Result<Weights> {
        let mut w_rec = self.draw.clone();
        connections.balance(&mut w_rec)?;
        connections.scale_to_radius(&mut w_rec, self.radius, RadiusOf::Raw)?;
        let n_rec = w_rec.nrows();
        let mut weights = Weights::new();
        weights.insert("W_in", Array2::zeros((n_rec, 1)));
        weights.insert("W_rec", w_rec);
        weights.insert("W_out", Array2::zeros((1, n_rec)));
        weights.insert("b_rec", Array1::zeros(n_rec));
        weights.insert("b_out", Array1::zeros(1));
        weights.insert("init_state", Array2::zeros((1, n_rec)));
        Ok(weights)
    }
}

/// The weights that follow from what was drawn, and the scale of each entry of the Glorot initializers.
pub(crate) fn check_exact(case: &Case) -> Outcome {
    let number = |name: &str| case.number(name).ok_or_else(|| format!("the case does not say `{name}`"));
    let source = source(1, 1)?;
    for (name, matrix) in case.arrays().iter().filter(|(_, numbers)| numbers.values.ndim() == 2) {
        let mut config = RnnConfig::default().units(matrix.values.nrows_or_zero());
        if let Some(which) = name.strip_suffix("_W_rec") {
            if which.contains("dale") {
                config = config.dale_ratio(number("dale_ratio")?);
            }
            let network = if case.has(&format!("{which}_draw")) {
                config = config.recurrent_connectivity(case.input(&format!("{which}_rec_connectivity"))?);
                // The name of a case with another radius ends in it.
                let radius = match which.split_once("radius") {
                    Some((_, radius)) => radius.parse()?,
                    None => number("spec_rad")?,
                };
                let draw = case.input(&format!("{which}_draw"))?;
                Rnn::with_initializer(&source, config, &Recorded { draw, radius: radius as f32 })?
            } else {
                if which.contains("masked") {
                    config = config.recurrent_connectivity(case.input("mask")?);
                }
                let identity = Draw::ScaledIdentity { scale: number("alpha")? as f32 };
                let initial = InitialWeights::default().recurrent(identity).balance(Balance::Columns);
                Rnn::new(&source, config.initial(initial))?
            };
            case.compare_wide(name, "initializer", raw(&network, "W_rec")?.into_dyn())?;
        }
        let draws = match name.as_str() {
            "glorot_gauss_sd" => [Draw::GlorotGaussian, Draw::Gaussian { sd: 1.0 }],
            "glorot_unif_limit" => [Draw::GlorotUniform, Draw::Uniform { low: -1.0, high: 1.0 }],
            _ => continue,
        };
        // Under one seed both draw the same standard numbers, so that their ratio is the scale.
        let config = RnnConfig::default().units(matrix.values.nrows_or_zero());
        let config = config.recurrent_connectivity(case.input("mask")?);
        let [scaled, standard] = draws.map(|draw| -> Outcome<Array2<f64>> {
            let initial = InitialWeights::default().recurrent(draw);
            raw(&Rnn::new(&source, config.clone().initial(initial))?, "W_rec")
        });
        case.compare_wide(name, "initializer", (scaled? / standard?).into_dyn())?;
    }
    Ok(())
}

trait Rows {
    fn nrows_or_zero(&self) -> usize;
}

impl Rows for ArrayD<f64> {
    fn nrows_or_zero(&self) -> usize {
        self.view().into_dimensionality::<Ix2>().map_or(0, |matrix| matrix.nrows())
    }
}
