//! Lets our programs find libtorch when they run.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let enabled = |feature: &str| env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    if !enabled("TORCH") || enabled("DOC_ONLY") {
        return;
    }
    // torch-sys says where it found libtorch.
    let (Some(libtorch), Some(out)) = (env::var_os("DEP_TCH_LIBTORCH_LIB"), env::var_os("OUT_DIR")) else { return };
    let (libtorch, out) = (PathBuf::from(libtorch), PathBuf::from(out).join("libtorch"));
    // Tests, examples and benches hold the path, so that they also start without Cargo.
    if cfg!(unix) {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{}", libtorch.display());
    }
    // Doctests, and programs of others that depend on this crate, take no arguments from here. Cargo does put the
    // library folders that build scripts name on the search path of whatever it runs, if they lie in the build directory.
    #[cfg(unix)]
    {
        let _ = fs::remove_file(&out);
        if std::os::unix::fs::symlink(&libtorch, &out).is_ok() {
            println!("cargo::rustc-link-search=native={}", out.display());
        }
    }
}
