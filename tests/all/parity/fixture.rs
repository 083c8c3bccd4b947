//! Numbers that the real PsychRNN computed: an index of cases, each with an `.npz` file, and how ours are held to them.
//!
//! Nothing about sizes, seeds or cases is written here: all of it is in the index and in the files.

use std::cell::{Ref, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use ndarray::{Array, ArrayBase, ArrayD, Axis, Data, Dimension, arr0};
use ndarray_npy::NpzWriter;
use serde::Deserialize;
use serde_json::Value;

use crate::arrays::{Kind, Numbers, read_npz};

/// What a comparison needs may be missing from a case; the case then fails with this sentence.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The folder of fixtures: what `PSYCHRNN_FIXTURES` names, or the one that comes with the crate.
pub(crate) fn folder() -> PathBuf {
    let ours = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/parity");
    std::env::var_os("PSYCHRNN_FIXTURES").filter(|path| !path.is_empty()).map_or_else(ours, PathBuf::from)
}

/// What a folder of fixtures says about itself.
#[derive(Deserialize)]
pub(crate) struct Index {
    sizes: BTreeMap<String, Value>,
    /// The cases, in the order of the index.
    pub(crate) cases: IndexMap<String, Info>,
}

/// What the index says about a case.
#[derive(Clone, Deserialize)]
pub(crate) struct Info {
    /// The file with the arrays.
    pub(crate) file: String,
    /// The kind of the case.
    pub(crate) group: String,
    #[serde(default)]
    params: Value,
    tolerance: Tolerances,
    arrays: IndexMap<String, String>,
    /// Mean and standard deviation of each column of a statistical case.
    #[serde(default)]
    pub(crate) summary: BTreeMap<String, Summary>,
    /// The norm of the gradient of each parameter before the first update.
    #[serde(default)]
    pub(crate) initial_gradient_norms: BTreeMap<String, f64>,
    /// The checksum of the file.
    pub(crate) sha256: Option<String>,
    /// The checksum of the file that PsychRNN's own `save` wrote.
    pub(crate) saved_file_sha256: Option<String>,
}

/// The mean and the standard deviation of a sample.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Summary {
    mean: f64,
    sd: f64,
}

#[derive(Clone, Copy, Deserialize)]
struct Tolerances {
    f32: Option<Tolerance>,
    f64: Option<Tolerance>,
}

/// Two numbers `a` and `b` of PsychRNN agree if `|a - b| <= atol + rtol |b|`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Tolerance {
    rtol: f64,
    atol: f64,
}

/// The relative tolerance where the index does not give one.
const USUAL: Tolerance = Tolerance { rtol: 1e-5, atol: 0.0 };

/// The relative difference between our single precision and PsychRNN's double precision that is nobody's fault.
const SINGLE: f64 = 1e-6;

impl Index {
    /// The index of a folder.
    pub(crate) fn read(folder: &Path) -> Outcome<Self> {
        let path = folder.join("index.json");
        let text = fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// The case of that name, with its arrays.
    pub(crate) fn case(&self, folder: &Path, name: &str) -> Outcome<Case> {
        let info = self.cases.get(name).ok_or_else(|| format!("the index has no case {name}"))?;
        let case = Case {
            name: name.to_owned(),
            folder: folder.to_owned(),
            info: info.clone(),
            sizes: self.sizes.clone(),
            arrays: read_npz(&folder.join(&info.file))?,
            used: RefCell::default(),
            claims: RefCell::default(),
        };
        Ok(case)
    }
}

/// Writes a file of arrays.
pub(crate) fn write_npz(path: &Path, arrays: &IndexMap<String, Numbers>) -> Outcome {
    let mut npz = NpzWriter::new(File::create(path)?);
    for (name, Numbers { kind, values }) in arrays {
        match kind {
            Kind::F32 => npz.add_array(name.as_str(), &values.mapv(|x| x as f32))?,
            Kind::F64 => npz.add_array(name.as_str(), values)?,
            Kind::I64 => npz.add_array(name.as_str(), &values.mapv(|x| x as i64))?,
        }
    }
    npz.finish()?;
    Ok(())
}

/// A case: what PsychRNN was asked and what it computed, and what we computed in its place.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) info: Info,
    sizes: BTreeMap<String, Value>,
    arrays: IndexMap<String, Numbers>,
    used: RefCell<BTreeSet<String>>,
    claims: RefCell<Vec<Claim>>,
}

