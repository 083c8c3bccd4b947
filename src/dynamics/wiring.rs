//! Where the weights of an equation stand: what comes from where, goes where, and in which array it lies.
//!
//! Whoever changes or reads weights by what they connect (perturbations, constraints, gradients, figures) asks here, and so works for
//! every equation.

use std::borrow::Cow;

use indexmap::IndexMap;
use ndarray::{Array2, ArrayD, ArrayView2, ArrayViewMut2, Axis, concatenate, s};

use crate::weights::Weights;
use crate::{Error, Result};

/// What weights come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The recurrent units.
    Units,
    /// The constant 1.
    Bias,
    /// The input channels.
    Inputs,
}

/// What weights go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The sums of this number, of which each unit has one: an LSTM's unit has four.
    Sums(usize),
    /// The output channels.
    Outputs,
}

/// Weights with a source and a target, and where they lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire {
    /// The name of the array.
    pub(crate) name: &'static str,
    pub(crate) from: Source,
    pub(crate) to: Target,
    /// `None` if the array is `[post, pre]`; the first row of these weights if it is `[pre, post]`.
    pub(crate) transposed: Option<usize>,
}

impl Wire {
    /// An array `[post, pre]`, or of biases `[post]`.
    pub(crate) const fn new(name: &'static str, from: Source, to: Target) -> Self {
        Self { name, from, to, transposed: None }
    }

    /// The rows from this one on of an array `[pre, post]`.
    pub(crate) const fn transposed(name: &'static str, from: Source, to: Target, first: usize) -> Self {
        Self { name, from, to, transposed: Some(first) }
    }

    /// Whether these are synapses within the network.
    pub(crate) fn is_recurrent(&self) -> bool {
        self.from == Source::Units && self.to != Target::Outputs
    }

    /// Where the weight from `pre` to `post` stands.
    pub(crate) fn at(&self, post: usize, pre: usize) -> [usize; 2] {
        match self.transposed {
            None => [post, pre],
            Some(first) => [first + pre, post],
        }
    }

    /// These weights of their array, as `[post, pre]`, where they come from `n` units or channels.
    fn view<'a>(&self, array: &'a Array2<f32>, n: usize) -> ArrayView2<'a, f32> {
        match self.transposed {
            None => array.view(),
            Some(first) => array.slice(s![first..first + n, ..]).reversed_axes(),
        }
    }

    /// As [`Wire::view`], to be changed.
    pub(crate) fn view_mut<'a>(&self, array: &'a mut Array2<f32>, n: usize) -> ArrayViewMut2<'a, f32> {
        match self.transposed {
            None => array.view_mut(),
            Some(first) => array.slice_mut(s![first..first + n, ..]).reversed_axes(),
        }
    }

    /// The array with these columns `[post, n]` after those of its inputs, which are the last that it has.
    pub(crate) fn with_more(&self, array: &Array2<f32>, more: &Array2<f32>) -> Result<Array2<f32>> {
        let joined = match self.transposed {
            None => concatenate(Axis(1), &[array.view(), more.view()]),
            Some(_) => concatenate(Axis(0), &[array.view(), more.t()]),
        };
        joined.map_err(|_| Error::shape(self.name, "[n_rec, n_in]", array.shape()))
    }
}

/// The numbers of input channels, of units, of sums and of output channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) n_in: usize,
    pub(crate) n_rec: usize,
    pub(crate) n_sums: usize,
    pub(crate) n_out: usize,
}

impl Counts {
    pub(crate) fn of(&self, source: Source) -> usize {
        match source {
            Source::Units => self.n_rec,
            Source::Bias => 1,
            Source::Inputs => self.n_in,
        }
    }

    fn of_target(&self, target: Target) -> usize {
        if target == Target::Outputs { self.n_out } else { self.n_rec }
    }

    /// The columns of a source in the matrix of a step, `[n_sums, n_rec + 1 + n_in]`.
    fn columns(&self, source: Source) -> std::ops::Range<usize> {
        match source {
            Source::Units => 0..self.n_rec,
            Source::Bias => self.n_rec..self.n_rec + 1,
            Source::Inputs => self.n_rec + 1..self.n_rec + 1 + self.n_in,
        }
    }

    /// The rows of a target in the matrix of a step, or in that of the readout, `[n_out, n_rec + 1]`.
    fn rows(&self, target: Target) -> std::ops::Range<usize> {
        match target {
            Target::Sums(number) => number * self.n_rec..(number + 1) * self.n_rec,
            Target::Outputs => 0..self.n_out,
        }
    }
}

