//! Named arrays, and the `.npz` files that hold them.
//!
//! Names and shapes are those of PsychRNN: `W_in` `[n_rec, n_in]`, `W_rec` `[n_rec, n_rec]` (`[post, pre]`), `W_out`
//! `[n_out, n_rec]`, `b_rec` `[n_rec]`, `b_out` `[n_out]`, `init_state` `[1, n_rec]`. Weights are effective: masks and
//! signs are applied. A file opens with `numpy.load`, and a file that PsychRNN wrote opens here; what an
//! `Rnn` saves also opens in PsychRNN, by `load_weights_path`.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;

use indexmap::IndexMap;
use ndarray::{Array1, Array2, ArrayD, IxDyn};
use ndarray_npy::{ReadNpyExt, ReadableElement};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zip::ZipArchive;

use crate::error::all_finite;
use crate::{Error, Result, file};

/// The entry that holds the configuration: JSON, as bytes.
const CONFIG: &str = "config";
/// The entry that says whether PsychRNN applies Dale's principle.
const DALE_RATIO: &str = "dale_ratio";
/// Python's `None` as NumPy writes it: an array of one pickled object. PsychRNN wants it where there is no Dale's principle.
/// Nothing is unpickled here: an entry is `None` if it has these bytes.
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
    config: Option<serde_json::Value>,
    dale_ratio: Option<Option<f64>>,
    skipped: Vec<String>,
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

    /// What the file held besides, and was not read: pickled objects, texts, optimizer states (`/` in the name).
    #[must_use]
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The array of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn array(&self, name: &str) -> Result<&ArrayD<f32>> {
        self.arrays.get(name).ok_or_else(|| Error::MissingArray {
            name: name.to_owned(),
            present: self.names().map(str::to_owned).collect(),
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
        let read = |config: &serde_json::Value| {
            serde_json::from_value(config.clone())
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
            serde_json::to_value(config).map_err(|error| Error::argument("config", "writable as JSON", error))?;
        self.config = Some(json);
        Ok(())
    }

    /// An error that names the array and the place, if a number is NaN or infinite.
    pub(crate) fn check_finite(&self) -> Result<()> {
        for (name, array) in &self.arrays {
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

    /// Writes a compressed `.npz` file. An older file of that name stays whole if this fails.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        file::write_npz(path.as_ref(), |npz| {
            for (name, array) in &self.arrays {
                npz.array(name, array.view())?;
            }
            match self.dale_ratio {
                None => {}
                Some(Some(ratio)) => npz.array(DALE_RATIO, ndarray::arr0(ratio).view())?,
                Some(None) => npz.entry(DALE_RATIO, "|O", "()", NONE)?,
            }
            match &self.config {
                None => Ok(()),
                Some(config) => npz.list(CONFIG, config.to_string().into_bytes()),
            }
        })
    }

    /// Reads an `.npz` file: ours, PsychRNN's, or any other. Numbers of every kind become `f32`; entries that are not
    /// arrays of numbers are left out, see [`Weights::skipped`]. Nothing is ever unpickled.
    ///
    /// # Errors
    /// If the file is missing, truncated, or not an `.npz`.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| Error::io("read", path, source))?;
        let whole = "is it whole, and was it written with numpy.savez or by this library?";
        let mut zip = ZipArchive::new(BufReader::new(file))
            .map_err(|error| Error::file(path, format!("it does not open as .npz ({error}); {whole}")))?;
        let mut weights = Self::new();
        for i in 0..zip.len() {
            let (entry, bytes) = read_entry(&mut zip, i)
                .map_err(|error| Error::file(path, format!("entry {i} cannot be read ({error}); {whole}")))?;
            let name = entry.strip_suffix(".npy").unwrap_or(&entry);
            let broken = |error: ndarray_npy::ReadNpyError| {
                Error::file(path, format!("the array `{name}` cannot be read ({error}); {whole}"))
            };
            let Some(header) = Header::parse(&bytes) else {
                return Err(Error::file(path, format!("the entry `{entry}` is not an array; {whole}")));
            };
            let kind = header.kind();
            if name == CONFIG && kind == "u1" {
                let json = ArrayD::<u8>::read_npy(Cursor::new(&bytes)).map_err(broken)?;
                let json: Vec<u8> = json.into_iter().collect();
                weights.config = serde_json::from_slice(&json).ok();
                continue;
            }
            if name == DALE_RATIO && (kind == "f8" || bytes.ends_with(NONE)) {
                let number = |bytes| ArrayD::<f64>::read_npy(Cursor::new(bytes)).map(|ratio| ratio.first().copied());
                weights.dale_ratio = Some(if kind == "f8" { number(&bytes).map_err(broken)? } else { None });
                continue;
            }
            let array = if name.contains('/') || !header.fits(bytes.len()) {
                if name.contains('/') || kind.starts_with('O') {
                    None
                } else {
                    return Err(Error::file(path, format!("the array `{name}` is cut off; {whole}")));
                }
            } else {
                read_numbers(kind, &bytes).transpose().map_err(broken)?
            };
            match array {
                Some(array) => {
                    weights.arrays.insert(name.to_owned(), array);
                }
                None => weights.skipped.push(name.to_owned()),
            }
        }
        if weights.arrays.is_empty() {
            return Err(Error::file(path, "it holds no arrays of numbers"));
        }
        Ok(weights)
    }
}

