//! libtorch: the user's own, or the CPU part of the PyTorch wheel.
//!
//! `.cargo/config.toml` points LIBTORCH to the link `.libtorch` at the root, so that plain `cargo build` and an editor
//! work without any variable. This module makes the link and what it points to. The libraries lie in the user's cache,
//! so that every clone shares them.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use anyhow::{Context, Result, bail};

use super::machine::{self, Part};
use super::python::{self, Python, clear};
use crate::run;
use crate::workspace::Workspace;

/// The version that `tch` is written for: its build script accepts no other.
const VERSION: &str = "2.13.0";
/// Where a program that runs looks for libraries.
pub(crate) const SEARCH_PATH: &str = if cfg!(target_os = "macos") { "DYLD_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };

/// The library whose presence tells a libtorch for NVIDIA cards.
const CUDA: &str = "libtorch_cuda.so";

/// What a platform needs.
struct Wheels {
    /// The name of its folder in the cache.
    folder: &'static str,
    /// What pip shall download.
    requirements: &'static str,
    /// The platform tags, so that the choice does not depend on the Python at hand.
    platforms: &'static [&'static str],
    /// What is kept from `lib`; the rest is CUDA and Python.
    libraries: &'static [&'static str],
    /// Links that stand in for libraries: (name, what it points to).
    links: &'static [(&'static str, &'static str)],
    /// How many megabytes pip downloads.
    size: u32,
}

const LINUX: Wheels = Wheels {
    folder: "libtorch-2.13.0-cpu-linux-x86_64",
    requirements: include_str!("../../assets/libtorch-linux-x86_64.txt"),
    platforms: &["manylinux_2_28_x86_64", "manylinux_2_25_x86_64", "manylinux_2_17_x86_64"],
    libraries: &["libtorch_cpu.so", "libc10.so", "libgomp.so.1", "libcudart.so.13", "libcupti.so.13"],
    // The wheel's own libtorch.so holds nothing but a demand for CUDA. libgomp.so is what a linker looks for.
    links: &[("libtorch.so", "libtorch_cpu.so"), ("libgomp.so", "libgomp.so.1")],
    size: 540,
};

const MACOS: Wheels = Wheels {
    folder: "libtorch-2.13.0-cpu-macos-aarch64",
    requirements: include_str!("../../assets/libtorch-macos-aarch64.txt"),
    platforms: &["macosx_14_0_arm64"],
    libraries: &["libtorch.dylib", "libtorch_cpu.dylib", "libc10.dylib", "libomp.dylib"],
    links: &[],
    size: 90,
};

/// A libtorch that is ready to be built against.
pub(crate) struct Libtorch {
    /// The variables that a build outside the clone needs to find it.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// The folder that holds the shared libraries.
    pub(crate) libraries: PathBuf,
}

/// What [`ensure`] would download.
pub(crate) fn missing(workspace: &Workspace) -> Option<Part> {
    let own = env::var_os("LIBTORCH").is_some_and(|own| Path::new(&own) != workspace.libtorch_link());
    if own
        || env::var_os("LIBTORCH_USE_PYTORCH").is_some()
        || usable_link(workspace).ok()?.is_some()
        || system().is_some()
    {
        return None;
    }
    let wheels = wheels().ok()?;
    let part =
        Part { what: "libtorch, which trains", download: wheels.size, minutes: 0.0, space: 3 * u64::from(wheels.size) };
    (!workspace.cache.join(wheels.folder).is_dir()).then_some(part)
}

/// Makes sure that there is a libtorch and that builds in this clone use it.
pub(crate) fn ensure(workspace: &Workspace) -> Result<Libtorch> {
    if let Some(value) = env::var_os("LIBTORCH_USE_PYTORCH") {
        return from_pytorch(&value.to_string_lossy());
    }
    let link = workspace.libtorch_link();
    if let Some(own) = env::var_os("LIBTORCH").map(PathBuf::from).filter(|own| *own != link) {
        return from_variable(&own);
    }
    let home = match usable_link(workspace)? {
        Some(home) => home,
        None => {
            let home = match system() {
                Some(home) => home,
                None => downloaded(workspace)?,
            };
            point(&link, &home)?;
            run::say(&format!("  .libtorch now points to {}", home.display()));
            home
        }
    };
    rebuild_if_changed(workspace, &home)?;
    Ok(Libtorch { libraries: home.join("lib"), variables: vec![("LIBTORCH", text(&home)?)] })
}

