//! The values of a trial.

use crate::table::Value;

/// What one trial was about: coherence, direction, whatever the task draws. Its values become the columns of the table
/// of trials.
///
/// Write `#[derive(Clone, Trial)]` on a struct with named fields. A field is a number, a truth value, a text, an `Option` of these,
/// or an enum without data that has the same line above it: its column holds the names. What can be no column, such as the
/// samples of a drawn signal, is marked with `#[trial(skip)]`.
///
/// ```
/// use psychrnn::prelude::*;
/// #[derive(Clone, Trial)]
/// enum Side { Left, Right }
///
/// #[derive(Clone, Trial)]
/// struct Motion {
///     coherence: f32,
///     side: Side,
///     cue: Option<Side>,
///     #[trial(skip)]
///     pulses: Vec<f32>,
/// }
/// assert_eq!(Motion::columns(), ["coherence", "side", "cue"]);
/// let motion = Motion { coherence: 0.1, side: Side::Left, cue: None, pulses: vec![0.2, 0.7] };
/// assert_eq!(motion.values(), [Value::Float(0.1), "Left".into(), Value::Missing]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the values of a trial",
    label = "write `#[derive(Clone, Trial)]` above a struct with named fields",
    note = "an enum can be the type of a field of that struct"
)]
pub trait Trial: Clone + Send + Sync + 'static {
    /// The names of the columns.
    fn columns() -> Vec<&'static str>;
    /// The values, in the order of the columns.
    fn values(&self) -> Vec<Value>;
}

/// A trial without values of its own.
impl Trial for () {
    fn columns() -> Vec<&'static str> {
        Vec::new()
    }
    fn values(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// What can be a column of the table of trials: a number, a truth value, a text, an `Option` of these, an enum without data under
/// `#[derive(Clone, Trial)]`, and whatever else converts into a [`Value`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a column of the table of trials",
    label = "a column holds one number, truth value or text for each trial, or the name of an enum's variant",
    note = "if it is an enum without data, write `#[derive(Clone, Trial)]` above it",
    note = "if it belongs to the trial but not into the table, write `#[trial(skip)]` above the field"
)]
pub trait TrialValue {
    /// The cell of the table.
    fn value(&self) -> Value;
}

#[diagnostic::do_not_recommend]
impl<T: Clone + Into<Value>> TrialValue for T {
    fn value(&self) -> Value {
        self.clone().into()
    }
}
