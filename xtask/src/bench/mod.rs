//! `cargo xtask bench`: how fast we train, beside PsychRNN, JAX and PyTorch, and beside what the machine can do.
//!
//! Contestants, ours and the peers' scripts, are in `bench/`. They are processes that live as long as one network is measured. They
//! start from the same weights and the same batch, must agree on the losses of the first two updates, and then compute in turns, one at
//! a time, so that the noise of the machine hits all alike.

mod contestant;
mod count;
mod report;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::run;
use crate::setup::libtorch;
use crate::setup::python::Environment;
use crate::workspace::Workspace;
use contestant::Contestant;
use count::{Model, Net};
use report::{Machine, Memory, Report, Row, Size, median};

/// How far the losses of the first updates may be apart, as a share of the larger one. The first is that of the same weights
/// on the same batch. The second holds gradients, clipping and the optimizer to each other, but Adam divides small gradients
/// by their own size, so that rounding grows, and TensorFlow adds its epsilon elsewhere.
const TOLERANCES: [f64; 2] = [1e-4, 1e-2];
/// How long a turn shall last, in milliseconds, and how many times it does its work.
const TURN_MS: f64 = 500.0;
const COUNTS: (f64, f64) = (3.0, 60.0);

/// What is measured, and who can do it.
type Work = (&'static str, &'static [&'static str]);

/// The work with the leaky network. A turn of the first gives the peak memory of training.
const RNN: &[Work] = &[
    ("update", &["kernel", "tch", "jax", "torch", "psychrnn"]),
    ("update_with_batch", &["kernel", "tch", "psychrnn"]),
    ("update_noise", &["kernel", "tch"]),
    ("forward", &["kernel", "jax", "torch", "psychrnn"]),
];
/// The same with other transfer functions and readouts, for the smallest network: `WORK:TRANSFER,READOUT`. Each is a network of its
/// own, whose losses must agree, too.
const FUNCTIONS: &[Work] = &[
    ("update:tanh,linear", WITH_FUNCTIONS),
    ("update:sigmoid,linear", WITH_FUNCTIONS),
    ("update:softplus,linear", WITH_FUNCTIONS),
    ("update:rectified_tanh,linear", WITH_FUNCTIONS),
    ("update:rectified_power,linear", WITH_FUNCTIONS),
    ("update:relu,sigmoid", WITH_FUNCTIONS),
    ("update:relu,softmax", WITH_FUNCTIONS),
    ("forward:tanh,linear", WITH_FUNCTIONS),
    ("forward:softplus,linear", WITH_FUNCTIONS),
];
const WITH_FUNCTIONS: &[&str] = &["kernel", "jax", "torch"];
/// PsychRNN's LSTM is another network (see [`report`]): it has no place here.
const LSTM: &[Work] = &[("update", &["kernel", "tch", "jax", "torch"])];

/// The peers: who, their script, their environment.
const PEERS: [(&str, &str, Environment); 3] = [
    (
        "jax",
        "with_jax.py",
        Environment {
            name: "bench-jax",
            title: "JAX: making a Python environment (half a minute, once for all clones)",
            minors: 11..=14,
            requirements: include_str!("../../../bench/peers/jax.txt"),
            alone: &[],
            module: "jax, optax",
        },
    ),
    (
        "torch",
        "with_torch.py",
        Environment {
            name: "bench-torch",
            title: "PyTorch: making a Python environment (about 3 GB to download, once for all clones)",
            minors: 10..=14,
            requirements: include_str!("../../../bench/peers/torch.txt"),
            alone: &[],
            module: "torch",
        },
    ),
    (
        "psychrnn",
        "with_psychrnn.py",
        Environment {
            name: "bench-psychrnn",
            title: "PsychRNN: making a Python environment (a minute, once for all clones)",
            minors: 9..=11,
            requirements: include_str!("../../../bench/peers/psychrnn.txt"),
            alone: &["PsychRNN==1.0.0"],
            module: "tensorflow, psychrnn",
        },
    ),
];

/// How much is measured.
#[derive(Clone, Copy)]
struct Extent {
    rnn: &'static [usize],
    lstm: &'static [usize],
    turns: usize,
    peers: bool,
}

impl Extent {
    fn new(options: &[String]) -> Result<Self> {
        let mut extent = Self { rnn: &[50, 100, 256, 512], lstm: &[50, 100], turns: 15, peers: true };
        for option in options {
            match option.as_str() {
                "--quick" => extent = Self { rnn: &[50], lstm: &[50], turns: 5, ..extent },
                "--ours" => extent.peers = false,
                _ => bail!("`{option}` is not an option of `cargo xtask bench`: they are --quick and --ours"),
            }
        }
        Ok(extent)
    }

    /// The networks, and the work with each.
    fn networks(&self) -> impl Iterator<Item = (Net, Vec<Work>)> {
        let rnns = self.rnn.iter().enumerate().map(|(i, &n_rec)| {
            let functions = if i == 0 { FUNCTIONS } else { &[] };
            (Net::new(Model::Rnn, n_rec), [RNN, functions].concat())
        });
        rnns.chain(self.lstm.iter().map(|&n_rec| (Net::new(Model::Lstm, n_rec), LSTM.to_vec())))
    }
}

/// Where everything is that a contestant is started with.
struct Place {
    /// Our own program.
    ours: PathBuf,
    /// Weights and batch.
    inputs: PathBuf,
    /// Script and Python of each peer that could be installed.
    peers: Vec<(&'static str, PathBuf, PathBuf)>,
    threads: usize,
}

/// Measures, prints the tables, and leaves them in `target/bench`.
pub(crate) fn run(workspace: &Workspace, options: &[String]) -> Result<()> {
    let extent = Extent::new(options)?;
    libtorch::ensure(workspace)?;
    run::step("compiling our contestants (about 3 minutes the first time)", || {
        run::run(workspace.cargo().args(["build", "--release", "--package", "psychrnn-bench"]))
    })?;
    let target = workspace.target()?;
    let folder = target.join("bench");
    let inputs = folder.join("inputs");
    fs::create_dir_all(&inputs).with_context(|| format!("cannot make {}", inputs.display()))?;
    let ours = target.join("release").join(format!("bench{}", std::env::consts::EXE_SUFFIX));
    let mut write = Command::new(&ours);
    write.arg("inputs").arg(&inputs).args(extent.networks().map(|(net, _)| net.n_rec.to_string()));
    run::run(&mut write)?;

    let mut report = Report::default();
    let mut peers = Vec::new();
    for (who, script, environment) in PEERS.iter().filter(|_| extent.peers) {
        match environment.ensure(workspace, |_| Ok(())) {
            Ok(python) => peers.push((*who, python, workspace.root.join("bench/peers").join(script))),
            Err(error) => {
                // In one line; what pip said stands above.
                let why = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
                println!("  {who} is left out: {why}");
                report.left_out.push(((*who).to_owned(), why));
            }
        }
    }
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let place = Place { ours, inputs, peers, threads };
    let mut machine = Contestant::start("machine", Command::new(&place.ours).args(["machine", &threads.to_string()]))?;
    report.machine = Machine::new(threads);
    report.machine.version("products", machine.versions());
    for (net, works) in extent.networks() {
        let title = format!("{} with {} units", net.model.title(), net.n_rec);
        run::step(&title, || measure(&place, net, &works, extent.turns, &mut machine, &mut report))?;
        // It takes long: what is measured is kept if it is ended early.
        for (name, text) in [("bench.json", format!("{:#}\n", report.json())), ("bench.md", report.markdown())] {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    println!("\n{}\nThese tables and their numbers: {}", report.markdown(), folder.display());
    Ok(())
}

/// Starts the contestants for one network, holds their losses to each other, and times all work with it.
fn measure(
    place: &Place,
    net: Net,
    works: &[Work],
    turns: usize,
    machine: &mut Contestant,
    report: &mut Report,
) -> Result<()> {
    let mut contestants = place.contestants(net, works[0].1)?;
    let mut losses = Vec::new();
    for contestant in &mut contestants {
        report.machine.version(contestant.who, contestant.versions());
        losses.push((contestant.who, contestant.losses("losses", TOLERANCES.len())?));
    }
    agree(&losses)?;
    let mut held = Vec::new();
    let mut best = Best::new(net);
    for (i, (work, able)) in works.iter().enumerate() {
        let mut entrants: Vec<_> = contestants.iter_mut().filter(|contestant| able.contains(&contestant.who)).collect();
        if let Some((_, functions)) = work.split_once(':')
            && !held.contains(&functions)
        {
            let request = format!("losses:{functions}");
            let losses =
                entrants.iter_mut().map(|entrant| Ok((entrant.who, entrant.losses(&request, TOLERANCES.len())?)));
            agree(&losses.collect::<Result<Vec<_>>>()?).with_context(|| functions.to_owned())?;
            held.push(functions);
        }
        let mut counts = Vec::new();
        for entrant in &mut entrants {
            // What is done once, such as compiling, is done in the first turn.
            entrant.turn(work, 1)?;
            counts.push((TURN_MS / entrant.turn(work, 1)?).clamp(COUNTS.0, COUNTS.1) as usize);
        }
        let mut times = vec![Vec::new(); entrants.len()];
        for _ in 0..turns {
            for ((entrant, &count), times) in entrants.iter_mut().zip(&counts).zip(&mut times) {
                // What the machine can do changes from moment to moment where it is shared.
                let compared = i == 0 && entrant.who == "kernel";
                let before = if compared { products(machine)? } else { [0.0; 2] };
                times.push(entrant.turn(work, count)?);
                if compared {
                    best.add(before, times.last().copied().unwrap_or(f64::NAN), products(machine)?);
                }
            }
            if i == 0 {
                best.copies.push(contestant::number(&machine.request("copies", 1)?, "copy")?);
            }
        }
        for (entrant, times) in entrants.iter().zip(&times) {
            let work = format!("{}_{work}", net.model.name());
            report.rows.push(Row { work, who: entrant.who.to_owned(), n_rec: net.n_rec, median_ms: median(times) });
            if i == 0 {
                let peak_mib = entrant.peak_mib();
                report.memory.push(Memory { net, who: entrant.who.to_owned(), peak_mib });
            }
        }
    }
    report.sizes.extend(best.size());
    Ok(())
}

/// The rates of matrix products by two crates, in GFLOP/s.
fn products(machine: &mut Contestant) -> Result<[f64; 2]> {
    let rates = machine.request("products", 1)?;
    Ok([contestant::number(&rates, "gemm")?, contestant::number(&rates, "matrixmultiply")?])
}

/// What the machine does at best, and what the kernel does at the same time.
struct Best {
    net: Net,
    /// Of each turn: the kernel's rate, and those of products before and after it, averaged.
    turns: Vec<(f64, [f64; 2])>,
    copies: Vec<f64>,
}

impl Best {
    fn new(net: Net) -> Self {
        Self { net, turns: Vec::new(), copies: Vec::new() }
    }

    fn add(&mut self, before: [f64; 2], ms: f64, after: [f64; 2]) {
        let products = [(before[0] + after[0]) / 2.0, (before[1] + after[1]) / 2.0];
        self.turns.push((self.net.operations() / (ms * 1e6), products));
    }

    /// The rates of the turn in which the kernel's share of the better crate's rate is the median one.
    fn size(&self) -> Option<Size> {
        let rates = |crate_: usize| self.turns.iter().map(|(_, products)| products[crate_]).collect::<Vec<_>>();
        let better = usize::from(median(&rates(1)) > median(&rates(0)));
        let mut turns: Vec<_> = self.turns.iter().map(|(kernel, products)| (*kernel, products[better])).collect();
        turns.sort_by(|(a, of_a), (b, of_b)| (a / of_a).total_cmp(&(b / of_b)));
        let &(kernel_gflops, gemm_gflops) = turns.get(turns.len() / 2)?;
        Some(Size { net: self.net, gemm_gflops, kernel_gflops, copy_gbs: median(&self.copies) })
    }
}

impl Place {
    /// Starts those of `able` that there are.
    fn contestants(&self, net: Net, able: &[&str]) -> Result<Vec<Contestant>> {
        let (model, units, threads) = (net.model.name(), net.n_rec.to_string(), self.threads.to_string());
        let start = |who: &'static str, command: &mut Command| {
            command.arg(model).arg(&self.inputs).args([&units, &threads]);
            Contestant::start(who, command)
        };
        let ours = ["kernel", "tch"].into_iter().map(|who| start(who, Command::new(&self.ours).arg(who)));
        let peers = self.peers.iter().filter(|(who, ..)| able.contains(who)).map(|(who, python, script)| {
            let mut command = Command::new(python);
            // No compiled copies of our scripts among the sources.
            start(who, command.env("PYTHONDONTWRITEBYTECODE", "1").arg(script))
        });
        ours.chain(peers).collect()
    }
}

/// An error that says who, if a loss is not that of the first contestant.
fn agree(losses: &[(&str, Vec<f64>)]) -> Result<()> {
    let Some((first, expected)) = losses.first() else { return Ok(()) };
    let fits = |losses: &[f64]| {
        let mut compared = losses.iter().zip(expected).zip(TOLERANCES);
        losses.len() == expected.len() && compared.all(|((a, b), share)| (a - b).abs() <= share * a.abs().max(b.abs()))
    };
    let others: Vec<_> = losses.iter().filter(|(_, losses)| !fits(losses)).map(|(who, _)| *who).collect();
    if others.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = losses.iter().map(|(who, losses)| format!("    {who}: {losses:?}")).collect();
    bail!(
        "the losses of {} are not those of {first}, so their times cannot be compared. The losses of the first updates:\n\n{}\n",
        others.join(", "),
        lines.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contestants_that_compute_something_else_are_named() {
        let same = [("kernel", vec![0.25, 0.2]), ("jax", vec![0.25001, 0.2]), ("torch", vec![0.25, 0.199])];
        assert!(agree(&same).is_ok());
        for wrong in [vec![0.2501, 0.2], vec![0.25, 0.19], vec![0.25, f64::NAN], vec![0.25]] {
            let message = agree(&[("kernel", vec![0.25, 0.2]), ("jax", wrong)]).unwrap_err().to_string();
            assert!(message.starts_with("the losses of jax are not those of kernel"), "{message}");
        }
    }

    #[test]
    fn options_say_how_much_is_measured() {
        let extent = |options: &[&str]| Extent::new(&options.iter().map(|&o| o.to_owned()).collect::<Vec<_>>());
        assert_eq!(extent(&[]).unwrap().networks().count(), 6);
        assert!(extent(&[]).unwrap().turns >= 15);
        let quick = extent(&["--quick", "--ours"]).unwrap();
        assert_eq!(quick.networks().map(|(net, _)| net.n_rec).collect::<Vec<_>>(), [50, 50]);
        assert!(quick.networks().next().unwrap().1.contains(&FUNCTIONS[0]));
        assert_eq!(extent(&[]).unwrap().networks().filter(|(_, works)| works.contains(&FUNCTIONS[0])).count(), 1);
        assert!(!quick.peers && extent(&["--quick"]).unwrap().peers);
        assert!(extent(&["--fast"]).is_err());
    }

    #[test]
    fn the_kernel_is_compared_with_the_machine_of_the_same_moment() {
        let mut best = Best::new(Net::new(Model::Rnn, 50));
        let ms = |gflops: f64| best.net.operations() / (gflops * 1e6);
        // Shares of 40, 50 and 30 percent of the first crate's rate, which is the better one in two of three turns.
        let turns = [
            ([90.0, 50.0], ms(40.0), [110.0, 50.0]),
            ([60.0, 50.0], ms(30.0), [60.0, 50.0]),
            ([30.0, 80.0], ms(9.0), [30.0, 80.0]),
        ];
        for (before, ms, after) in turns {
            best.add(before, ms, after);
        }
        let size = best.size().unwrap();
        assert!((size.kernel_gflops - 40.0).abs() < 1e-9 && size.gemm_gflops == 100.0);
        assert!(Best::new(Net::new(Model::Rnn, 50)).size().is_none());
    }

    #[test]
    fn whoever_does_other_work_also_does_updates() {
        for works in [[RNN, FUNCTIONS].concat(), LSTM.to_vec()] {
            for (_, able) in &works {
                assert!(able.iter().all(|who| works[0].1.contains(who)));
            }
        }
    }
}