/// That an array of PsychRNN is what we say.
pub(crate) struct Claim {
    /// The array.
    pub(crate) array: String,
    /// What computed our numbers.
    by: String,
    rule: Rule,
}

enum Rule {
    /// Each number agrees.
    Close { ours: ArrayD<f64>, tolerance: Tolerance },
    /// The means of two samples differ by at most five standard errors.
    SameMean { ours: Vec<f64> },
    /// The sample has this mean and this standard deviation.
    Summary(Summary),
}

/// The largest difference between our numbers and PsychRNN's that a claim leaves.
#[derive(Clone, Debug)]
pub(crate) struct Deviation {
    /// In units of what is tolerated: more than 1 is too much.
    pub(crate) size: f64,
    /// The array, and what computed our numbers.
    pub(crate) of: String,
    at: String,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:.3} times what is tolerated, {}", self.of, self.size, self.at)
    }
}

impl Claim {
    /// By how much these numbers of PsychRNN contradict the claim.
    pub(crate) fn deviation(&self, theirs: &Numbers) -> Deviation {
        let (size, at) = match &self.rule {
            Rule::Close { ours, tolerance } => largest_difference(ours, &theirs.values, *tolerance),
            Rule::SameMean { ours } => {
                let theirs: Vec<f64> = theirs.values.iter().copied().collect();
                let (a, b) = (Summary::of(ours), Summary::of(&theirs));
                let error = (a.sd.powi(2) / ours.len() as f64 + b.sd.powi(2) / theirs.len() as f64).sqrt();
                // A constant differs by nothing but single precision.
                let is_constant = b.sd <= SINGLE * b.mean.abs().max(1e-3);
                let constant = if is_constant { SINGLE } else { 0.0 };
                (units((a.mean - b.mean).abs(), 5.0 * error + constant), format!("mean {} against {}", a.mean, b.mean))
            }
            Rule::Summary(said) => {
                let found = Summary::of(&theirs.values.iter().copied().collect::<Vec<_>>());
                let scale = 1e-9 * (said.mean.abs() + said.sd);
                let off = (found.mean - said.mean).abs().max((found.sd - said.sd).abs());
                (units(off, scale), format!("{found:?} against {said:?}"))
            }
        };
        Deviation { size, of: format!("{} ({})", self.array, self.by), at }
    }

    /// A small change to one of `n` numbers that contradicts the claim, if there is one.
    pub(crate) fn noticed_change(&self, number: f64, n: usize) -> Option<f64> {
        match &self.rule {
            Rule::Close { tolerance: Tolerance { rtol, atol }, .. } if *rtol > 0.0 || *atol > 0.0 => {
                // Where nothing is tolerated of a zero, the smallest change will do.
                Some((3.0 * (atol + rtol * number.abs())).max(1e-12))
            }
            Rule::Close { .. } => Some(1.0),
            Rule::SameMean { .. } => None,
            Rule::Summary(said) => Some((3e-9 * n as f64 * (said.mean.abs() + said.sd)).max(1e-12)),
        }
    }
}

impl Summary {
    fn of(sample: &[f64]) -> Self {
        let n = sample.len() as f64;
        let mean = sample.iter().sum::<f64>() / n;
        let sd = (sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        Self { mean, sd }
    }
}

/// A difference in units of what is tolerated; NaN is infinitely wrong.
fn units(difference: f64, tolerated: f64) -> f64 {
    if difference == 0.0 {
        0.0
    } else if difference.is_nan() || tolerated.is_nan() {
        f64::INFINITY
    } else {
        difference / tolerated
    }
}

fn largest_difference(ours: &ArrayD<f64>, theirs: &ArrayD<f64>, tolerance: Tolerance) -> (f64, String) {
    if ours.shape() != theirs.shape() {
        return (f64::INFINITY, format!("shape {:?} against {:?}", ours.shape(), theirs.shape()));
    }
    let mut worst = (0.0, "no difference".to_owned());
    for ((at, a), b) in ours.indexed_iter().zip(theirs) {
        let size = units((a - b).abs(), tolerance.atol + tolerance.rtol * b.abs());
        if size > worst.0 {
            worst = (size, format!("at {:?}: {a} against {b}", at.slice()));
        }
    }
    worst
}

/// What became of a case.
pub(crate) struct Report {
    pub(crate) case: String,
    /// The number of comparisons.
    pub(crate) comparisons: usize,
    /// The largest difference.
    pub(crate) largest: Option<Deviation>,
    /// What is wrong; empty if nothing is.
    pub(crate) failures: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.failures.is_empty() { "equal" } else { "FAILED" };
        write!(f, "{:<32} {verdict:<7} {:>5} comparisons", self.case, self.comparisons)?;
        match &self.largest {
            Some(Deviation { size, of, .. }) => write!(f, "   largest deviation {size:>8.5} of tolerance, {of}"),
            None => Ok(()),
        }
    }
}

