//! Our side of `cargo xtask bench`: contestants that are told on standard input what to do, and say how long it took.
//!
//! ```text
//! bench inputs FOLDER UNITS…                     write the batch and the weights from which all contestants start
//! bench kernel|tch rnn|lstm FOLDER UNITS THREADS answer to the requests below
//! bench machine THREADS                          answer to `products` and `copies`
//! ```
//!
//! A contestant first says its versions: `{"versions": "…"}`. A request is a line `WORK COUNT`. `losses` makes so many
//! updates and answers `{"losses": […]}`, the loss before each. `update`, `update_with_batch`, `update_noise` and
//! `forward` do that so many times and answer `{"ms": …}`, the milliseconds of one. `losses`, `update` and `forward` may name the
//! functions of another network with the same weights, `update:tanh,linear`: its transfer function and its readout, in serde's
//! spelling; otherwise they are `relu,linear`. `products` answers with the rates of
//! matrix products, in GFLOP/s, and `copies` with that of copies in memory, in GB/s, all threads together.

use std::collections::HashMap;
use std::hint::black_box;
use std::io::{BufRead as _, Write as _, stdin, stdout};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use ndarray::Array2;
use psychrnn::prelude::*;
use psychrnn::threads::with_threads;
use psychrnn::train::{Backend, Observer, Progress};
use serde_json::{Value, json};

type Outcome<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const N_BATCH: usize = 128;
/// The standard deviation of the recurrent noise in `update_noise`.
const NOISE: f32 = 0.05;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["inputs", folder, units @ ..] => {
            units.iter().try_for_each(|units| write_inputs(Path::new(folder), units.parse()?))
        }
        ["machine", threads] => {
            let threads = threads.parse()?;
            serve("gemm 0.19, matrixmultiply of ndarray 0.16", |work, _| match work {
                "products" => Ok(products(threads)),
                _ => Ok(copies(threads)),
            })
        }
        [who, model, folder, units, threads] => {
            let backend = if *who == "tch" { Backend::Libtorch } else { Backend::Kernel };
            let mut contestant = Contestant::new(backend, model, folder.into(), units.parse()?, threads.parse()?)?;
            serve(concat!("psychrnn-rs ", env!("CARGO_PKG_VERSION")), |work, count| contestant.answer(work, count))
        }
        _ => Err("`cargo xtask bench` runs this".into()),
    }
}

/// Answers the requests on standard input, until it ends.
fn serve(versions: &str, mut answer: impl FnMut(&str, usize) -> Outcome<Value>) -> Outcome<()> {
    writeln!(stdout(), "{}", json!({ "versions": versions }))?;
    for line in stdin().lock().lines() {
        let line = line?;
        let (work, count) = line.split_once(' ').ok_or("a request is a line `WORK COUNT`")?;
        let answer = answer(work, count.parse()?)?;
        writeln!(stdout(), "{answer}")?;
    }
    Ok(())
}

fn task() -> PerceptualDiscrimination {
    PerceptualDiscrimination::default()
}

fn batch() -> Result<Batch> {
    task().batch(N_BATCH, Seed(1))
}

fn write_inputs(folder: &Path, units: usize) -> Outcome<()> {
    let (task, batch) = (task(), batch()?);
    let mut arrays = Weights::new();
    for (name, array) in [("inputs", batch.inputs), ("targets", batch.targets), ("mask", batch.mask)] {
        arrays.insert(name, array);
    }
    arrays.save(folder.join("batch.npz"))?;
    let file = |model: &str| folder.join(format!("{model}-{units}.npz"));
    Rnn::new(&task, RnnConfig::default().units(units).seed(1))?.save(file("rnn"))?;
    Lstm::new(&task, LstmConfig::default().units(units).seed(1))?.save(file("lstm"))?;
    Ok(())
}

/// One network, and what it is trained on.
struct Contestant {
    trainer: Trainer,
    threads: usize,
    batch: Batch,
    weights: PathBuf,
    units: usize,
    network: Box<dyn Network>,
    noisy: Option<Rnn>,
    /// Networks with other functions, by their names.
    others: HashMap<String, Rnn>,
}

/// A rectified power needs a number; PyCog's is 2.
fn function<T: serde::de::DeserializeOwned>(name: &str) -> Outcome<T> {
    Ok(match name {
        "rectified_power" => serde_json::from_value(json!({ name: { "power": 2.0 } }))?,
        _ => serde_json::from_value(json!(name))?,
    })
}

impl Contestant {
    fn new(backend: Backend, model: &str, folder: PathBuf, units: usize, threads: usize) -> Outcome<Self> {
        let weights = folder.join(format!("{model}-{units}.npz"));
        let (network, noisy): (Box<dyn Network>, _) = match model {
            "rnn" => {
                let config = RnnConfig::default().units(units).noise(NOISE);
                let noisy = Rnn::with_weights(&task(), config, &Weights::load(&weights)?)?;
                (Box::new(Rnn::load(&weights)?), Some(noisy))
            }
            _ => (Box::new(Lstm::load(&weights)?), None),
        };
        let trainer = Trainer::default().batch_size(N_BATCH).threads(threads).backend(backend).silent();
        Ok(Self { trainer, threads, batch: batch()?, weights, units, network, noisy, others: HashMap::new() })
    }