/// Makes sure that libtorch's part for NVIDIA cards lies where the library looks for it: in the folder `cuda` beside libtorch.
///
/// Programs are not linked to it, so that nothing is built anew. It stays as pip installs it, since its libraries find each
/// other by their places.
pub(crate) fn ensure_cuda(workspace: &Workspace) -> Result<()> {
    if (env::consts::OS, env::consts::ARCH) != ("linux", "x86_64") {
        bail!(
            "`cargo xtask setup --cuda` is for Linux on x86-64. Elsewhere install a libtorch {VERSION} for your card and set LIBTORCH to it"
        );
    }
    let libtorch = ensure(workspace)?;
    if libtorch.libraries.join(CUDA).exists() {
        println!("  libtorch is one for NVIDIA cards: there is nothing to bring");
        return Ok(());
    }
    const FOLDER: &str = "libtorch-2.13.0-cuda-linux-x86_64";
    let home = workspace.cache.join(FOLDER);
    if !home.is_dir() {
        let _lock = workspace.lock("libtorch-cuda")?;
        let aside = workspace.cache.join(format!("{FOLDER}.part"));
        clear(&aside)?;
        run::step("libtorch for NVIDIA cards: downloading 3 GB of Python wheels (once for all clones)", || {
            let temporary = aside.join("tmp");
            fs::create_dir_all(&temporary).with_context(|| format!("cannot make {}", temporary.display()))?;
            let mut pip = Python::with("pip", python::ANY)?.command();
            pip.args(["-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-compile", "--only-binary=:all:"]);
            pip.args(["--implementation=cp", "--python-version=3.11"]);
            // Each library of the card is built for a platform of its own.
            pip.arg("--platform=manylinux2014_x86_64");
            pip.args((17..=28).map(|minor| format!("--platform=manylinux_2_{minor}_x86_64")));
            pip.arg("--target").arg(aside.join("site")).arg(format!("torch=={VERSION}"));
            run::advised(pip.env("TMPDIR", &temporary).env("PIP_REQUIRE_VIRTUALENV", "0"), python::advice)?;
            clear(&temporary)?;
            fs::rename(&aside, &home).with_context(|| format!("cannot make {}", home.display()))
        })?;
    }
    let libraries = home.join("site/torch/lib");
    if !libraries.join(CUDA).is_file() {
        bail!("the wheels hold no {CUDA}: remove {} and run `cargo xtask setup --cuda` again", home.display());
    }
    point(&libtorch.libraries.join("cuda"), &libraries)?;
    println!("  libtorch for NVIDIA cards is in place: `Trainer::device(Device::Cuda(0))` uses it");
    Ok(())
}

/// The user's PyTorch. Cargo's build script asks Python for it, as we do.
fn from_pytorch(value: &str) -> Result<Libtorch> {
    let python = if env::var_os("VIRTUAL_ENV").is_some() { "python" } else { "python3" };
    let script =
        "import os, torch; print(torch.__version__); print(os.path.join(os.path.dirname(torch.__file__), 'lib'))";
    let advice = format!(
        "LIBTORCH_USE_PYTORCH is set, but `{python}` has no PyTorch {VERSION}: install it, or unset the variable and \
         let `cargo setup` bring libtorch"
    );
    let answer = run::output(Command::new(python).args(["-c", script])).with_context(|| advice.clone())?;
    let mut lines = answer.lines();
    let (Some(version), Some(libraries)) = (lines.next(), lines.next()) else { bail!(advice) };
    if version.split('+').next() != Some(VERSION) {
        bail!("{advice}. It has {version}");
    }
    println!("  libtorch: the PyTorch {version} of `{python}`, as LIBTORCH_USE_PYTORCH says");
    Ok(Libtorch { libraries: libraries.into(), variables: vec![("LIBTORCH_USE_PYTORCH", value.to_owned())] })
}

