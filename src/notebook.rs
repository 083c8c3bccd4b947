//! Notebook output.