    fn answer(&mut self, work: &str, count: usize) -> Outcome<Value> {
        // The first update of a run also allocates its memory; a run has thousands.
        let mut trainer = self.trainer.clone().updates(count + 1);
        let mut clock = Clock::default();
        let (work, network): (_, &mut dyn Network) = match work.split_once(':') {
            None => (work, self.network.as_mut()),
            Some((work, functions)) => {
                if !self.others.contains_key(functions) {
                    let (transfer, readout) = functions.split_once(',').ok_or("functions are `TRANSFER,READOUT`")?;
                    let transfer: Transfer = function(transfer)?;
                    // The weights are those of another function, on purpose.
                    let mut weights = Weights::load(&self.weights)?;
                    weights.set_transfer(&transfer);
                    let config = RnnConfig::default().units(self.units).transfer(transfer).readout(function(readout)?);
                    let network = Rnn::with_weights(&task(), config, &weights)?;
                    self.others.insert(functions.to_owned(), network);
                }
                // Squares of rates explode after some updates with weights that are not for them. How long one takes is the same.
                trainer = trainer.learning_rate(1e-9);
                (work, self.others.get_mut(functions).ok_or("it was just made")?)
            }
        };
        match (work, &mut self.noisy) {
            ("losses", _) => {
                let trainer = self.trainer.clone().updates(count);
                return Ok(json!({ "losses": trainer.train(network, &self.batch)?.losses }));
            }
            ("update", _) => drop(trainer.train_observed(network, &self.batch, &mut clock)?),
            ("update_with_batch", _) => drop(trainer.train_observed(network, &task(), &mut clock)?),
            ("update_noise", Some(noisy)) => drop(trainer.train_observed(noisy, &self.batch, &mut clock)?),
            ("forward", _) => with_threads(self.threads, || {
                clock.start();
                (0..count).try_for_each(|_| network.run(&self.batch).map(|session| drop(black_box(session))))
            })?,
            _ => return Err(format!("there is no work `{work}` for this network").into()),
        }
        Ok(json!({ "ms": clock.seconds() * 1e3 / count as f64 }))
    }
}

/// The time since the first update.
#[derive(Default)]
struct Clock(Option<Instant>);

impl Clock {
    fn start(&mut self) {
        self.0 = self.0.or_else(|| Some(Instant::now()));
    }

    fn seconds(&self) -> f64 {
        self.0.map_or(f64::NAN, |start| start.elapsed().as_secs_f64())
    }
}

impl Observer for Clock {
    fn update(&mut self, _: &Progress) {
        self.start();
    }
}

/// What the machine can do at best: products of large square matrices, one on each thread.
fn products(threads: usize) -> Value {
    const N: usize = 1024;
    let matrix = |shift: f32| Array2::from_shape_fn((N, N), |(i, j)| ((i * 7 + j) % 13) as f32 * 0.1 + shift);
    let gflop = 2e-9 * (N * N * N) as f64;
    let product = |multiply: fn(&Array2<f32>, &Array2<f32>, &mut Array2<f32>)| {
        total_rate(threads, gflop, || {
            let (a, b, mut c) = (matrix(0.0), matrix(0.5), Array2::zeros((N, N)));
            move || multiply(&a, &b, black_box(&mut c))
        })
    };
    json!({
        "gemm": product(gemm),
        "matrixmultiply": product(|a, b, c| ndarray::linalg::general_mat_mul(1.0, a, b, 0.0, c)),
    })
}

/// What the machine can do at best: copies too large for caches.
fn copies(threads: usize) -> Value {
    const COPIED: usize = 512 << 20;
    let copy = || {
        let n = COPIED / threads / size_of::<f32>();
        let (from, mut to) = (vec![1.0_f32; n], vec![0.0_f32; n]);
        move || black_box(&mut to).copy_from_slice(black_box(&from))
    };
    json!({
        // Each number is read once and written once.
        "copy": total_rate(threads, 2e-9 * (COPIED / threads) as f64, copy),
    })
}

/// Each thread makes work of its own and does it a few times while the others do theirs: the sum of `amount` per second.
fn total_rate<W: FnMut()>(threads: usize, amount: f64, make: impl Fn() -> W + Sync) -> f64 {
    const TIMES: usize = 4;
    let barrier = Barrier::new(threads);
    let rate = || {
        let mut work = make();
        work();
        barrier.wait();
        let start = Instant::now();
        (0..TIMES).for_each(|_| work());
        amount * TIMES as f64 / start.elapsed().as_secs_f64()
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(rate)).collect();
        // A thread that panicked has no rate, and the bench shows that.
        workers.into_iter().map(|worker| worker.join().unwrap_or(f64::NAN)).sum()
    })
}

/// `c = a · b` by the crate `gemm`, on this thread.
#[allow(unsafe_code)]
fn gemm(a: &Array2<f32>, b: &Array2<f32>, c: &mut Array2<f32>) {
    let ((m, k), n) = (a.dim(), b.ncols());
    let stride = |array: &Array2<f32>| (array.strides()[1], array.strides()[0]);
    let ((a_cs, a_rs), (b_cs, b_rs), (c_cs, c_rs)) = (stride(a), stride(b), stride(c));
    assert!(b.nrows() == k && c.dim() == (m, n), "the shapes of a product must fit");
    let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
    let no = false;
    // SAFETY: the shapes fit, and pointers and strides are those of arrays that live until it returns.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c,
            c_cs,
            c_rs,
            no,
            a,
            a_cs,
            a_rs,
            b,
            b_cs,
            b_rs,
            0.0,
            1.0,
            no,
            no,
            no,
            gemm::Parallelism::None,
        );
    }
}
