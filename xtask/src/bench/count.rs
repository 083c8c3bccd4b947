//! What an update costs at least, by counting.

/// The trials of a batch, the steps of a trial, the channels: perceptual discrimination, 2 s in steps of 10 ms.
pub(super) const N_BATCH: usize = 128;
pub(super) const N_STEPS: usize = 200;
const N_IN: usize = 2;
const N_OUT: usize = 2;

/// A kind of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    Rnn,
    Lstm,
}

impl Model {
    /// How it is called in requests and in the report.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rnn => "rnn",
            Self::Lstm => "lstm",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Rnn => "RNN",
            Self::Lstm => "LSTM",
        }
    }

    /// How the operations of an update are counted.
    pub(super) fn operations_formula(self) -> &'static str {
        match self {
            Self::Rnn => "6 n_batch n_steps n_rec (n_rec + n_in + n_out)",
            Self::Lstm => "6 n_batch n_steps (4 n_rec (n_rec + n_in) + n_rec n_out)",
        }
    }

    /// How the bytes of an update are counted.
    pub(super) fn bytes_formula(self) -> &'static str {
        match self {
            Self::Rnn => "8 n_batch n_steps (n_rec + n_in + n_out)",
            Self::Lstm => "8 n_batch n_steps (6 n_rec + n_in + n_out)",
        }
    }
}

/// A network of a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Net {
    pub(super) model: Model,
    pub(super) n_rec: usize,
}

impl Net {
    pub(super) fn new(model: Model, n_rec: usize) -> Self {
        Self { model, n_rec }
    }

    /// The operations of an update: a weight is multiplied and added once forward, once for the gradient of what it acts
    /// on, and once for its own, for each trial and step.
    pub(super) fn operations(self) -> f64 {
        let n = self.n_rec;
        let weights = match self.model {
            Model::Rnn => n * (n + N_IN + N_OUT),
            Model::Lstm => 4 * n * (n + N_IN) + n * N_OUT,
        };
        6.0 * (N_BATCH * N_STEPS * weights) as f64
    }

    /// The bytes that an update moves at least: what the way back needs of each step is written once and read once. Of the
    /// RNN that is the state, of the LSTM the four gates, the cell and the hidden state.
    pub(super) fn bytes(self) -> f64 {
        let kept = match self.model {
            Model::Rnn => self.n_rec,
            Model::Lstm => 6 * self.n_rec,
        };
        8.0 * (N_BATCH * N_STEPS * (kept + N_IN + N_OUT)) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counted again, product by product, in multiply-adds of two operations.
    #[test]
    fn operations_are_those_of_the_matrix_products() {
        let rows = (N_BATCH * N_STEPS) as f64;
        let product = |m: f64, k: f64, n: f64| 2.0 * m * k * n;
        for n_rec in [1, 50, 512] {
            let n = n_rec as f64;
            let forward_rnn = product(rows, n, n) + product(rows, 2.0, n) + product(rows, n, 2.0);
            assert_eq!(Net::new(Model::Rnn, n_rec).operations(), 3.0 * forward_rnn);
            let forward_lstm = product(rows, n, 4.0 * n) + product(rows, 2.0, 4.0 * n) + product(rows, n, 2.0);
            assert_eq!(Net::new(Model::Lstm, n_rec).operations(), 3.0 * forward_lstm);
        }
        assert_eq!(Net::new(Model::Rnn, 100).operations(), 6.0 * 25_600.0 * 100.0 * 104.0);
    }

    #[test]
    fn bytes_are_those_of_single_precision_twice() {
        assert_eq!(Net::new(Model::Rnn, 46).bytes(), 2.0 * 4.0 * 25_600.0 * 50.0);
        assert_eq!(Net::new(Model::Lstm, 1).bytes(), 2.0 * 4.0 * 25_600.0 * 10.0);
    }
}
