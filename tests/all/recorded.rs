//! Trials, sessions and results in files: recorded elsewhere, and our own.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ndarray::{Array, Array2, Array3, Axis, Dimension, s};
use ndarray_npy::{WritableElement, WriteNpyExt};
use psychrnn::analysis::Counts;
use psychrnn::prelude::*;
use psychrnn::tasks::ContextIntegration;

/// An `.npz` file as NumPy writes it.
struct Npz(zip::ZipWriter<fs::File>);

impl Npz {
    fn new(path: &Path) -> Self {
        Self(zip::ZipWriter::new(fs::File::create(path).unwrap()))
    }

    fn with<T: WritableElement, D: Dimension>(mut self, name: &str, array: &Array<T, D>) -> Self {
        self.0.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        array.write_npy(&mut self.0).unwrap();
        self
    }

    /// Texts of four characters.
    fn texts(mut self, name: &str, texts: &[&str]) -> Self {
        self.0.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        let head = format!("{{'descr': '<U4', 'fortran_order': False, 'shape': ({},), }}\n", texts.len());
        self.0.write_all(b"\x93NUMPY\x01\x00").unwrap();
        self.0.write_all(&(head.len() as u16).to_le_bytes()).unwrap();
        self.0.write_all(head.as_bytes()).unwrap();
        for text in texts {
            let mut padded: Vec<u32> = text.chars().map(u32::from).collect();
            padded.resize(4, 0);
            padded.iter().for_each(|character| self.0.write_all(&character.to_le_bytes()).unwrap());
        }
        self
    }

    fn done(self) {
        self.0.finish().unwrap();
    }
}

fn spec() -> TaskSpec {
    TaskSpec::new(2, 2).dt(20.0).tau(100.0)
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recorded.npz");
    (folder, path)
}

/// Inputs and targets of 3 trials of 5 steps.
fn arrays() -> (Array3<f64>, Array3<f32>) {
    let inputs = Array3::from_shape_fn((3, 5, 2), |(i, j, k)| (i * 10 + j * 2 + k) as f64 / 10.0);
    let mut targets = Array3::zeros((3, 5, 2));
    targets.slice_mut(s![..2, 3.., 0]).fill(1.0);
    targets.slice_mut(s![2, 3.., 1]).fill(1.0);
    (inputs, targets)
}

