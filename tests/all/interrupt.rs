//! An interrupt while the library works, and while it does not. Signals go to a whole process, so each case is a process of
//! its own: this program again, with one test.

use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use psychrnn::analysis::{Completeness, FixedPoints};
use psychrnn::interrupt;
use psychrnn::prelude::*;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

const SIGNALS: &[i32] = &[SIGINT, SIGTERM, SIGHUP];

/// Starts one of the tests below that are ignored otherwise, in which signals of this kind are raised.
fn start(test: &str, signal: i32) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("interrupt::{test}"), "--ignored", "--nocapture"]);
    child.env("RAISED", signal.to_string());
    child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn raised() -> i32 {
    std::env::var("RAISED").unwrap().parse().unwrap()
}

fn raise() {
    signal_hook::low_level::raise(raised()).unwrap();
}

fn passes(test: &str) {
    SIGNALS.iter().for_each(|&signal| passes_with(test, signal));
}

fn passes_with(test: &str, signal: i32) {
    let output = start(test, signal).wait_with_output().unwrap();
    assert!(output.status.success(), "{test}: {}", String::from_utf8_lossy(&output.stdout));
}

fn dies(test: &str, signal: i32) {
    use std::os::unix::process::ExitStatusExt as _;
    // Started in the background of a shell, we and all our children ignore interrupts; under `nohup`, that a terminal is gone.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0").trim();
    if u64::from_str_radix(ignored, 16).unwrap() & (1 << (signal - 1)) != 0 {
        return;
    }
    assert_eq!(start(test, signal).wait().unwrap().signal(), Some(signal), "{test}");
}

#[test]
fn work_is_stopped_and_the_program_lives() {
    passes("work_notes_an_interrupt");
    passes_with("a_bootstrap_gives_what_it_has", SIGINT);
    passes_with("a_search_for_fixed_points_says_that_it_was_stopped", SIGINT);
}

#[cfg(feature = "torch")]
#[test]
fn training_and_ensembles_keep_what_they_have() {
    passes("training_goes_on_where_it_was");
    passes_with("an_ensemble_says_who_was_not_trained", SIGTERM);
}

#[test]
fn without_work_and_at_the_second_time_an_interrupt_ends_the_program() {
    for &signal in SIGNALS {
        dies("nothing_works", signal);
        dies("work_is_deaf", signal);
        dies("another_signal_comes", signal);
    }
}

#[test]
fn a_handler_from_elsewhere_is_kept() {
    passes("the_program_has_a_handler");
}

#[test]
#[ignore = "a process of its own"]
fn a_search_for_fixed_points_says_that_it_was_stopped() {
    let work = interrupt::watch();
    raise();
    for name in ["flipflop32_tanh", "flipflop40_relu", "relu7"] {
        let simulator = Simulator::load(crate::numbers::data(&format!("analysis/{name}.npz"))).unwrap();
        let set = FixedPoints::default().slow(true).of(&simulator, None).unwrap();
        assert!(set.interrupted && matches!(set.completeness, Completeness::Undecided { .. }), "{}", set.completeness);
    }
    drop(work);
}

#[test]
#[ignore = "a process of its own"]
fn work_notes_an_interrupt() {
    let work = interrupt::watch();
    let within = interrupt::watch();
    assert!(!work.is_interrupted());
    raise();
    assert!(within.is_interrupted());
    assert_eq!(within.signal(), Some(raised()));
    drop(within);
    assert!(work.is_interrupted());
    drop(work);
    assert!(!interrupt::watch().is_interrupted());
}

#[test]
#[ignore = "a process of its own"]
fn a_bootstrap_gives_what_it_has() {
    let data: Vec<f64> = (0..20).map(f64::from).collect();
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let mean = |sample: &[f64]| {
        if calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 100 {
            raise();
        }
        sample.iter().sum::<f64>() / sample.len() as f64
    };
    let interval = Bootstrap::default().resamples(1_000_000).percentile(&data, mean).unwrap();
    assert!(interval.interrupted);
    assert!(calls.into_inner() < 200);
    assert!(interval.low < 9.5 && 9.5 < interval.high);
    assert!(!Bootstrap::default().percentile(&data, |sample| sample[0]).unwrap().interrupted);
}

