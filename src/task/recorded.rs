//! Trials in `.npz` files: those that were recorded elsewhere, and our own.

use std::path::Path;

use ndarray::{Array3, ArrayD, Axis, Ix3, s};
use ndarray_npy::WriteNpyError;
use serde::{Deserialize, Serialize};

use super::time::Clock;
use super::{Batch, Decision, Duration, Epochs, TaskSpec};
use crate::npz::Npz;
use crate::random::Seed;
use crate::table::{Table, Value};
use crate::{Error, Result, file};

/// The arrays of trials, which are no columns.
const ARRAYS: [&str; 5] = ["inputs", "targets", "mask", "lengths", "dt"];
/// What our own files say about the trials besides arrays: JSON, as bytes.
const ABOUT: &str = "about";
/// Where our own files have the columns of the table.
const COLUMNS: &str = "trials/";

/// What there is about trials besides arrays.
#[derive(Serialize, Deserialize)]
struct About {
    spec: TaskSpec,
    values: Table,
    epochs: Vec<Epochs>,
    numbers: Vec<u64>,
    seed: Seed,
    #[serde(default)]
    decisions: Vec<Decision>,
}

/// Files.
impl Batch {
    /// Reads recorded trials from an `.npz` file, as `numpy.savez(path, inputs=…, targets=…, …)` writes them; a [`Batch`] takes the
    /// place of a task wherever one is asked for.
    ///
    /// | array | shape | |
    /// | --- | --- | --- |
    /// | `inputs` | `[n_batch, n_steps, n_in]` | what the subject saw |
    /// | `targets` | `[n_batch, n_steps, n_out]` | what it should answer |
    /// | `mask` | `[n_batch, n_steps, n_out]` or `[n_batch, n_steps]` | how much each error counts; without it 1 |
    /// | `lengths` | `[n_batch]` | the steps of each trial, after which all is set to 0; without it all |
    /// | `dt` | a number | milliseconds; must be that of the spec |
    /// | others | `[n_batch]`, or one for all trials | a column of [`Batch::values`]: numbers, truth values or texts |
    ///
    /// What has another shape is left out, and that is told on standard error. The spec gives channels, `dt`, `tau` and how choices
    /// are read; if its epochs have fixed durations, each trial has them. A file of [`Session::save`](crate::simulate::Session::save)
    /// or [`Batch::save`] also gives back its epochs, values and numbers.
    ///
    /// ```
    /// use psychrnn::prelude::*;
    /// # let folder = tempfile::tempdir().map_err(|_| ()).unwrap();
    /// # let path = folder.path().join("recorded.npz");
    /// # PerceptualDiscrimination::default().batch(5, Seed(1))?.save(&path)?;
    /// let spec = TaskSpec::new(2, 2).dt(10.0).tau(100.0);
    /// let recorded = Batch::load(&path, &spec)?;
    /// println!("{}", recorded.values);
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the file cannot be read, if `inputs` or `targets` are missing, or if an array does not fit the others or the spec: says what
    /// to do with it in NumPy.
    pub fn load(path: impl AsRef<Path>, spec: &TaskSpec) -> Result<Self> {
        let path = path.as_ref();
        let mut npz = Npz::open(path)?;
        Reader { npz: &mut npz, path }.recorded(spec)
    }

