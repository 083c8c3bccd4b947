//! What choices owe to the trials before them.

mod kernels;
mod serial_dependence;

pub use kernels::{HistoryKernels, HistoryWeight, HistoryWeights};
pub use serial_dependence::{SerialDependence, SerialDependenceFit};

use super::Counts;
use crate::analysis::statistics::special::{mean, variance};
use crate::table::{Table, Value};
use crate::{Error, Result};

/// The choices between two alternatives in trials that were done in order, as a table has them: a column `choice` with two values,
/// `correct`, and, where there are several, `session`. The trial before the first of a session is none. The tables of
/// [`Session::trials`](crate::simulate::Session::trials) are such ones where the session is that of
/// [`run_session`](crate::simulate::Simulator::run_session) or [`run_consecutively`](crate::simulate::Simulator::run_consecutively),
/// and so are those of an animal.
///
/// ```no_run
/// use psychrnn::analysis::ChoiceHistory;
/// use psychrnn::plot::shares;
/// use psychrnn::prelude::*;
/// use psychrnn::task::{Blocks, Transitions};
/// let repeat = |p: f32| Transitions::repeat(p).of(PerceptualDiscrimination::default());
/// let task = Blocks::new([repeat(0.8), repeat(0.2)]);
/// let session = Simulator::load("weights.npz")?.run_session(&task, 5000, Seed(1))?;
/// let session = session.with("signed", ["coherence", "direction"], |[c, d]| if d == 1.0 { c } else { -c })?;
/// let history = ChoiceHistory::of(&session.trials().only("block_kind", 0)?)?;
/// shares([("correct", &history.repeats_by("signed", true)?), ("error", &history.repeats_by("signed", false)?)])?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Where rows are left out of a table, as those of one kind of block above, the trials on both sides of a gap count as following one
/// another, unless it has a column `trial` with their numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct ChoiceHistory {
    trials: Table,
    /// -1 for the alternative that is the smaller of the two, 1 for the other, for each trial.
    choices: Vec<Option<f64>>,
    correct: Vec<Option<bool>>,
    /// The trial before each.
    before: Vec<Option<usize>>,
}

impl ChoiceHistory {
    /// The choices of these trials.
    ///
    /// # Errors
    /// If there is no column `choice` or `correct`, or if there are no choices, or choices of more than two alternatives.
    pub fn of(trials: &Table) -> Result<Self> {
        let made = trials.groups("choice")?;
        if made.is_empty() || made.len() > 2 {
            let got = format!("choices of {} alternatives", made.len());
            return Err(Error::argument("trials", "some with choices between two alternatives", got));
        }
        let second = match made.as_slice() {
            [_, (second, _)] => second.clone(),
            // That of one alternative alone is the second, but for 0 and false.
            [(only, _), ..] if only.number() == Some(0.0) => Value::Missing,
            _ => made[0].0.clone(),
        };
        let side = |value: &Value| (!value.is_missing()).then(|| if value.order(&second).is_eq() { 1.0 } else { -1.0 });
        let choices: Vec<_> = trials.column("choice")?.iter().map(side).collect();
        let known = |value: &Value| value.number().filter(|number| !number.is_nan()).map(|number| number == 1.0);
        let correct = trials.column("correct")?.iter().map(known).collect();
        let same = |name: &str, a: usize, b: usize| {
            trials.column(name).is_ok_and(|column| !column[a].order(&column[b]).is_eq())
        };
        let number = trials.numbers("trial").ok();
        let follows = |row: usize| number.as_ref().is_none_or(|number| number[row] - number[row - 1] == 1.0);
        let before = (0..trials.n_rows())
            .map(|row| (row > 0 && !same("session", row - 1, row) && follows(row)).then(|| row - 1));
        Ok(Self { before: before.collect(), trials: trials.clone(), choices, correct })
    }

    /// The row `k` trials before.
    fn ago(&self, row: usize, k: usize) -> Option<usize> {
        (0..k).try_fold(row, |row, _| self.before[row])
    }

    /// Whether a choice repeats that before it.
    fn repeats(&self, row: usize) -> Option<bool> {
        Some(self.choices[row]? == self.choices[self.before[row]?]?)
    }

    /// How often a choice repeats that before it, by how strongly the stimulus speaks for that: the column `stimulus`, positive where
    /// the larger of the two choices is correct, taken with the sign of the last choice. After correct choices or after errors, or,
    /// without either, after both. A psychometric curve of it ([`Psychometric`](crate::analysis::Psychometric)) has the tendency to
    /// repeat in its threshold: repetitions at evidence 0 above one half, a threshold below 0.
    ///
    /// # Errors
    /// If there is no such column, if it holds text, or if there are no such trials.
    pub fn repeats_by(&self, stimulus: &str, after: impl Into<Option<bool>>) -> Result<Counts> {
        let (evidence, after) = (self.trials.numbers(stimulus)?, after.into());
        let (mut levels, mut hits) = (Vec::new(), Vec::new());
        for (row, evidence) in evidence.into_iter().enumerate() {
            let Some(before) = self.before[row] else { continue };
            if let (Some(repeats), Some(last)) = (self.repeats(row), self.choices[before])
                && after.is_none_or(|after| self.correct[before] == Some(after))
            {
                levels.push(evidence * last);
                hits.push(Some(repeats));
            }
        }
        Ok(Counts::of_trials(&format!("{stimulus} for repeating"), &levels, &hits)?.hit_name("Share of repetitions"))
    }