/// The libtorch that the user's LIBTORCH names, with LIBTORCH_LIB and LIBTORCH_INCLUDE beside it.
fn from_variable(home: &Path) -> Result<Libtorch> {
    let mut variables = vec![("LIBTORCH", text(home)?)];
    for name in ["LIBTORCH_LIB", "LIBTORCH_INCLUDE", "LIBTORCH_BYPASS_VERSION_CHECK", "LIBTORCH_CXX11_ABI"] {
        variables.extend(env::var(name).ok().map(|value| (name, value)));
    }
    let libraries = env::var_os("LIBTORCH_LIB").map_or_else(|| home.to_owned(), PathBuf::from).join("lib");
    if !holds_libtorch(&libraries) {
        bail!(
            "LIBTORCH is set, but there is no libtorch in {}. Let it name the folder of libtorch {VERSION} that holds `lib` and \
             `include`, or unset it and let `cargo setup` bring libtorch",
            libraries.display()
        );
    }
    println!("  libtorch: your own, as LIBTORCH says: {}", home.display());
    Ok(Libtorch { libraries, variables })
}

/// What `.libtorch` points to, unless it is broken or is a download of ours for another version.
fn usable_link(workspace: &Workspace) -> Result<Option<PathBuf>> {
    let link = workspace.libtorch_link();
    let Ok(home) = link.canonicalize() else { return Ok(None) };
    let ours = workspace.cache.canonicalize().is_ok_and(|cache| home.starts_with(cache));
    if ours && wheels().is_ok_and(|wheels| !home.ends_with(wheels.folder)) {
        return Ok(None);
    }
    if holds_libtorch(&home.join("lib")) {
        return Ok(Some(home));
    }
    if link.is_symlink() {
        return Ok(None);
    }
    bail!("{} is there, but holds no `lib` with libtorch: remove it, then run `cargo setup` again", link.display())
}

/// A libtorch of the right version that was installed for the whole machine, where `tch` too looks for it.
fn system() -> Option<PathBuf> {
    let version = fs::read_to_string("/usr/include/torch/headeronly/version.h").ok()?;
    let fits = version.contains(&format!("\"{VERSION}\"")) && Path::new("/usr/lib/libtorch.so").exists();
    fits.then(|| "/usr".into())
}

/// The folder in the cache with the CPU part of the wheel, downloaded if it is not there.
fn downloaded(workspace: &Workspace) -> Result<PathBuf> {
    let wheels = wheels()?;
    let home = workspace.cache.join(wheels.folder);
    // Unpacked aside and then renamed: a folder of this name is complete.
    if home.is_dir() {
        return Ok(home);
    }
    let _lock = workspace.lock("libtorch")?;
    if home.is_dir() {
        return Ok(home);
    }
    let aside = workspace.cache.join(format!("{}.part", wheels.folder));
    clear(&aside)?;
    let size = wheels.size;
    run::step(&format!("libtorch {VERSION}: downloading {size} MB of Python wheels (once for all clones)"), || {
        download(wheels, &aside.join("wheels"))
    })?;
    run::step("libtorch: unpacking its CPU part", || {
        unpack(wheels, &aside)?;
        fs::rename(aside.join("libtorch"), &home).with_context(|| format!("cannot make {}", home.display()))
    })?;
    clear(&aside)?;
    Ok(home)
}

fn download(wheels: &Wheels, folder: &Path) -> Result<()> {
    let python = Python::with("pip", python::ANY)?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let requirements = folder.join("requirements.txt");
    write(&requirements, wheels.requirements)?;
    let mut pip = python.command();
    pip.args(["-m", "pip", "download", "--no-cache-dir", "--no-deps", "--only-binary=:all:", "--require-hashes"]);
    pip.args(["--implementation=cp", "--python-version=3.11"]);
    pip.args(wheels.platforms.iter().map(|platform| format!("--platform={platform}")));
    pip.arg("--dest").arg(folder).arg("--requirement").arg(requirements);
    // pip keeps what it downloads in TMPDIR first, and /tmp may be too small for it.
    pip.env("TMPDIR", folder);
    run::advised(pip.env("PIP_REQUIRE_VIRTUALENV", "0"), |complaints| {
        format!(
            "libtorch could not be downloaded: {}, or set LIBTORCH to a libtorch {VERSION} of your own",
            python::advice(complaints)
        )
    })
}

