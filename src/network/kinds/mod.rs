//! The kinds of networks, one a file: how each is configured, drawn and, for libtorch's graph, written once more. To add one, write its
//! file and its line here.

// rustfmt finds no module that a macro declares.
mod lstm;
mod rnn;
mod rnn_config;

/// Writes what all kinds have in common from the list of them.
macro_rules! kinds {
    ($d:tt $($module:ident: $network:ident, $config:ident;)+) => {
        $(
            pub use $module::{$config, $network};
        )+

        /// Calls a macro with the configurations of all kinds.
        macro_rules! with_configs {
            ($d callback:ident) => { $d callback! { $($config),+ } };
        }
        pub(crate) use with_configs;
    };
}

kinds! { $
    rnn: Rnn, RnnConfig;
    lstm: Lstm, LstmConfig;
}
