//! Whole experiments. A [`Specification`] says what is trained on what, in a few lines of TOML; a [`Run`] is the folder in which that was
//! done. The command line `psychrnn` has the same: a notebook opens what it trained, and trains what its files say.
//!
//! ```no_run
//! use psychrnn::experiment::{Run, Specification};
//!
//! let specification = Specification::from_text(r#"
//!     [task]
//!     name = "random_dots"
//!     coherences = [0.1, 0.3, 0.6]
//!     [network]
//!     units = 60
//!     noise = 0.1
//!     dale_ratio = 0.8
//!     [trainer]
//!     updates = 1000
//!     [validation]
//!     trials = 300
//! "#)?;
//! // Killed or stopped, the same line goes on; when it has ended, it opens the run.
//! let run = specification.train("dots")?;
//!
//! // Another day, or what `psychrnn train dots.toml` has in its folder:
//! let run = Run::open("dots")?;
//! run.training()?.plot_loss().save("loss.png")?;
//! let network = run.network()?;
//! let session = run.test()?;
//! println!("{} units, {} correct", network.sizes().n_rec, session.accuracy());
//! session.plot_trial(0)?.save("trial.png")?;
//!
//! // The same with one thing changed.
//! let noisy = run.specification().with("network.noise", 0.3)?.train("dots-noisy")?;
//! println!("{} correct", noisy.test()?.accuracy());
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! All that a specification describes is there by itself, too: its [`task`](Specification::task), its
//! [`network`](Specification::network) before training, its [`trainer`](Specification::trainer).
//!
//! ```text
#![doc = include_str!("keys.txt")]
//! ```
//!
//! # Many runs
//!
//! A [`Design`] says what varies, and a [`Study`] is the folder in which all of its runs are done, each once, whoever does it: threads and
//! processes of [this machine](ThisMachine), tasks of a [cluster](Slurm), several of them side by side.
//!
//! ```no_run
//! use psychrnn::experiment::{Design, Study};
//!
//! let study = Design::from_text(r#"
//!     measures = ["accuracy", "trials_to_criterion"]
//!     [base]
//!     task.name = "random_dots"
//!     trainer = { updates = 2000, until = 0.85 }
//!     [vary]
//!     network.noise = [0.0, 0.05, 0.1]
//!     network.seed = { from = 1, to = 10 }
//! "#)?.train("noise")?;
//! println!("{}", study.table()?.mean_by("accuracy", "network.noise")?);
//! let network = study.run("noise=0.05 seed=3")?.network()?;
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! ```text
#![doc = include_str!("study/keys.txt")]
//! ```

mod failure;
mod filled;
mod given;
mod run;
mod sections;
mod specification;
mod study;
mod tasks;
#[cfg(test)]
mod tests;
mod words;

pub use run::Run;
pub use sections::HeldOut;
pub use specification::Specification;
pub use study::{Design, Job, STUDY_KEYS, Scheduler, Slurm, State, Status, Study, ThisMachine};

use crate::Result;

/// The keys of a specification, as people read them.
pub const KEYS: &str = include_str!("keys.txt");

/// The words of the library's setters that a specification may have, each with the key in whose place it stands:
/// `network.dale_ratio` for `network.constraints.dale_ratio`.
pub fn words() -> impl Iterator<Item = (String, String)> {
    words::all()
}

/// The arguments of a task and their usual values, as JSON.
///
/// # Errors
/// If there is no task of that name.
pub fn task_arguments(name: &str) -> Result<String> {
    let described = tasks::describe("task", name, &serde_json::json!({}), &mut words::Words::default());
    let expected = || failure::wrong("task", filled::no_such("task ", name, &tasks::NAMES));
    Ok(format!("{:#}", described.ok_or_else(expected)??.arguments))
}
