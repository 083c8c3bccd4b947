//! The kinds of networks, one a file: how each is configured, drawn and, for libtorch's graph, written once more.

mod lstm;
mod rnn;
mod rnn_config;

pub use lstm::{Lstm, LstmConfig};
pub use rnn::Rnn;
pub use rnn_config::RnnConfig;