    /// How often a choice repeats that before it after each sequence of `k` repetitions (`R`) and alternations (`A`), the oldest first,
    /// with the 95 % interval of the share: columns `history`, `n`, `repeats`, `share`, `low`, `high`. Sequences that there are none of
    /// are left out.
    ///
    /// # Errors
    /// If `k` is above 20, or if there is no sequence as long.
    pub fn repeats_after(&self, k: usize) -> Result<Table> {
        if k > 20 {
            return Err(Error::argument("k", "at most 20 transitions", k));
        }
        let sequence = |row: usize| -> Option<f64> {
            let bit =
                |code: f64, ago: usize| Some(2.0 * code + f64::from(u8::from(!self.repeats(self.ago(row, ago)?)?)));
            (1..=k).rev().try_fold(0.0, bit)
        };
        let rows: Vec<usize> = (0..self.choices.len()).filter(|&row| self.repeats(row).is_some()).collect();
        let levels: Vec<f64> = rows.iter().map(|&row| sequence(row).unwrap_or(f64::NAN)).collect();
        let hits: Vec<Option<bool>> = rows.iter().map(|&row| self.repeats(row)).collect();
        let counts = Counts::of_trials("history", &levels, &hits)?;
        let (low, high): (Vec<f64>, Vec<f64>) = counts.intervals(0.95)?.into_iter().unzip();
        let text = |&code: &f64| -> String {
            (0..k).rev().map(|place| if code as u32 >> place & 1 == 1 { 'A' } else { 'R' }).collect()
        };
        let mut table = Table::new();
        table.insert("history", counts.levels.iter().map(text))?;
        table.insert("n", counts.trials.clone())?;
        table.insert("repeats", counts.hits.clone())?;
        table.insert("share", counts.shares())?;
        table.insert("low", low)?;
        table.insert("high", high)?;
        Ok(table)
    }

    /// The share of choices that repeat that before them, after correct choices or errors, or, without either, after both; NaN without
    /// any.
    #[must_use]
    pub fn share_of_repetitions(&self, after: impl Into<Option<bool>>) -> f64 {
        let after = after.into();
        let of =
            |row: usize| after.is_none_or(|after| self.before[row].is_some_and(|row| self.correct[row] == Some(after)));
        let all: Vec<bool> =
            (0..self.choices.len()).filter(|&row| of(row)).filter_map(|row| self.repeats(row)).collect();
        all.iter().filter(|&&repeats| repeats).count() as f64 / all.len() as f64
    }

    /// Whether each choice repeats that before it, for a column of [`Session::with_column`](crate::simulate::Session::with_column).
    #[must_use]
    pub fn repetitions(&self) -> Vec<Option<bool>> {
        (0..self.choices.len()).map(|row| self.repeats(row)).collect()
    }
}

/// The mean of a column about the trials in which a block begins: from `from` trials after that (before it, if negative) to `to`, the
/// last excluded, for each kind of block that begins: columns `block_kind`, `trial` (0 is the first of the block), `n`, `mean` and
/// `se`, its standard error. A window goes on into blocks before the last and after the next, but not into another session. The table is
/// one of trials in order with a column `block`, and `session` and `block_kind` where there are such, as
/// [`Session::trials`](crate::simulate::Session::trials) has them. Trials without a value are left out.
///
/// ```no_run
/// use psychrnn::analysis::about_switches;
/// # fn of(session: psychrnn::simulate::Session) -> psychrnn::Result<()> {
/// let adapting = about_switches(&session.trials(), "correct", -10..40)?;
/// adapting.plot_means_of("mean", "trial", "block_kind")?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If there is no such column, if it holds text, if the range is empty, or if no block begins within a session.
pub fn about_switches(trials: &Table, column: &str, range: std::ops::Range<i64>) -> Result<Table> {
    let (values, blocks) = (trials.numbers(column)?, trials.column("block")?);
    if range.is_empty() {
        return Err(Error::argument("range", "of some trials", format!("{range:?}")));
    }
    let differ =
        |name: &str, a: usize, b: usize| trials.column(name).is_ok_and(|column| !column[a].order(&column[b]).is_eq());
    let kind = |row: usize| trials.column("block_kind").map_or(Value::Missing, |kinds| kinds[row].clone());
    let begins = (1..trials.n_rows())
        .filter(|&row| !blocks[row].order(&blocks[row - 1]).is_eq() && !differ("session", row, row - 1));
    let begins: Vec<usize> = begins.collect();
    if begins.is_empty() {
        return Err(Error::argument("trials", "some in which a block begins within a session", "none"));
    }
    let mut kinds: Vec<Value> = begins.iter().map(|&row| kind(row)).collect();
    kinds.sort_by(Value::order);
    kinds.dedup_by(|a, b| a.order(b).is_eq());
    let mut columns: [Vec<Value>; 5] = Default::default();
    for of in kinds {
        for trial in range.clone() {
            let about = begins.iter().filter(|&&row| kind(row).order(&of).is_eq()).filter_map(|&row| {
                let other = usize::try_from(row as i64 + trial).ok().filter(|&other| other < values.len())?;
                (!differ("session", row, other)).then(|| values[other])
            });
            let there: Vec<f64> = about.filter(|value| !value.is_nan()).collect();
            let se = (there.len() > 1).then(|| (variance(&there) / there.len() as f64).sqrt());
            let average = (!there.is_empty()).then(|| mean(&there));
            let row = [of.clone(), trial.into(), there.len().into(), average.into(), se.into()];
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
    }
    let mut table = Table::new();
    for (name, values) in ["block_kind", "trial", "n", "mean", "se"].into_iter().zip(columns) {
        table.insert(name, values)?;
    }
    Ok(table)
}
