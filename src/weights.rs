//! Named arrays, and the `.npz` files that hold them.
//!
//! Names and shapes are those of PsychRNN: `W_in` `[n_rec, n_in]`, `W_rec` `[n_rec, n_rec]` (`[post, pre]`), `W_out`
//! `[n_out, n_rec]`, `b_rec` `[n_rec]`, `b_out` `[n_out]`, `init_state` `[1, n_rec]`. Weights are effective: masks and
//! signs are applied. A file opens with `numpy.load`, and a file that PsychRNN wrote opens here; what an
//! `Rnn` saves also opens in PsychRNN, by `load_weights_path`.
//!
//! ```no_run
//! use psychrnn::prelude::*;
//! let weights = Weights::load("weights.npz")?;
//! for name in weights.names() {
//!     println!("{name} {:?}", weights.array(name)?.shape());
//! }
//! let recurrent = weights.matrix("W_rec")?; // an ndarray, [post, pre]
//! weights.plot("W_rec")?.save("w_rec.png")?;
//! # Ok::<(), psychrnn::Error>(())
//! ```

use std::path::Path;

use indexmap::IndexMap;
use ndarray::{Array1, Array2, ArrayD};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

pub use crate::error::Skipped;
use crate::error::all_finite;
use crate::npz::{Npz, Pickled};
use crate::{Error, Result, file};

/// The entry that holds the configuration: JSON, as bytes.
const CONFIG: &str = "config";
/// The entry that says whether PsychRNN applies Dale's principle.
const DALE_RATIO: &str = "dale_ratio";
/// The entry in which PsychRNN pickles its transfer function.
const TRANSFER: &str = "transfer_function";
/// The names that stand for something else than an array.
const RESERVED: [&str; 3] = [CONFIG, DALE_RATIO, TRANSFER];
/// The optimizers of TensorFlow that keep arrays of the shapes of the weights, in entries `W_rec/Adam`, `W_rec/Adam_1`.
const SLOTS: &[&str] =
    &["Adam", "Adamax", "AdaMax", "Adagrad", "Adadelta", "Ftrl", "Momentum", "RMSProp", "Nadam", "Lamb"];
/// What Adam keeps once.
const POWERS: [&str; 2] = ["beta1_power", "beta2_power"];
/// Python's `None` as NumPy writes it: an array of one pickled object. PsychRNN wants it where there is no Dale's principle.
const NONE: &[u8] = b"\x80\x03cnumpy.core.multiarray\n_reconstruct\nq\x00cnumpy\nndarray\nq\x01K\x00\x85q\x02C\x01bq\x03\x87q\x04Rq\x05(K\x01)cnumpy\ndtype\nq\x06X\x02\x00\x00\x00O8q\x07\x89\x88\x87q\x08Rq\t(K\x03X\x01\x00\x00\x00|q\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tq\x0bb\x89]q\x0cNatq\rb.";

/// Named arrays, in the order in which they were added, and the configuration that belongs to them.
///
/// ```
/// use ndarray::arr2;
/// use psychrnn::weights::Weights;
/// let mut weights = Weights::new();
/// weights.insert("W_out", arr2(&[[0.5, -0.5]]));
/// assert_eq!(weights.matrix("W_out")?.dim(), (1, 2));
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    arrays: IndexMap<String, ArrayD<f32>>,
    config: Option<String>,
    dale_ratio: Option<Option<f64>>,
    /// The transfer function with which they were trained: as this library writes it, or another one by its name in Python.
    pub(crate) transfer: Option<String>,
    /// The form of a leaky network in which they were trained.
    pub(crate) form: Option<String>,
    /// The names, and the same with reasons.
    skipped: (Vec<String>, Vec<Skipped>),
}

/// A function of a module of Python as the transfer functions of this library are called, if it is one of them.
fn in_python(module: &str, name: &str) -> String {
    let known = ["relu", "tanh", "sigmoid", "softplus", "linear"].contains(&name);
    // What the user has called `relu` may be anything.
    let library = module.split('.').next().unwrap_or(module);
    match known && ["tensorflow", "keras", "jax", "torch", "numpy"].contains(&library) {
        true => name.to_owned(),
        false => format!("{module}.{name}"),
    }
}