#[cfg(feature = "torch")]
fn interrupting(at: usize) -> impl Fn(usize) {
    move |update| {
        if update == at {
            raise();
        }
    }
}

/// Raises a signal when an update is done.
#[cfg(feature = "torch")]
struct Interrupting<F>(F);

#[cfg(feature = "torch")]
impl<F: Fn(usize)> psychrnn::train::Observer for Interrupting<F> {
    fn update(&mut self, progress: &psychrnn::train::Progress) {
        (self.0)(progress.update);
    }
}

#[cfg(feature = "torch")]
#[test]
#[ignore = "a process of its own"]
fn training_goes_on_where_it_was() {
    use psychrnn::train::Stop;
    let task = PerceptualDiscrimination::default();
    let network = || Rnn::new(&task, RnnConfig::default().units(8).seed(1)).unwrap();
    let trainer = Trainer::default().updates(10).batch_size(8).silent();
    let (mut whole, mut parts) = (network(), network());
    let training = trainer.train(&mut whole, &task).unwrap();
    assert_eq!(training.stop, Stop::Finished);
    let training = trainer.train_observed(&mut parts, &task, &mut Interrupting(interrupting(4))).unwrap();
    let stop = if raised() == SIGINT { Stop::Interrupted } else { Stop::Terminated };
    assert_eq!((training.stop, training.updates, training.losses.len()), (stop, 4, 4));
    assert!(["interrupted", "told to end"].iter().any(|why| training.to_string().starts_with(why)));
    let training = trainer.clone().updates(6).train(&mut parts, &task).unwrap();
    assert_eq!(training.stop, Stop::Finished);
    assert_eq!(parts.weights().unwrap(), whole.weights().unwrap());
}

#[cfg(feature = "torch")]
#[test]
#[ignore = "a process of its own"]
fn an_ensemble_says_who_was_not_trained() {
    use psychrnn::train::Stop;
    let task = PerceptualDiscrimination::default();
    let mut ensemble = Ensemble::new().silent().threads(1);
    for seed in 0..3 {
        let network = Rnn::new(&task, RnnConfig::default().units(8).seed(seed)).unwrap();
        ensemble.add(&format!("seed {seed}"), network, Trainer::default().updates(100_000).batch_size(8), task.clone());
    }
    let signal = std::thread::spawn(|| {
        sleep(Duration::from_millis(300));
        raise();
    });
    let report = ensemble.train().unwrap();
    signal.join().unwrap();
    assert!(report.interrupted);
    assert_eq!(report.members[0].training.as_ref().unwrap().stop, Stop::Terminated);
    assert!(report.members[1..].iter().all(|member| member.error.as_ref().unwrap().contains("interrupted")));
}

#[test]
#[ignore = "a process of its own"]
fn nothing_works() {
    drop(interrupt::watch());
    raise();
    sleep(Duration::from_secs(10));
}

#[test]
#[ignore = "a process of its own"]
fn work_is_deaf() {
    let _work = interrupt::watch();
    raise();
    raise();
    sleep(Duration::from_secs(10));
}

#[test]
#[ignore = "a process of its own"]
fn another_signal_comes() {
    let _work = interrupt::watch();
    let other = if raised() == SIGINT { SIGTERM } else { SIGINT };
    signal_hook::low_level::raise(other).unwrap();
    raise();
    sleep(Duration::from_secs(10));
}

#[test]
#[ignore = "a process of its own"]
fn the_program_has_a_handler() {
    let called = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    signal_hook::flag::register(raised(), std::sync::Arc::clone(&called)).unwrap();
    drop(interrupt::watch());
    raise();
    let start = Instant::now();
    while !called.load(std::sync::atomic::Ordering::SeqCst) {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}