#[test]
fn recorded_trials_are_a_task() {
    let (_kept, path) = place();
    let (mut inputs, targets) = arrays();
    inputs.slice_mut(s![1, 4, ..]).fill(f64::NAN);
    let mask = Array2::<f32>::ones((3, 5));
    Npz::new(&path)
        .with("inputs", &inputs)
        .with("targets", &targets)
        .with("mask", &mask)
        .with("lengths", &ndarray::arr1(&[5_i64, 4, 5]))
        .with("dt", &ndarray::arr0(20.0_f64))
        .with("rt", &ndarray::arr1(&[350.25_f64, f64::NAN, 400.0]))
        .with("coh", &ndarray::arr2(&[[0.1_f32], [0.2], [0.4]]))
        .with("correct", &ndarray::arr1(&[true, false, true]))
        .with("id", &ndarray::arr1(&[9_007_199_254_740_993_i64, 2, 3]))
        .with("session", &ndarray::arr0(7_u8))
        .with("outputs", &ndarray::arr1(&[1_i64, 0, 1]))
        .with("spikes", &Array3::<u8>::zeros((3, 5, 4)))
        .texts("side", &["left", "r", "µ"])
        .done();
    let batch = Batch::load(&path, &spec()).unwrap();
    assert_eq!(batch.inputs.dim(), (3, 5, 2));
    assert_eq!(batch.inputs[[2, 4, 1]], 2.9);
    assert_eq!(batch.lengths, [5, 4, 5]);
    // Past the end of a trial there is nothing.
    assert!(batch.inputs.slice(s![1, 4, ..]).iter().chain(batch.mask.slice(s![1, 4, ..])).all(|&x| x == 0.0));
    assert_eq!(batch.mask.sum(), 28.0);
    assert_eq!(batch.values.names().collect::<Vec<_>>(), ["rt", "coh", "correct", "id", "session", "outputs", "side"]);
    let row = |name: &str| batch.values.column(name).unwrap().to_vec();
    assert_eq!(row("rt")[0], Value::Float(350.25));
    assert_eq!(row("coh"), [Value::Float(0.1), Value::Float(0.2), Value::Float(0.4)]);
    assert_eq!(row("correct"), [Value::Bool(true), Value::Bool(false), Value::Bool(true)]);
    assert_eq!(row("id")[0], Value::Int(9_007_199_254_740_993));
    assert_eq!(row("session"), vec![Value::Int(7); 3]);
    assert_eq!(row("side"), ["left", "r", "µ"].map(Value::from));
    assert_eq!([0, 1, 2].map(|trial| batch.correct_choice(trial)), [Some(0), Some(0), Some(1)]);
    // It gives its trials wherever a task is asked for.
    assert_eq!(batch.batch(7, Seed(1)).unwrap().n_trials(), 7);

    // Epochs of fixed durations are those of each trial, as far as the trials go.
    let epochs = spec().epoch("fixation", 40.0).epoch("answer", 40.0);
    assert_eq!(Batch::load(&path, &epochs).unwrap().starts("answer").unwrap(), [Some(40.0); 3]);
    let refused = |spec: TaskSpec| Batch::load(&path, &spec).unwrap_err().to_string();
    assert!(refused(spec().epoch("fixation", 40.0).epoch("answer", 60.0)).contains("5 steps"));
    assert!(refused(spec().epoch("fixation", Duration::uniform(20.0, 40.0))).contains("`batch.epochs`"));
    assert!(refused(spec().dt(10.0)).contains("`dt` is 20 ms"));
}

#[test]
fn arrays_that_do_not_fit_are_refused_with_advice() {
    let (inputs, targets) = arrays();
    let refused = |fill: &dyn Fn(Npz) -> Npz, advice: &str| {
        let (_kept, path) = place();
        fill(Npz::new(&path)).done();
        let error = Batch::load(&path, &spec()).unwrap_err().to_string();
        assert!(error.contains("recorded.npz") && error.contains(advice), "{error}\n{advice}");
    };
    let permuted = |axes: [usize; 3]| inputs.view().permuted_axes(axes).as_standard_layout().into_owned();
    refused(&|npz| npz.with("x", &inputs).with("y", &targets), "it has x, y");
    refused(&|npz| npz.with("inputs", &inputs), "`targets`");
    refused(&|npz| npz.texts("inputs", &["a"]).with("targets", &targets), "`inputs`");
    refused(&|npz| npz.with("inputs", &permuted([0, 2, 1])).with("targets", &targets), "inputs.swapaxes(1, 2)");
    refused(&|npz| npz.with("inputs", &permuted([2, 0, 1])).with("targets", &targets), "numpy.moveaxis(inputs, 0, 2)");
    let single = inputs.index_axis(Axis(0), 0).to_owned();
    refused(&|npz| npz.with("inputs", &single).with("targets", &targets), "inputs[None]");
    let wide = Array3::<f32>::zeros((3, 5, 4));
    refused(&|npz| npz.with("inputs", &wide).with("targets", &targets), "n_in = 4");
    let early = permuted([1, 0, 2]);
    let rt = ndarray::arr1(&[1.0, 2.0, 3.0]);
    refused(&|npz| npz.with("inputs", &early).with("targets", &targets).with("rt", &rt), "swapaxes(0, 1)");
    refused(&|npz| npz.with("inputs", &early).with("targets", &targets), "5 trials of 3 steps");
    for lengths in [vec![5, 5], vec![5, 6, 5], vec![0, 5, 5]] {
        let lengths = ndarray::Array1::from(lengths);
        refused(&|npz| npz.with("inputs", &inputs).with("targets", &targets).with("lengths", &lengths), "`lengths`");
    }
    let mask = Array2::<f32>::ones((5, 3));
    refused(&|npz| npz.with("inputs", &inputs).with("targets", &targets).with("mask", &mask), "`mask`");
    let numbers = ndarray::arr1(&[0_i64, 1, 1]);
    refused(
        &|npz| npz.with("inputs", &inputs).with("targets", &numbers),
        "numpy.eye(2)[targets][:, None].repeat(n_steps, axis=1)",
    );
    let each = Array2::<u8>::zeros((3, 5));
    refused(&|npz| npz.with("inputs", &inputs).with("targets", &each), "save numpy.eye(2)[targets]");
    let of_steps = ndarray::arr1(&[1.0_f32; 5]);
    refused(
        &|npz| npz.with("inputs", &inputs).with("targets", &targets).with("mask", &of_steps),
        "[3, 5, 2] or [3, 5]",
    );
    let two = ndarray::arr1(&[20.0, 20.0, 10.0]);
    refused(&|npz| npz.with("inputs", &inputs).with("targets", &targets).with("dt", &two), "`dt` is 10 ms");
    // What is there and cannot be read is not passed over.
    refused(&|npz| npz.with("inputs", &inputs).with("targets", &targets).texts("mask", &["1", "1", "0"]), "`mask`");
    refused(&|npz| npz.with("inputs", &inputs).with("targets", &targets).texts("lengths", &["5", "4", "5"]), "texts");
    refused(&|npz| npz.with("inputs", &inputs).with("targets", &targets).texts("dt", &["20"]), "`dt`");
    // A channel of its own may be missing where there is one.
    let (_kept, path) = place();
    Npz::new(&path).with("inputs", &Array2::<f32>::zeros((3, 5))).with("targets", &targets).done();
    let error = Batch::load(&path, &TaskSpec::new(1, 2).dt(20.0)).unwrap_err().to_string();
    assert!(error.contains("inputs[:, :, None]"), "{error}");
    assert!(Batch::load(path.with_file_name("none.npz"), &spec()).unwrap_err().to_string().contains("none.npz"));
    fs::write(&path, b"no file of arrays").unwrap();
    assert!(Batch::load(&path, &spec()).is_err());
}