    /// Writes a compressed `.npz` file that opens with `numpy.load`, as
    /// [`Session::save`](crate::simulate::Session::save) does, with what [`Batch::load`] needs to give the same trials. An older file
    /// of that name stays whole if this fails.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let about = self.about()?;
        file::write_npz(path.as_ref(), |npz| self.write(npz, &self.values, about))
    }

    /// What [`Batch::write`] writes besides arrays.
    pub(crate) fn about(&self) -> Result<Vec<u8>> {
        let Self { spec, values, epochs, numbers, seed, decisions, .. } = self.clone();
        serde_json::to_vec(&About { spec, values, epochs, numbers, seed, decisions })
            .map_err(|error| Error::argument("batch", "writable as JSON", error))
    }

    /// Adds the trials to a file, with the columns of this table.
    pub(crate) fn write(
        &self,
        npz: &mut file::Npz<'_, '_>,
        table: &Table,
        about: Vec<u8>,
    ) -> Result<(), WriteNpyError> {
        for (name, array) in [("inputs", &self.inputs), ("targets", &self.targets), ("mask", &self.mask)] {
            npz.array(name, array.view())?;
        }
        npz.list("lengths", self.lengths.iter().map(|&length| length as u64))?;
        npz.array("dt", ndarray::arr0(self.spec.dt).view())?;
        for (name, column) in table.iter() {
            let name = format!("{COLUMNS}{name}");
            match column.iter().map(Value::number).collect::<Option<Vec<f64>>>() {
                Some(numbers) => npz.list(&name, numbers)?,
                None => npz.texts(&name, &column.iter().map(Value::to_string).collect::<Vec<_>>())?,
            }
        }
        npz.list(ABOUT, about)
    }

    /// The trials in a file of our own; `None` if it is another.
    pub(crate) fn read(npz: &mut Npz, path: &Path) -> Result<Option<Self>> {
        let mut reader = Reader { npz, path };
        let Some(about) = reader.about()? else { return Ok(None) };
        let spec = about.spec.clone();
        let batch = reader.arrays(&spec)?.with(about, spec);
        batch.check()?;
        Ok(Some(batch))
    }

    fn with(self, about: About, spec: TaskSpec) -> Self {
        let About { values, epochs, numbers, seed, decisions, .. } = about;
        Self { values, epochs, numbers, seed, spec, decisions, ..self }
    }
}

/// Reads trials from a file.
struct Reader<'a> {
    npz: &'a mut Npz,
    path: &'a Path,
}