fn unpack(wheels: &Wheels, aside: &Path) -> Result<()> {
    let home = aside.join("libtorch");
    let mut python = Python::with("zipfile", python::ANY)?.command();
    python.args(["-c", include_str!("../../assets/unpack.py")]);
    run::output(python.arg(aside.join("wheels")).arg(&home).args(wheels.libraries))?;
    let libraries = home.join("lib");
    for (name, target) in wheels.links {
        symlink(Path::new(target), &libraries.join(name))?;
    }
    for name in wheels.libraries {
        if !libraries.join(name).is_file() {
            bail!(
                "the wheels hold no {name}: please report this with your platform, and set LIBTORCH to a libtorch of your own"
            );
        }
    }
    // The build script of torch-sys reads the version here.
    write(&home.join("build-version"), &format!("{VERSION}+cpu\n"))
}

fn wheels() -> Result<&'static Wheels> {
    wheels_for(env::consts::OS, env::consts::ARCH)
}

fn wheels_for(os: &str, arch: &str) -> Result<&'static Wheels> {
    match (os, arch) {
        ("linux", "x86_64") => Ok(&LINUX),
        ("macos", "aarch64") => Ok(&MACOS),
        ("windows", _) => bail!("{}", machine::WINDOWS),
        (os, arch) => bail!(
            "`cargo setup` can bring libtorch for Linux on x86-64 and macOS on Apple silicon, not for {os} on {arch}. \
             Install libtorch {VERSION} yourself and set LIBTORCH to its folder, or install PyTorch {VERSION} and set \
             LIBTORCH_USE_PYTORCH=1"
        ),
    }
}

/// Makes Cargo build `torch-sys` anew when `.libtorch` came to point elsewhere.
///
/// Its build script watches the variable LIBTORCH, which always names the link, and so does not notice.
fn rebuild_if_changed(workspace: &Workspace, home: &Path) -> Result<()> {
    let target = workspace.target()?;
    let stamp = target.join("libtorch-in-use");
    let now = text(home)?;
    match fs::read_to_string(&stamp) {
        Ok(before) if before == now => return Ok(()),
        Ok(_) => {
            println!("  libtorch is another one than before: torch-sys will be built anew");
            for profile in ["dev", "release"] {
                run::output(workspace.cargo().args(["clean", "--quiet", "--package=torch-sys", "--profile", profile]))?;
            }
        }
        Err(_) => {}
    }
    fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
    write(&stamp, &now)
}

fn holds_libtorch(libraries: &Path) -> bool {
    ["libtorch.so", "libtorch.dylib", "torch.lib", "libtorch.a"].iter().any(|name| libraries.join(name).exists())
}

/// Lets `link` point to `home` in one step, so that a build beside us sees the old link or the new one.
fn point(link: &Path, home: &Path) -> Result<()> {
    let aside = link.with_extension(process::id().to_string());
    symlink(home, &aside)?;
    fs::rename(&aside, link).with_context(|| format!("cannot make the link {}", link.display()))
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> Result<()> {
    std::os::unix::fs::symlink(target, link).with_context(|| format!("cannot make the link {}", link.display()))
}

#[cfg(not(unix))]
fn symlink(_: &Path, link: &Path) -> Result<()> {
    bail!("cannot make the link {} on this system: set LIBTORCH to a libtorch of your own", link.display())
}

fn write(path: &Path, content: &str) -> Result<()> {
    fs::File::create(path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn text(path: &Path) -> Result<String> {
    let text =
        path.to_str().with_context(|| format!("{} is not a path in UTF-8, which Cargo wants", path.display()))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elsewhere_one_is_told_what_to_do() {
        assert_eq!(wheels_for("linux", "x86_64").unwrap().size, 540);
        let message = |os, arch| wheels_for(os, arch).err().unwrap().to_string();
        assert!(message("windows", "x86_64").contains("`wsl --install`"));
        assert!(message("macos", "x86_64").contains("LIBTORCH_USE_PYTORCH=1"));
    }
}