/// A session of trials of different lengths with values of every kind.
fn session() -> Session {
    let task = ContextIntegration::default().stimulus(Duration::uniform(200.0, 400.0));
    let mut batch = task.trials(3..20, Seed(5)).unwrap();
    let n = batch.n_trials();
    let odd = [f64::NAN, f64::INFINITY, 0.1 + 0.2, -0.0].map(Value::from);
    batch.values.insert("odd", (0..n).map(|row| odd[row % 4].clone())).unwrap();
    let mut rng = Seed(1).stream(0);
    let (steps, n_out) = (batch.n_steps(), batch.spec.n_out);
    let states = Array3::from_shape_simple_fn((n, steps, 4), || rng.normal(0.0, 1.0));
    let outputs = Array3::from_shape_simple_fn((n, steps, n_out), || rng.normal(0.0, 1.0));
    Session::new(batch, states.clone(), states.mapv(|x| x.max(0.0)), outputs).unwrap()
}

/// Equal, with NaN equal to NaN.
fn same<T: std::fmt::Debug>(a: &T, b: &T) {
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}

#[test]
fn a_session_that_is_saved_is_loaded() {
    let (_kept, path) = place();
    let session = session();
    session.save(&path).unwrap();
    let loaded = Session::load(&path).unwrap();
    same(&loaded, &session);
    assert_eq!(loaded.states, session.states);
    assert_eq!(loaded.accuracy(), session.accuracy());
    // Analysis goes on.
    assert!(loaded.batch.starts("stimulus").is_ok() && loaded.only("context", "motion").is_ok());
    loaded.save(path.with_file_name("again.npz")).unwrap();
    assert_eq!(fs::read(path.with_file_name("again.npz")).unwrap(), fs::read(&path).unwrap());

    // Its trials can be had without it, also by another rule of choice.
    let spec = session.batch.spec.clone();
    same(&Batch::load(&path, &spec).unwrap(), &session.batch);
    let bare = TaskSpec::new(spec.n_in, spec.n_out).dt(spec.dt).decision(Decision::none());
    let batch = Batch::load(&path, &bare).unwrap();
    assert_eq!((batch.correct_choice(0), &batch.epochs), (None, &session.batch.epochs));
    session.batch.save(&path).unwrap();
    same(&Batch::load(&path, &spec).unwrap(), &session.batch);
    let error = Session::load(&path).unwrap_err().to_string();
    assert!(error.contains("no session") && error.contains("`outputs`"), "{error}");
    Npz::new(&path).with("states", &Array2::<f32>::zeros((2, 2))).done();
    assert!(Session::load(&path).unwrap_err().to_string().contains("no session"));
}