/// The weights to the outputs, which all networks have.
pub(super) const W_OUT: Wire = Wire::new("W_out", Source::Units, Target::Outputs);
/// The biases of the outputs.
pub(super) const B_OUT: Wire = Wire::new("b_out", Source::Bias, Target::Outputs);

/// The wires of a network, in the order in which their arrays are saved; of one array in the order of its rows.
#[derive(Clone, Debug)]
pub(crate) struct Wiring {
    wires: Vec<Wire>,
    /// The names of the initial states, one for each number that a unit carries from step to step.
    initial: &'static [&'static str],
}

impl Wiring {
    pub(super) fn new(wires: Vec<Wire>, initial: &'static [&'static str]) -> Self {
        Self { wires, initial }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Wire> {
        self.wires.iter()
    }

    /// The names of the initial states `[1, n_rec]`, that of the states which sessions have first.
    pub(crate) fn initial(&self) -> &'static [&'static str] {
        self.initial
    }

    /// The bias that is added where these weights lead.
    pub(crate) fn bias_of(&self, wire: &Wire) -> Option<&Wire> {
        self.iter().find(|bias| bias.from == Source::Bias && bias.to == wire.to)
    }

    /// The names of the arrays, each once, those of the initial states last.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for name in self.iter().map(|wire| wire.name).chain(self.initial.iter().copied()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Whether an array holds biases.
    #[cfg(feature = "torch")]
    pub(crate) fn is_bias(&self, name: &str) -> bool {
        self.of(name).any(|wire| wire.from == Source::Bias)
    }

    /// The wires that lie in an array.
    fn of(&self, name: &str) -> impl Iterator<Item = &Wire> {
        self.iter().filter(move |wire| wire.name == name)
    }

    /// What the axes of an array are called, and how long they are.
    fn shape(&self, name: &str, counts: &Counts) -> (String, Vec<usize>) {
        let word = |source| match source {
            Source::Units => "n_rec",
            Source::Bias => "1",
            Source::Inputs => "n_in",
        };
        let Some(first) = self.of(name).next() else { return Default::default() };
        let (post, n_post) = (if first.to == Target::Outputs { "n_out" } else { "n_rec" }, counts.of_target(first.to));
        if first.from == Source::Bias {
            return (format!("[{post}]"), vec![n_post]);
        }
        let pre = self.of(name).map(|wire| word(wire.from)).collect::<Vec<_>>().join(" + ");
        let n_pre = self.of(name).map(|wire| counts.of(wire.from)).sum();
        match first.transposed {
            None => (format!("[{post}, {pre}]"), vec![n_post, n_pre]),
            Some(_) => (format!("[{pre}, {post}]"), vec![n_pre, n_post]),
        }
    }

    /// How many there are of everything, by the arrays: units by the first recurrent weights, inputs by the first input weights.
    pub(super) fn counts(&self, weights: &Weights) -> Result<Counts> {
        let first = |from: Source| self.iter().find(|wire| wire.from == from && wire.to != Target::Outputs);
        let shape = |wire: Option<&Wire>| -> Result<(usize, usize)> {
            let Some(wire) = wire else { return Ok((0, 0)) };
            let array = weights.matrix(wire.name)?;
            Ok(match wire.transposed {
                None => (array.nrows(), array.ncols()),
                Some(first) => (array.ncols(), array.nrows().saturating_sub(first)),
            })
        };
        let n_out = weights.matrix("W_out")?.nrows();
        let (n_rec, _) = shape(first(Source::Units))?;
        let (_, n_in) = shape(first(Source::Inputs))?;
        let number = |wire: &Wire| if let Target::Sums(number) = wire.to { number + 1 } else { 0 };
        let n_sums = n_rec * self.iter().map(number).max().unwrap_or(0);
        Ok(Counts { n_in, n_rec, n_sums, n_out })
    }

    /// An error that names the first array which is missing, has another shape, or holds NaN.
    pub(super) fn check(&self, weights: &Weights, counts: &Counts) -> Result<()> {
        let names = self.names();
        let arrays = names.iter().filter(|name| !self.initial.contains(name));
        // Where the outputs fit, all others are told by their own names.
        for name in std::iter::once(&"W_out").chain(arrays) {
            let (meaning, expected) = self.shape(name, counts);
            let array = weights.array(name)?;
            let shape: Vec<usize> = match expected.len() {
                // A vector may come as a row or a column.
                1 => array.shape().iter().copied().filter(|&length| length != 1).collect(),
                _ => array.shape().to_vec(),
            };
            let is_one = expected == [1] && shape.is_empty();
            let n_post =
                if self.of(name).any(|wire| wire.transposed.is_some()) { expected.last() } else { expected.first() };
            if (shape != expected && !is_one) || n_post == Some(&0) || (*name == "W_out" && expected[1] == 0) {
                return Err(Error::shape(*name, format!("{meaning} = {expected:?}, none of them 0"), array.shape()));
            }
        }
        weights.check_finite(names.into_iter())
    }

    /// The matrix of a step, `[n_sums, n_rec + 1 + n_in]`, and that of the readout, `[n_out, n_rec + 1]`.
    pub(super) fn matrices(&self, weights: &Weights, counts: &Counts) -> Result<[Array2<f32>; 2]> {
        let step = Array2::zeros((counts.n_sums, counts.n_rec + 1 + counts.n_in));
        let mut matrices = [step, Array2::zeros((counts.n_out, counts.n_rec + 1))];
        for wire in self.iter() {
            let columns = counts.columns(wire.from);
            let matrix = &mut matrices[usize::from(wire.to == Target::Outputs)];
            let mut part = matrix.slice_mut(s![counts.rows(wire.to), columns]);
            match wire.from {
                Source::Bias => part.column_mut(0).assign(&weights.vector(wire.name)?),
                _ => part.assign(&wire.view(&weights.matrix(wire.name)?, counts.of(wire.from))),
            }
        }
        Ok(matrices)
    }

    /// The arrays by their names, from matrices as [`Wiring::matrices`] gives them, of which that of the readout may have more columns.
    pub(super) fn arrays(
        &self,
        [step, readout]: [ArrayView2<'_, f32>; 2],
        counts: &Counts,
    ) -> Vec<(&'static str, ArrayD<f32>)> {
        let part = |wire: &Wire| {
            let matrix = if wire.to == Target::Outputs { &readout } else { &step };
            matrix.slice(s![counts.rows(wire.to), counts.columns(wire.from)]).to_owned()
        };
        let biases = self.iter().filter(|wire| wire.from == Source::Bias);
        let biases = biases.map(|wire| (wire.name, part(wire).column(0).to_owned().into_dyn()));
        self.joined(part).into_iter().map(|(name, matrix)| (name, matrix.into_dyn())).chain(biases).collect()
    }

    /// The matrices by their names, from the part `[post, pre]` that each wire has in them.
    pub(crate) fn joined(&self, part: impl Fn(&Wire) -> Array2<f32>) -> IndexMap<&'static str, Array2<f32>> {
        let mut matrices: IndexMap<_, Array2<f32>> = IndexMap::new();
        for wire in self.iter().filter(|wire| wire.from != Source::Bias) {
            let part = match wire.transposed {
                Some(_) => part(wire).reversed_axes().as_standard_layout().into_owned(),
                None => part(wire),
            };
            // The rows of an array come in their order.
            let joined = matrices.get(wire.name).map(|before| concatenate(Axis(0), &[before.view(), part.view()]));
            matrices.insert(wire.name, joined.and_then(std::result::Result::ok).unwrap_or(part));
        }
        matrices
    }

    /// The same weights, where matrices whose axis of length 1 another program has dropped have it again. How many units there are
    /// tells which axis it was: an input channel's `W_in` `[n_rec]` becomes `[n_rec, 1]`, an output's `W_out` `[1, n_rec]`.
    pub(crate) fn unsqueezed<'a>(&self, weights: &'a Weights) -> Cow<'a, Weights> {
        let recurrent = self.iter().find(|wire| wire.is_recurrent());
        let Some((wire, array)) = recurrent.and_then(|wire| Some((wire, weights.array(wire.name).ok()?))) else {
            return Cow::Borrowed(weights);
        };
        let axis = if wire.transposed.is_some() { array.shape().last() } else { array.shape().first() };
        let n_rec = axis.copied().unwrap_or(1);
        let ours = self.iter().filter(|wire| wire.from != Source::Bias && wire.transposed.is_none());
        let ours = ours.map(|wire| (wire.name, wire.to != Target::Outputs));
        let masks = [("input_connectivity", true), ("rec_connectivity", true), ("output_connectivity", false)];
        let mut whole = Cow::Borrowed(weights);
        for (name, by_row) in ours.chain(masks) {
            let Some(array) = weights.array(name).ok().filter(|array| array.ndim() < 2) else { continue };
            let other = if array.len() == n_rec { 1 } else { array.len() };
            let shape = if by_row { [n_rec, other] } else { [other, n_rec] };
            // Any other length fits no network.
            if let Ok(matrix) = array.to_shape(shape) {
                whole.to_mut().insert(name, matrix.into_owned());
            }
        }
        whole
    }
}