impl Reader<'_> {
    fn recorded(mut self, spec: &TaskSpec) -> Result<Batch> {
        let about = self.about()?;
        let mut batch = self.arrays(spec)?;
        match about {
            // The file knows better how long its trials are.
            Some(about) => {
                let TaskSpec { epochs, duration, .. } = about.spec.clone();
                batch = batch.with(about, TaskSpec { epochs, duration, ..spec.clone() });
            }
            None => {
                batch.values = self.columns(batch.n_trials())?;
                if !spec.epochs.is_empty() {
                    batch.epochs = vec![self.epochs(spec, &batch)?; batch.n_trials()];
                    batch.spec.epochs.clone_from(&spec.epochs);
                }
            }
        }
        batch.check()?;
        batch.spec.check()?;
        Ok(batch)
    }

    fn wrong(&self, problem: impl Into<String>) -> Error {
        Error::file(self.path, problem)
    }

    fn about(&mut self) -> Result<Option<About>> {
        if !self.npz.is_ours() || !self.npz.has_bytes(ABOUT) {
            return Ok(None);
        }
        let json: Vec<u8> = self.npz.numbers(ABOUT)?.into_iter().collect();
        let broken = |error| self.wrong(format!("what it says about its trials is not of this version ({error})"));
        let about: About = serde_json::from_slice(&json).map_err(broken)?;
        let n = self.npz.shape("inputs").and_then(|shape| shape.first()).copied().unwrap_or(0);
        if about.values.n_rows() != n && about.values.names().next().is_some() {
            return Err(self.wrong(format!("its table has {} rows for {n} trials", about.values.n_rows())));
        }
        Ok(Some(about))
    }

    /// A batch of the arrays in the file, without values and epochs.
    fn arrays(&mut self, spec: &TaskSpec) -> Result<Batch> {
        if self.is_given("dt")? {
            let all: ArrayD<f32> = self.npz.numbers("dt")?;
            if let Some(dt) = all.iter().find(|&&dt| dt != spec.dt) {
                return Err(self.wrong(format!("its `dt` is {dt} ms, and that of the spec is {} ms", spec.dt)));
            }
        }
        let mut inputs = self.cube("inputs", spec.n_in, "n_in")?;
        let (n, n_steps, _) = inputs.dim();
        self.check_first_axis(n, n_steps)?;
        let mut targets = self.cube("targets", spec.n_out, "n_out")?;
        let mut mask = match self.is_given("mask")? {
            true => self.mask((n, n_steps, spec.n_out))?,
            false => Array3::ones((n, n_steps, spec.n_out)),
        };
        let lengths = self.lengths(n, n_steps)?;
        for (name, array) in [("inputs", &mut inputs), ("targets", &mut targets), ("mask", &mut mask)] {
            if (array.len_of(Axis(0)), array.len_of(Axis(1))) != (n, n_steps) {
                let problem =
                    format!("`{name}` has shape {:?}, but `inputs` has {n} trials of {n_steps} steps", array.shape());
                return Err(self.wrong(problem));
            }
            for (trial, &length) in lengths.iter().enumerate() {
                array.slice_mut(s![trial, length.., ..]).fill(0.0);
            }
        }
        let duration = Some(Clock::new(spec.dt).time(n_steps as i64) as f32);
        Ok(Batch {
            inputs,
            targets,
            mask,
            lengths,
            values: Table::new(),
            epochs: vec![Epochs::new(); n],
            numbers: (0..n as u64).collect(),
            seed: Seed(0),
            spec: TaskSpec { epochs: Vec::new(), duration, ..spec.clone() },
            decisions: Vec::new(),
        })
    }

    /// Whether there is an array of that name; an error if it does not hold numbers.
    fn is_given(&self, name: &str) -> Result<bool> {
        let ragged =
            ". Have its trials different lengths? Fill the shorter ones up with zeros, and save their `lengths`";
        let why = match self.npz.skipped().iter().find(|skipped| skipped.name == name) {
            Some(skipped) => skipped.why.clone(),
            None if self.npz.shape(name).is_none() => return Ok(false),
            None if self.npz.has_numbers(name) => return Ok(true),
            None if self.npz.has_texts(name) => "texts".to_owned(),
            None => format!("pickled Python objects{ragged}"),
        };
        Err(self.wrong(format!("`{name}` should be an array of numbers, but it was not read: {why}")))
    }

    /// An array of three axes, of which the last has so many channels.
    fn cube(&mut self, name: &str, channels: usize, meaning: &str) -> Result<Array3<f32>> {
        if !self.npz.has_numbers(name) {
            self.is_given(name)?;
            let there = self.npz.names().collect::<Vec<_>>().join(", ");
            return Err(self.wrong(format!(
                "there is no array of numbers `{name}`; it has {there}. Name the arrays so: numpy.savez(path, inputs=…, targets=…, mask=…)"
            )));
        }
        let array: ArrayD<f32> = self.npz.numbers(name)?;
        let advice = match *array.shape() {
            [_, _, last] if last == channels => {
                return array.into_dimensionality::<Ix3>().map_err(|error| self.wrong(error.to_string()));
            }
            [_] | [_, _] if name == "targets" && channels > 1 && array.shape().last() != Some(&channels) => {
                let repeated = if array.ndim() == 1 { "[:, None].repeat(n_steps, axis=1)" } else { "" };
                format!("if it holds the number of the right output, save numpy.eye({channels})[targets]{repeated}")
            }
            [_, _] if channels == 1 => format!("the axis of the channel is missing: save {name}[:, :, None]"),
            [_, last] if last == channels => format!("the axis of the trials is missing: save {name}[None]"),
            [_, middle, _] if middle == channels => format!("the channels come last: save {name}.swapaxes(1, 2)"),
            [first, _, _] if first == channels => format!("the channels come last: save numpy.moveaxis({name}, 0, 2)"),
            _ => format!("if that is right, make the spec with {meaning} = {}", array.shape().last().unwrap_or(&0)),
        };
        let shape = array.shape();
        Err(self.wrong(format!(
            "`{name}` must have shape [n_batch, n_steps, {meaning} = {channels}], but it has shape {shape:?}: {advice}"
        )))
    }

    /// An error if the trials are not along the first axis, as far as it can be told: all vectors are as long as the second.
    fn check_first_axis(&self, n: usize, n_steps: usize) -> Result<()> {
        let vectors = || {
            self.npz.names().filter_map(|name| match *self.npz.shape(name)? {
                [length] if !["mask", "dt", ABOUT].contains(&name) && length > 1 => Some(length),
                _ => None,
            })
        };
        if n != n_steps && vectors().count() > 0 && vectors().all(|length| length == n_steps) {
            return Err(self.wrong(format!(
                "`inputs` has {n} trials of {n_steps} steps by its shape, but there are {n_steps} values a column: if time comes first, save \
                 inputs.swapaxes(0, 1), and so the other arrays"
            )));
        }
        Ok(())
    }

    fn mask(&mut self, dim: (usize, usize, usize)) -> Result<Array3<f32>> {
        let mask: ArrayD<f32> = self.npz.numbers("mask")?;
        let (n, n_steps, _) = dim;
        let all = match *mask.shape() {
            // One for all outputs.
            [rows, columns] if (rows, columns) == (n, n_steps) => mask.view().insert_axis(Axis(2)),
            _ => mask.view(),
        };
        let spread = all.into_dimensionality::<Ix3>().ok().and_then(|all| {
            let fits = (all.len_of(Axis(0)), all.len_of(Axis(1))) == (n, n_steps);
            all.broadcast(dim).filter(|_| fits).map(|all| all.to_owned())
        });
        let (shape, n_out) = (mask.shape(), dim.2);
        spread.ok_or_else(|| {
            self.wrong(format!(
                "`mask` must have shape [{n}, {n_steps}, {n_out}] or [{n}, {n_steps}], but it has shape {shape:?}"
            ))
        })
    }

    fn lengths(&mut self, n: usize, n_steps: usize) -> Result<Vec<usize>> {
        if !self.is_given("lengths")? {
            return Ok(vec![n_steps; n]);
        }
        let lengths: Vec<f64> = self.npz.numbers("lengths")?.into_iter().collect();
        if lengths.len() != n {
            return Err(self.wrong(format!("`lengths` has {} values for {n} trials", lengths.len())));
        }
        let whole = |length: &f64| length.fract() == 0.0 && (1.0..=n_steps as f64).contains(length);
        if let Some(length) = lengths.iter().find(|length| !whole(length)) {
            let problem = format!("`lengths` counts the steps of each trial, from 1 to {n_steps}, but one is {length}");
            return Err(self.wrong(problem));
        }
        Ok(lengths.into_iter().map(|length| length as usize).collect())
    }

    /// The table of all vectors with a value for each trial.
    fn columns(&mut self, n: usize) -> Result<Table> {
        let mut table = Table::new();
        let mut left_out: Vec<String> = self.npz.skipped().iter().map(ToString::to_string).collect();
        let names: Vec<String> = self.npz.names().filter(|name| !ARRAYS.contains(name)).map(str::to_owned).collect();
        for name in names {
            let column = name.strip_prefix(COLUMNS).unwrap_or(&name);
            let shape = self.npz.shape(&name).unwrap_or_default().to_owned();
            let length = shape.iter().product::<usize>();
            let is_vector = shape.iter().filter(|&&axis| axis != 1).count() <= 1 && (length == n || length == 1);
            let values = if is_vector { self.values(&name)? } else { None };
            match values {
                Some(values) if length == n => table.insert(column, values)?,
                Some(values) => table.insert(column, values.iter().cycle().take(n))?,
                None => left_out.push(format!("`{name}` {shape:?}")),
            }
        }
        if !left_out.is_empty() {
            eprintln!(
                "{}: left out, since they are no columns of {n} numbers or texts: {}",
                self.path.display(),
                left_out.join(", ")
            );
        }
        Ok(table)
    }

    /// The values of an array of numbers or texts, whatever their kind.
    fn values(&mut self, name: &str) -> Result<Option<Vec<Value>>> {
        fn all<T: Into<Value>>(array: ArrayD<T>) -> Vec<Value> {
            array.into_iter().map(Into::into).collect()
        }
        Ok(Some(match self.npz.kind(name) {
            Some((b'b', _)) => all(self.npz.numbers::<f64>(name)?.mapv(|truth| truth != 0.0)),
            Some((b'i', _)) => all(self.npz.numbers::<i64>(name)?),
            Some((b'u', _)) => all(self.npz.numbers::<u64>(name)?),
            Some((b'f', 2 | 4)) => all(self.npz.numbers::<f32>(name)?),
            Some(_) => all(self.npz.numbers::<f64>(name)?),
            None if self.npz.has_texts(name) => all(self.npz.texts(name)?),
            None => return Ok(None),
        }))
    }

    /// The epochs of each trial, if they follow from the spec.
    fn epochs(&self, spec: &TaskSpec, batch: &Batch) -> Result<Epochs> {
        let fixed = spec.epochs.iter().all(|(_, duration)| matches!(duration, Duration::Fixed(_) | Duration::Rest));
        if !fixed {
            return Err(self.wrong(
                "it does not tell how long the epochs of each trial lasted, and those of the spec have random durations: leave the epochs \
                 out of the spec, and set `batch.epochs` afterwards if you know them",
            ));
        }
        let spec = TaskSpec { duration: batch.spec.duration, ..spec.clone() };
        let epochs = spec.draw_epochs(&mut Seed(0).stream(0));
        let end = spec.n_steps(epochs.end_of_last())?;
        match batch.lengths.iter().find(|&&length| length < end) {
            None => Ok(epochs),
            Some(length) => {
                Err(self
                    .wrong(format!("the epochs of the spec last {end} steps, and the shortest of its trials {length}")))
            }
        }
    }
}
