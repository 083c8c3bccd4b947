//! A case: what is true, and how far from it what we find is.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use ndarray::{Array, Dimension};

use crate::arrays::{Numbers, read_npz};

/// What a comparison needs may be missing; the case then fails with this sentence.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What is true, and what became of it.
pub(crate) struct Case {
    name: String,
    arrays: IndexMap<String, Numbers>,
    used: BTreeSet<String>,
    /// By how much we differ at most, and how much is tolerated, by what it is about.
    far: IndexMap<String, (f64, f64)>,
    notes: Vec<String>,
    failures: Vec<String>,
    seconds: Duration,
}

impl Case {
    /// Compares; what panics is an error.
    pub(crate) fn examine(name: &str, compare: impl FnOnce(&mut Self) -> Outcome) -> Self {
        let mut case = Self {
            name: name.to_owned(),
            arrays: IndexMap::new(),
            used: BTreeSet::new(),
            far: IndexMap::new(),
            notes: Vec::new(),
            failures: Vec::new(),
            seconds: Duration::ZERO,
        };
        match catch_unwind(AssertUnwindSafe(|| compare(&mut case))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => case.fail(error.to_string()),
            Err(panic) => case.fail(format!("a panic: {:?}", panic.downcast_ref::<String>())),
        }
        // How a network was drawn is not about it.
        let left = case.arrays.keys().filter(|name| !case.used.contains(*name) && *name != "seed");
        let left: Vec<String> = left.cloned().collect();
        if case.far.is_empty() || !left.is_empty() {
            case.fail(format!("nothing compares or uses {left:?}"));
        }
        case
    }

    /// The arrays of a file.
    pub(crate) fn read(&mut self, path: &Path) -> Outcome {
        self.arrays = read_npz(path)?;
        Ok(())
    }

    /// Leaves those of other cases out.
    pub(crate) fn keep(&mut self, ours: impl Fn(&str) -> bool) {
        self.arrays.retain(|name, _| ours(name));
    }

    /// Whether there is such an array.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    /// An array that is compared, or that says what we are asked.
    pub(crate) fn take<D: Dimension>(&mut self, name: &str) -> Outcome<Array<f64, D>> {
        let values = self.arrays.get(name).ok_or_else(|| format!("there is no array {name}"))?.values.clone();
        self.used.insert(name.to_owned());
        let shape = values.shape().to_vec();
        Ok(values.into_dimensionality().map_err(|_| format!("{name} has shape {shape:?}"))?)
    }

    /// Does what takes our time.
    pub(crate) fn timed<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        self.seconds += start.elapsed();
        done
    }

    /// By how much we differ, and how much is tolerated.
    pub(crate) fn far(&mut self, what: &str, difference: f64, tolerated: f64) {
        if difference.is_nan() || difference > tolerated {
            self.fail(format!("{what}: {difference:.2e}, more than {tolerated:.1e}"));
        }
        let largest = self.far.entry(what.to_owned()).or_insert((0.0, tolerated));
        if difference.is_nan() || difference / tolerated > largest.0 / largest.1 {
            *largest = (difference, tolerated);
        }
    }

    /// The same of many numbers, relative to `1 + |theirs|`.
    pub(crate) fn close<'a, 'b>(
        &mut self,
        what: &str,
        ours: impl IntoIterator<Item = &'a f64>,
        theirs: impl IntoIterator<Item = &'b f64>,
        tolerated: f64,
    ) {
        let (mut ours, mut theirs) = (ours.into_iter(), theirs.into_iter());
        let pairs: Vec<(f64, f64)> = ours.by_ref().zip(theirs.by_ref()).map(|(a, b)| (*a, *b)).collect();
        if ours.next().is_some() || theirs.next().is_some() {
            self.fail(format!("{what}: not as many numbers as there are"));
        }
        // NaN where there is none must not pass for equal.
        let largest = pairs.iter().map(|(a, b)| (a - b).abs() / (1.0 + b.abs()));
        self.far(what, largest.fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a }), tolerated);
    }

    /// What must be equal.
    pub(crate) fn equal<T: PartialEq + fmt::Debug>(&mut self, what: &str, ours: T, theirs: T) {
        if ours != theirs {
            self.fail(format!("{what}: {ours:?}, and {theirs:?} is true"));
        }
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(crate) fn fail(&mut self, failure: String) {
        self.failures.push(failure);
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.failures.is_empty() { "equal" } else { "FAILED" };
        write!(f, "{:<22} {verdict:<7} {:>7.3} s", self.name, self.seconds.as_secs_f64())?;
        self.notes.iter().try_for_each(|note| write!(f, "  {note};"))?;
        self.far.iter().try_for_each(|(what, (far, tolerated))| write!(f, "  {what} {far:.0e} of {tolerated:.0e}"))
    }
}

/// A line a case; then all that is wrong.
pub(crate) fn all_are_equal(cases: impl IntoIterator<Item = Case>) {
    let mut failures = String::new();
    for case in cases {
        println!("{case}");
        failures.extend(case.failures.iter().map(|failure| format!("  {}: {failure}\n", case.name)));
    }
    assert!(failures.is_empty(), "not what is true:\n{failures}");
}