/// What a configuration says of the transfer function, and of the form.
fn trained_in(config: &str) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Config {
        dynamics: std::collections::BTreeMap<String, Constants>,
    }
    // Of the equations that have one, whichever they are.
    #[derive(Deserialize)]
    struct Constants {
        transfer: Option<serde_json::Value>,
        form: Option<String>,
    }
    let config: Config = serde_json::from_str(config).ok()?;
    // Networks have the current form that name none.
    let of = |Constants { transfer, form }| Some((plain(&transfer?), form.unwrap_or_else(|| "current".to_owned())));
    config.dynamics.into_values().find_map(of)
}

/// A text by itself, and other JSON as it is written.
pub(crate) fn plain(json: &serde_json::Value) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

impl Weights {
    /// No weights yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an array, or replaces the one of that name.
    pub fn insert<D: ndarray::Dimension>(&mut self, name: &str, array: ndarray::Array<f32, D>) {
        self.arrays.insert(name.to_owned(), array.into_dyn());
    }

    /// The names of the arrays.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.arrays.keys().map(String::as_str)
    }

    /// Whether there are the same arrays in both, whatever is said about them.
    #[cfg(feature = "torch")]
    pub(crate) fn has_arrays_of(&self, other: &Self) -> bool {
        self.arrays == other.arrays
    }

    /// The names of what the file held besides, and was not read: pickled objects, texts, dates, what optimizers keep.
    #[must_use]
    pub fn skipped(&self) -> &[String] {
        &self.skipped.0
    }

    /// Why what has this name in the file was not read, if it was not.
    #[must_use]
    pub fn why_skipped(&self, name: &str) -> Option<&str> {
        self.skipped.1.iter().find(|skipped| skipped.name == name).map(|skipped| skipped.why.as_str())
    }

    /// The array of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn array(&self, name: &str) -> Result<&ArrayD<f32>> {
        self.arrays.get(name).ok_or_else(|| Error::MissingArray {
            name: name.to_owned(),
            present: self.names().map(str::to_owned).collect(),
            skipped: self.skipped.1.clone(),
        })
    }

    /// The matrix of that name.
    ///
    /// # Errors
    /// If there is none, or if it has not two axes.
    pub fn matrix(&self, name: &str) -> Result<Array2<f32>> {
        let array = self.array(name)?;
        array.clone().into_dimensionality().map_err(|_| Error::shape(name, "[rows, columns]", array.shape()))
    }

    /// The vector of that name; axes of length 1 do not count.
    ///
    /// # Errors
    /// If there is none, or if it has more than one axis longer than 1.
    pub fn vector(&self, name: &str) -> Result<Array1<f32>> {
        let array = self.array(name)?;
        if array.shape().iter().filter(|&&length| length != 1).count() > 1 {
            return Err(Error::shape(name, "[n]", array.shape()));
        }
        Ok(array.iter().copied().collect())
    }

    /// The rows of that name `[n_rows, n]`, where a vector is one row.
    ///
    /// # Errors
    /// If there is no such array, or if its rows do not have length `n`.
    pub(crate) fn rows(&self, name: &str, n: usize) -> Result<Array2<f32>> {
        let array = self.array(name)?;
        let rows = match array.ndim() {
            1 => array.clone().insert_axis(ndarray::Axis(0)),
            _ => array.clone(),
        };
        let rows = rows.into_dimensionality().ok().filter(|rows: &Array2<f32>| rows.ncols() == n && rows.nrows() > 0);
        rows.ok_or_else(|| Error::shape(name, format!("[1, {n}] or [n_batch, {n}]"), array.shape()))
    }

    /// The same weights, with those of the connections (the matrices whose names begin with `W_`) that are smaller in size than
    /// `threshold` set to 0. PyCog tests networks with a threshold of 1e-4.
    #[must_use]
    pub fn without_small(mut self, threshold: f32) -> Self {
        for (_, matrix) in self.arrays.iter_mut().filter(|(name, _)| name.starts_with("W_")) {
            matrix.mapv_inplace(|weight| if weight.abs() < threshold { 0.0 } else { weight });
        }
        self
    }

    /// The share of excitatory units as a file tells it: `None` if it does not say, `Some(None)` if it says that Dale's
    /// principle does not hold.
    #[must_use]
    pub fn dale_ratio(&self) -> Option<Option<f64>> {
        self.dale_ratio
    }

    /// Sets what [`Weights::dale_ratio`] tells.
    pub fn set_dale_ratio(&mut self, ratio: Option<f64>) {
        self.dale_ratio = Some(ratio);
    }

    /// The configuration that travels with the weights, if it has this form.
    ///
    /// # Errors
    /// If it is there but cannot be read as `C`.
    pub fn config<C: DeserializeOwned>(&self) -> Result<Option<C>> {
        let read = |config: &String| {
            serde_json::from_str(config)
                .map_err(|error| Error::argument("config of the weights", "a configuration of this version", error))
        };
        self.config.as_ref().map(read).transpose()
    }

    /// Sets the configuration that travels with the weights.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn set_config<C: Serialize>(&mut self, config: &C) -> Result<()> {
        let json =
            serde_json::to_string(config).map_err(|error| Error::argument("config", "writable as JSON", error))?;
        self.config = Some(json);
        Ok(())
    }

    /// An error that names the array and the place, if a number of these arrays is NaN or infinite.
    pub(crate) fn check_finite<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<()> {
        for (name, array) in names.filter_map(|name| self.arrays.get_key_value(name)) {
            if array.as_slice().is_some_and(all_finite) {
                continue;
            }
            if let Some((at, &value)) = array.indexed_iter().find(|(_, value)| !value.is_finite()) {
                let at = format!("{:?}", ndarray::Dimension::slice(&at));
                return Err(Error::NotFinite { name: name.clone(), value: value.into(), at });
            }
        }
        Ok(())
    }

    /// The same weights without the constraints that came with them: Dale's principle, masks, and which weights training leaves.
    /// `Rnn::with_weights` then has those of its configuration alone.
    #[must_use]
    pub fn unconstrained(mut self) -> Self {
        for name in ["Dale_rec", "Dale_out", "input_connectivity", "rec_connectivity", "output_connectivity"] {
            self.arrays.shift_remove(name);
        }
        // What a file says of it is replaced, not forgotten.
        if self.dale_ratio.is_some() || self.why_skipped(DALE_RATIO).is_some() {
            self.dale_ratio = Some(None);
        }
        let config = self.config.as_deref().and_then(|config| serde_json::from_str::<serde_json::Value>(config).ok());
        if let Some(mut config) = config {
            // The configuration of the network, under the name of its kind.
            for network in config.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
                if let Some(network) = network.as_object_mut() {
                    ["constraints", "freeze", "freeze_entries", "frozen", "fixed"]
                        .iter()
                        .for_each(|key| drop(network.remove(*key)));
                }
            }
            self.config = Some(config.to_string());
        }
        self
    }

    /// Writes a compressed `.npz` file. An older file of that name stays whole if this fails.
    ///
    /// # Errors
    /// If the file cannot be written, or if an array has a name that stands for something else: `config`, `dale_ratio`,
    /// `transfer_function`.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let wrong = |name: &&str| {
            RESERVED.contains(name) || name.starts_with('/') || name.split(['/', '\\']).any(|part| part == "..")
        };
        if let Some(name) = self.names().find(wrong) {
            let expected = "another one: `set_dale_ratio`, `set_config` and `set_transfer` set what has a name of its own, and no name points out of the file";
            return Err(Error::argument("name of an array", expected, format!("`{name}`")));
        }
        file::write_npz(path.as_ref(), |npz| {
            for (name, array) in &self.arrays {
                npz.array(name, array.view())?;
            }
            match self.dale_ratio {
                None => {}
                Some(Some(ratio)) => npz.array(DALE_RATIO, ndarray::arr0(ratio).view())?,
                Some(None) => npz.entry(DALE_RATIO, "|O", "()", NONE)?,
            }
            if let Some(transfer) = &self.transfer
                && self.transfer != self.config.as_deref().and_then(trained_in).map(|(transfer, _)| transfer)
            {
                npz.texts(TRANSFER, std::slice::from_ref(transfer))?;
            }
            match &self.config {
                None => Ok(()),
                Some(config) => npz.list(CONFIG, config.bytes()),
            }
        })
    }

    /// Reads an `.npz` file: ours, PsychRNN's, or any other that NumPy reads. Numbers of every kind become `f32`; entries that are not
    /// arrays of numbers are left out with a reason, see [`Weights::skipped`], and so is what TensorFlow's optimizers keep beside the
    /// weights (`W_rec/Adam`). Nothing is ever unpickled. A file that would take much more memory than it is long is refused.
    ///
    /// # Errors
    /// If the file is missing, truncated, or not an `.npz`, or if it holds no arrays of numbers.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let mut npz = Npz::open(path.as_ref())?;
        let mut weights = Self::new();
        for name in RESERVED {
            if npz.shape(name).is_none() {
                continue;
            }
            match weights.take(name, &mut npz)? {
                None => npz.done(name),
                Some(why) => npz.skip(name, why),
            }
        }
        if !npz.is_ours() {
            skip_slots(&mut npz);
        }
        npz.skip_objects();
        for name in npz.names().map(str::to_owned).collect::<Vec<_>>() {
            if npz.has_numbers(&name) {
                weights.arrays.insert(name.clone(), npz.numbers(&name)?);
            } else {
                npz.skip(&name, "texts");
            }
        }
        if weights.arrays.is_empty() && !npz.is_ours() {
            return Err(npz.nothing_of("arrays of numbers"));
        }
        let names = npz.skipped().iter().map(|skipped| skipped.name.clone());
        weights.skipped = (names.collect(), npz.skipped().to_vec());
        Ok(weights)
    }

    /// Reads what is no weight. If not all of it could be read, says why.
    fn take(&mut self, name: &str, npz: &mut Npz) -> Result<Option<String>> {
        let one = npz.shape(name).is_some_and(|shape| shape.iter().product::<usize>() == 1);
        match name {
            CONFIG if npz.has_bytes(CONFIG) => {
                let json = String::from_utf8(npz.numbers(CONFIG)?.into_iter().collect()).ok();
                self.config = json.filter(|json| serde_json::from_str::<IgnoredAny>(json).is_ok());
                (self.transfer, self.form) = self.config.as_deref().and_then(trained_in).unzip();
                Ok(self.config.is_none().then(|| "it should be JSON, and is none".to_owned()))
            }
            DALE_RATIO if one => {
                self.dale_ratio = match npz.pickled(DALE_RATIO) {
                    Some(Pickled::None) => Some(None),
                    Some(Pickled::Number(ratio)) => Some(Some(ratio)),
                    _ if npz.has_numbers(DALE_RATIO) => Some(npz.number(DALE_RATIO)?),
                    _ => None,
                };
                Ok(self.dale_ratio.is_none().then(|| "it should be a number, and is none".to_owned()))
            }
            TRANSFER if npz.has_texts(TRANSFER) => {
                self.transfer = npz.texts(TRANSFER)?.first().cloned();
                Ok(None)
            }
            TRANSFER => {
                let (transfer, why) = match npz.pickled(TRANSFER) {
                    Some(Pickled::Named(module, name)) => {
                        let why = format!("a pickled Python object, of which the name was read: {module}.{name}");
                        (in_python(&module, &name), Some(why))
                    }
                    Some(Pickled::Text(name)) => (name, None),
                    Some(Pickled::None) => return Ok(None),
                    _ => ("a Python object".to_owned(), Some("it should name a function, and does not".to_owned())),
                };
                self.transfer = Some(transfer);
                Ok(why)
            }
            _ => Ok(Some(format!("it is not what `{name}` stands for"))),
        }
    }
}

/// Leaves out what TensorFlow's optimizers keep beside the weights.
fn skip_slots(npz: &mut Npz) {
    let is_slot = |name: &str| -> Option<String> {
        let (weights, slot) = name.rsplit_once('/')?;
        let (kind, number) = slot.rsplit_once('_').unwrap_or((slot, ""));
        let kind = if number.bytes().all(|byte| byte.is_ascii_digit()) { kind } else { slot };
        // Beside the weights, and of their shape.
        let beside = npz.shape(weights).is_some() && npz.shape(weights) == npz.shape(name);
        (SLOTS.contains(&kind) && beside).then(|| format!("what an optimizer keeps of `{weights}`"))
    };
    let slots: Vec<_> = npz.names().filter_map(|name| Some((name.to_owned(), is_slot(name)?))).collect();
    if slots.is_empty() {
        return;
    }
    slots.into_iter().for_each(|(name, why)| npz.skip(&name, why));
    for name in POWERS.into_iter().filter(|name| npz.shape(name).is_some()).collect::<Vec<_>>() {
        npz.skip(name, "what an optimizer keeps");
    }
}