impl Case {
    /// Whether there is such an array.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    /// The names of the arrays.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.arrays.keys().map(String::as_str)
    }

    /// The names of the arrays that begin so, without the beginning and without those in double precision.
    pub(crate) fn named(&self, prefix: &str) -> Vec<String> {
        let rest = self.names().filter_map(|name| name.strip_prefix(prefix));
        rest.filter(|name| !name.ends_with("_f64")).map(str::to_owned).collect()
    }

    /// An array that is an input: what PsychRNN was given, or where it started.
    pub(crate) fn wide_input(&self, name: &str) -> Outcome<ArrayD<f64>> {
        let numbers = self.arrays.get(name).ok_or_else(|| format!("there is no array {name}"))?;
        self.used.borrow_mut().insert(name.to_owned());
        Ok(numbers.values.clone())
    }

    /// An input in our precision.
    pub(crate) fn input<D: Dimension>(&self, name: &str) -> Outcome<Array<f32, D>> {
        let array = self.wide_input(name)?.mapv(|x| x as f32);
        let shape = array.shape().to_vec();
        Ok(array.into_dimensionality().map_err(|_| format!("{name} has shape {shape:?}"))?)
    }

    /// The first array of these names that there is, as an input.
    pub(crate) fn first_input(&self, names: &[String]) -> Outcome<ArrayD<f32>> {
        let name = names.iter().find(|name| self.has(name)).ok_or_else(|| format!("none of {names:?} is there"))?;
        self.input(name)
    }

    /// A parameter of the case.
    pub(crate) fn param(&self, name: &str) -> Option<&Value> {
        self.info.params.get(name).filter(|value| !value.is_null())
    }

    /// A parameter that is a number.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.param(name)?.as_f64()
    }

    /// A parameter that is a number, or the size that all cases share.
    pub(crate) fn number_or_size(&self, name: &str) -> Outcome<f64> {
        let number = self.number(name).or_else(|| self.sizes.get(name)?.as_f64());
        Ok(number.ok_or_else(|| format!("neither the case nor the index says `{name}`"))?)
    }

    /// A parameter that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.param(name)?.as_str()
    }

    /// Holds our numbers, and what computed them, to an array and to its double in double precision.
    pub(crate) fn compare<S: Data<Elem = f32>, D: Dimension>(
        &self,
        name: &str,
        by: &str,
        ours: &ArrayBase<S, D>,
    ) -> Outcome {
        self.compare_wide(name, by, ours.mapv(f64::from).into_dyn())
    }

    /// The same of numbers that came in double precision.
    pub(crate) fn compare_wide(&self, name: &str, by: &str, ours: ArrayD<f64>) -> Outcome {
        let double = format!("{name}_f64");
        if self.has(&double) {
            self.compare_alone(&double, by, ours.clone())?;
        }
        self.compare_alone(name, by, ours)
    }

    /// The same of a single number.
    pub(crate) fn compare_scalar(&self, name: &str, by: &str, ours: f64) -> Outcome {
        self.compare_wide(name, by, arr0(ours).into_dyn())
    }

    /// Holds our numbers to an array, whether or not there is one in double precision, too.
    pub(crate) fn compare_alone(&self, name: &str, by: &str, ours: ArrayD<f64>) -> Outcome {
        self.claim(name, by, |kind| Rule::Close { ours, tolerance: self.tolerance(kind) })
    }

    /// Holds numbers that we computed in double precision to an array in double precision.
    pub(crate) fn compare_in_double_precision(&self, name: &str, by: &str, ours: ArrayD<f64>) -> Outcome {
        let Tolerance { rtol, atol } = self.info.tolerance.f64.unwrap_or(USUAL);
        self.claim(name, by, |_| Rule::Close { ours, tolerance: Tolerance { rtol: rtol.max(SINGLE), atol } })
    }

    /// Holds a sample of ours to a sample of PsychRNN's, and that one to what the index says about it.
    pub(crate) fn compare_samples(&self, name: &str, by: &str, ours: Vec<f64>) -> Outcome {
        let summary = self.info.summary.get(name).copied();
        if let Some(summary) = summary {
            self.claim(name, "the index", |_| Rule::Summary(summary))?;
        }
        self.claim(name, by, |_| Rule::SameMean { ours })
    }

    fn claim(&self, name: &str, by: &str, rule: impl FnOnce(Kind) -> Rule) -> Outcome {
        let kind = self.arrays.get(name).ok_or_else(|| format!("there is no array {name}"))?.kind;
        self.claims.borrow_mut().push(Claim { array: name.to_owned(), by: by.to_owned(), rule: rule(kind) });
        Ok(())
    }

    /// What single-precision numbers of ours may differ by from an array of this kind.
    fn tolerance(&self, kind: Kind) -> Tolerance {
        let Tolerances { f32: single, f64: double } = self.info.tolerance;
        match kind {
            Kind::I64 => Tolerance { rtol: 0.0, atol: 0.0 },
            Kind::F32 => single.unwrap_or(USUAL),
            Kind::F64 => {
                let Tolerance { rtol, atol } = single.or(double).unwrap_or(USUAL);
                Tolerance { rtol: rtol.max(SINGLE), atol }
            }
        }
    }

    /// The relative and absolute part of what single-precision numbers may differ by, applied to one number.
    pub(crate) fn tolerated(&self, number: f64) -> f64 {
        let Tolerance { rtol, atol } = self.tolerance(Kind::F32);
        atol + rtol * number.abs()
    }

    /// Whether an array was taken as an input.
    pub(crate) fn is_input(&self, name: &str) -> bool {
        self.used.borrow().contains(name)
    }

    /// What was claimed about the arrays.
    pub(crate) fn claims(&self) -> Ref<'_, Vec<Claim>> {
        self.claims.borrow()
    }

    /// The arrays of the file.
    pub(crate) fn arrays(&self) -> &IndexMap<String, Numbers> {
        &self.arrays
    }

    /// What became of the case: each claim must hold, and each array must have been compared or used.
    pub(crate) fn report(&self, outcome: Outcome) -> Report {
        let mut failures: Vec<String> = outcome.err().iter().map(ToString::to_string).collect();
        let mut largest: Option<Deviation> = None;
        let mut touched = self.used.borrow().clone();
        for claim in self.claims().iter() {
            touched.insert(claim.array.clone());
            let deviation = claim.deviation(&self.arrays[&claim.array]);
            if deviation.size > 1.0 {
                failures.push(deviation.to_string());
            }
            if largest.as_ref().is_none_or(|largest| deviation.size > largest.size) {
                largest = Some(deviation);
            }
        }
        if largest.is_none() {
            failures.push("nothing was compared".into());
        }
        failures.extend(
            self.names()
                .filter(|&name| !touched.contains(name))
                .map(|name| format!("nothing compares or uses the array {name}")),
        );
        failures.extend(self.contradictions());
        Report { case: self.name.clone(), comparisons: self.claims().len(), largest, failures }
    }

    /// What the index says about the arrays and the file does not hold, or the other way round.
    fn contradictions(&self) -> Vec<String> {
        let unknown = self.names().filter(|&name| !self.info.arrays.contains_key(name));
        let mut found: Vec<String> =
            unknown.map(|name| format!("the index does not mention the array {name}")).collect();
        for (name, said) in &self.info.arrays {
            let Some(Numbers { kind, values }) = self.arrays.get(name) else {
                found.push(format!("the file lacks the array {name}"));
                continue;
            };
            let kind = match kind {
                Kind::F32 => "float32",
                Kind::F64 => "float64",
                Kind::I64 => "int64",
            };
            let shape: Vec<String> = values.shape().iter().map(ToString::to_string).collect();
            let held = format!("{kind} [{}]", shape.join(","));
            if !said.starts_with(&held) {
                found.push(format!("the array {name} is {held}, but the index says {said}"));
            }
        }
        found
    }
}

/// Arrays of one shape as one array, with a first axis for their number.
pub(crate) fn stack(arrays: &[ArrayD<f32>]) -> Outcome<ArrayD<f32>> {
    let views: Vec<_> = arrays.iter().map(|array| array.view()).collect();
    Ok(ndarray::stack(Axis(0), &views)?)
}
