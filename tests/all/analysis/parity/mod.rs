//! Networks as dynamical systems and populations, against numbers of other programs: what we find beside what is true.
//!
//! The numbers lie in `data/parity/analysis`, whose `README.md` says what they are, or in the folder that the environment variable
//! `PSYCHRNN_FIXTURES` names. Networks are `NAME.npz` with `NAME.truth.npz` beside it and perhaps `NAME.states.npz`, states of trials; what a
//! case is about is told by the arrays that its truth has. Each of these must be compared.

mod curves;
mod points;
mod population;

use std::path::{Path, PathBuf};

use ndarray::Array3;
use psychrnn::prelude::*;

use crate::arrays::read_npz;
use crate::case::{self, Case, Outcome};

/// The folder of fixtures: what `PSYCHRNN_FIXTURES` names, or its part for analyses, or the one that comes with the crate.
fn folder() -> PathBuf {
    let ours = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/parity");
    let named = std::env::var_os("PSYCHRNN_FIXTURES").filter(|path| !path.is_empty());
    let folder = named.map_or_else(ours, PathBuf::from);
    let part = folder.join("analysis");
    if part.is_dir() { part } else { folder }
}

/// A network, and states of trials of it, if there are any.
struct Network {
    simulator: Simulator,
    session: Option<Session>,
}

impl Network {
    fn open(folder: &Path, name: &str) -> Outcome<Self> {
        let file = folder.join(format!("{name}.npz"));
        let n_out = read_npz(&file)?.get("W_out").ok_or("the network is without W_out")?.values.shape()[0];
        let states = folder.join(format!("{name}.states.npz"));
        let session = if states.exists() { Some(session(&states, n_out)?) } else { None };
        Ok(Self { simulator: Simulator::load(file)?, session })
    }
}

/// States of trials as a session of which nothing but these is known.
fn session(file: &Path, n_out: usize) -> Outcome<Session> {
    let arrays = read_npz(file)?;
    let array = |name: &str| -> Outcome<Array3<f32>> {
        let values = &arrays.get(name).ok_or_else(|| format!("the states are without {name}"))?.values;
        Ok(values.mapv(|x| x as f32).into_dimensionality()?)
    };
    let (states, inputs) = (array("states")?, array("inputs")?);
    let (n_trials, n_steps, n_in) = inputs.dim();
    let asked = || Array3::zeros((n_trials, n_steps, n_out));
    let batch = Batch::from_arrays(&TaskSpec::new(n_in, n_out), inputs, asked(), asked())?;
    Ok(Session::new(batch, states.clone(), states, asked())?)
}

#[test]
fn what_is_true_of_networks_is_found() {
    let folder = folder();
    let mut names: Vec<String> =
        files(&folder).into_iter().filter_map(|name| Some(name.strip_suffix(".truth.npz")?.into())).collect();
    names.sort();
    assert!(!names.is_empty(), "there is no truth in {}", folder.display());
    println!("\nNetworks in {}", folder.display());
    let check = |name: &String| {
        Case::examine(name, |case| {
            case.read(&folder.join(format!("{name}.truth.npz")))?;
            let network = Network::open(&folder, name)?;
            points::check(case, &network)?;
            curves::check(case, &network)
        })
    };
    case::all_are_equal(names.iter().map(check));
}

#[test]
fn what_is_true_of_populations_is_found() {
    let folder = folder();
    if folder.join("population.npz").exists() {
        println!("\nPopulations in {}", folder.display());
        case::all_are_equal(population::cases(&folder));
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display())).unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}
