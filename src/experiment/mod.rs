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

mod failure;
mod filled;
mod given;
mod run;
mod sections;
mod specification;
mod tasks;
#[cfg(test)]
mod tests;
mod words;

pub use run::Run;
pub use sections::HeldOut;
pub use specification::Specification;

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