fn read_entry<R: Read + Seek>(zip: &mut ZipArchive<R>, i: usize) -> std::io::Result<(String, Vec<u8>)> {
    let mut entry = zip.by_index(i)?;
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes)?;
    Ok((entry.name().to_owned(), bytes))
}

/// The numbers of an `.npy` array, whatever their kind; `None` for what is not a number.
fn read_numbers(kind: &str, bytes: &[u8]) -> Option<Result<ArrayD<f32>, ndarray_npy::ReadNpyError>> {
    fn read<T: ReadableElement>(
        bytes: &[u8],
        to: impl Fn(&T) -> f32,
    ) -> Result<ArrayD<f32>, ndarray_npy::ReadNpyError> {
        Ok(ndarray::ArrayBase::<ndarray::OwnedRepr<T>, IxDyn>::read_npy(Cursor::new(bytes))?.map(to))
    }
    Some(match kind {
        "f4" => read::<f32>(bytes, |&x| x),
        "f8" => read::<f64>(bytes, |&x| x as f32),
        "b1" => read::<bool>(bytes, |&x| f32::from(u8::from(x))),
        "i1" => read::<i8>(bytes, |&x| f32::from(x)),
        "i2" => read::<i16>(bytes, |&x| f32::from(x)),
        "i4" => read::<i32>(bytes, |&x| x as f32),
        "i8" => read::<i64>(bytes, |&x| x as f32),
        "u1" => read::<u8>(bytes, |&x| f32::from(x)),
        "u2" => read::<u16>(bytes, |&x| f32::from(x)),
        "u4" => read::<u32>(bytes, |&x| x as f32),
        "u8" => read::<u64>(bytes, |&x| x as f32),
        _ => return None,
    })
}

/// What the head of an `.npy` entry says, as far as it decides whether to read on.
struct Header<'a> {
    descr: &'a str,
    shape: Vec<usize>,
    length: usize,
}

impl<'a> Header<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        if !bytes.starts_with(b"\x93NUMPY") {
            return None;
        }
        let (start, length) = match bytes.get(6)? {
            1 => (10_usize, usize::from(u16::from_le_bytes(bytes.get(8..10)?.try_into().ok()?))),
            _ => (12, u32::from_le_bytes(bytes.get(8..12)?.try_into().ok()?) as usize),
        };
        let length = start.checked_add(length)?;
        let text = std::str::from_utf8(bytes.get(start..length)?).ok()?;
        let (_, descr) = text.split_once("'descr':")?;
        let descr = descr.trim_start().strip_prefix('\'').and_then(|rest| rest.split_once('\'')).map_or("", |(d, _)| d);
        let (_, shape) = text.split_once("'shape':")?;
        let (shape, _) = shape.trim_start().strip_prefix('(')?.split_once(')')?;
        let axes = shape.split(',').map(str::trim).filter(|axis| !axis.is_empty());
        Some(Self { descr, shape: axes.map(|axis| axis.parse().ok()).collect::<Option<_>>()?, length })
    }

    /// The kind of number without its byte order: `f4`.
    fn kind(&self) -> &'a str {
        self.descr.trim_start_matches(['<', '>', '|', '='])
    }

    /// Whether the entry is as long as its shape says: a shape is not believed before memory is asked for.
    fn fits(&self, length: usize) -> bool {
        let Ok(size) = self.kind().trim_start_matches(|c: char| !c.is_ascii_digit()).parse::<usize>() else {
            return false;
        };
        let size = if self.kind().starts_with('U') { size.saturating_mul(4) } else { size };
        let data = self.shape.iter().try_fold(size, |product, &axis| product.checked_mul(axis));
        data.and_then(|data| data.checked_add(self.length)) == Some(length)
    }
}
