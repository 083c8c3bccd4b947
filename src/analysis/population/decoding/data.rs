//! Trials and their classes.

use ndarray::{Array2, Array3, Axis, s};

use crate::table::{Table, Value};
use crate::{Error, Result};

/// Trials and their classes.
pub(super) struct Data {
    /// `[n_times, n_trials, n_units]`
    pub(super) activity: Array3<f64>,
    /// The number of the class of each trial.
    pub(super) y: Vec<usize>,
    pub(super) classes: Vec<Value>,
    /// The fold of each trial, if they are not to be dealt out.
    pub(super) fold_of: Option<Vec<usize>>,
}

impl Data {
    pub(super) fn n_times(&self) -> usize {
        self.activity.len_of(Axis(0))
    }

    /// How many trials each class has.
    pub(super) fn counts(&self) -> Vec<usize> {
        let of = |class| self.y.iter().filter(|&&own| own == class).count();
        (0..self.classes.len()).map(of).collect()
    }

    /// The activity of some trials, that of one time below that of another: `[n_times n_rows, n_units]`.
    pub(super) fn stacked(&self, rows: &[usize]) -> Array2<f64> {
        let (n_times, _, n_units) = self.activity.dim();
        let mut stacked = Array2::zeros((n_times * rows.len(), n_units));
        let from = (0..n_times).flat_map(|time| rows.iter().map(move |&row| (time, row)));
        let places = stacked.outer_iter_mut().zip(from);
        places.for_each(|(mut place, (time, row))| place.assign(&self.activity.slice(s![time, row, ..])));
        stacked
    }
}

/// The items of some trials, of a list with one for each.
pub(super) fn select<T: Clone>(name: &str, items: &[T], rows: &[usize], n_trials: usize) -> Result<Vec<T>> {
    if items.len() != n_trials {
        return Err(Error::shape(name, format!("[n_trials = {n_trials}]"), &[items.len()]));
    }
    Ok(rows.iter().map(|&row| items[row].clone()).collect())
}

/// Trials of plain arrays that have a class, and which they are.
pub(super) fn of_arrays<V: Clone + Into<Value>>(
    activity: &Array3<f64>,
    classes: &[V],
    fold_of: Option<&[usize]>,
) -> Result<(Data, Vec<usize>)> {
    let (n_trials, n_times, n_units) = activity.dim();
    if n_trials == 0 || n_times == 0 || n_units == 0 {
        let expected = "[n_trials, n_times, n_units], at least one of each";
        return Err(Error::shape("activity", expected, activity.shape()));
    }
    if classes.len() != n_trials {
        return Err(Error::shape("classes", format!("[n_trials = {n_trials}]"), &[classes.len()]));
    }
    if let Some(((trial, time, unit), &value)) = activity.indexed_iter().find(|(_, value)| !value.is_finite()) {
        let at = format!("trial {trial}, time {time}, unit {unit}");
        return Err(Error::NotFinite { name: "activity".into(), value, at });
    }
    let values: Vec<Value> = classes.iter().map(|class| class.clone().into()).collect();
    let rows: Vec<usize> = (0..n_trials).filter(|&row| !values[row].is_missing()).collect();
    let labels = rows.iter().map(|&row| values[row].clone()).collect();
    let by_time = activity.view().permuted_axes([1, 0, 2]).as_standard_layout().select(Axis(1), &rows);
    let fold_of = fold_of.map(|folds| select("fold_of", folds, &rows, n_trials)).transpose()?;
    Ok((Data { fold_of, ..classed("classes", by_time, labels)? }, rows))
}

/// Trials `[n_times, n_trials, n_units]` with the classes of their labels.
pub(super) fn classed(name: &str, activity: Array3<f64>, labels: Vec<Value>) -> Result<Data> {
    let mut table = Table::new();
    table.insert(name, labels)?;
    let mut y = vec![0; table.n_rows()];
    let mut classes = Vec::new();
    for (class, (value, rows)) in table.groups(name)?.into_iter().enumerate() {
        rows.into_iter().for_each(|row| y[row] = class);
        classes.push(value);
    }
    Ok(Data { activity, y, classes, fold_of: None })
}
