//! The derive macro of `psychrnn`.
