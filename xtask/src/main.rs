//! Set-up, checks and demonstrations: `cargo xtask`.
fn main() {}
