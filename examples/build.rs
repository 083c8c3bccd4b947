//! Lets the programs find libtorch when they run.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // torch-sys says where it found libtorch.
    if let Ok(libtorch) = std::env::var("DEP_TCH_LIBTORCH_LIB")
        && cfg!(unix)
    {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{libtorch}");
    }
}