#[test]
fn results_with_nan_are_read_back_from_json() {
    fn through<T: serde::Serialize + serde::de::DeserializeOwned + std::fmt::Debug>(value: &T) {
        let json = serde_json::to_string(value).unwrap();
        same(&serde_json::from_str::<T>(&json).unwrap_or_else(|error| panic!("{error}\n{json}")), value);
    }
    let session = session();
    // Trials end at different times, so that late averages are over none.
    let averages = Average::by("context").aligned_to("stimulus").window(-200.0..700.0).of(&session).unwrap();
    assert!(averages.mean.iter().any(|x| x.is_nan()));
    through(&averages);
    through(&session.trials());
    through(&session.batch);
    through(&Counts::new("x", &[-1.0, 0.0, 1.0], &[9, 9, 9], &[1, 4, 8]).unwrap());
    let fit = Psychometric::default().fit(&Counts::new("x", &[-1.0, 0.0, 1.0], &[9; 3], &[0, 4, 9]).unwrap()).unwrap();
    through(&fit);
    through(&fit.bootstrap(Resampling::Parametric, &Bootstrap::default().resamples(20)).unwrap());
    through(&paired_t(&[1.0, 2.0, 3.0], &[2.0, 3.0, 5.0], Alternative::TwoSided, 0.95).unwrap());
}

#[cfg(feature = "torch")]
#[test]
fn a_report_of_training_that_is_saved_is_loaded() {
    use psychrnn::train::EnsembleTraining;
    let (folder, path) = place();
    let task = PerceptualDiscrimination::default().duration(200.0);
    let (mut network, held_out) =
        (Rnn::new(&task, RnnConfig::default().units(4)).unwrap(), task.batch(4, Seed(9)).unwrap());
    let mut training = Trainer::default()
        .updates(3)
        .batch_size(2)
        .check_every(1)
        .validation(held_out)
        .silent()
        .train(&mut network, &task)
        .unwrap();
    training.checks[0].value = f64::NAN;
    training.checks[1].loss = f64::INFINITY;
    training.losses[1] = f64::NEG_INFINITY;
    training.save(&path).unwrap();
    same(&Training::load(&path).unwrap(), &training);
    let error = EnsembleTraining::load(&path).unwrap_err().to_string();
    assert!(error.contains("no report of an ensemble"), "{error}");
    assert!(Training::load(folder.path().join("none.json")).unwrap_err().to_string().contains("none.json"));
    // A report as it was written once.
    let old = fs::read_to_string(&path).unwrap().replacen("\"NaN\"", "null", 1);
    fs::write(&path, old).unwrap();
    same(&Training::load(&path).unwrap(), &training);
}

#[cfg(feature = "torch")]
#[test]
fn where_there_are_no_choices_the_error_is_shown() {
    let (_kept, path) = place();
    let (inputs, targets) = arrays();
    Npz::new(&path).with("inputs", &inputs).with("targets", &targets).done();
    let recorded = Batch::load(&path, &spec().decision(Decision::none())).unwrap();
    let mut network = Rnn::new(&recorded, RnnConfig::default().units(4)).unwrap();
    let trainer = Trainer::default().updates(2).batch_size(2).check_every(1).validation(recorded.clone()).silent();
    let training = trainer.train(&mut network, &recorded).unwrap().to_string();
    assert!(training.contains("error 0.") && !training.contains("NaN"), "{training}");
}
