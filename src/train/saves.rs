//! The weights that are saved on the way.

use std::path::{Path, PathBuf};

use super::progress::told;
use super::{CheckpointEvent, Observer, Trainer};
use crate::caught::caught_in;
use crate::network::Network;
use crate::weights::Weights;
use crate::{Error, Result};

/// What [`Trainer::save_every`] asks for.
const FREE_FOLDER: &str =
    "a folder without weights of later updates from another run: name another one, or remove these";

/// Saves the weights of a run.
pub(super) struct Saves<'a> {
    every: usize,
    folder: &'a Path,
    /// Whether the run goes on from a checkpoint, and may have saved the same weights before.
    again: bool,
}

impl<'a> Saves<'a> {
    /// The folder, if there is to be one, for so many updates after those that are done.
    pub(super) fn open(trainer: &'a Trainer, done: u64, updates: usize, again: bool) -> Result<Option<Self>> {
        let Some((every, folder)) = &trainer.save_every else { return Ok(None) };
        let this = Self { every: *every, folder, again };
        if !again {
            this.check_free(done, updates)?;
        }
        Ok(Some(this))
    }

    /// Saves the weights after an update, if it is time. Where that fails training goes on; only weights of another run in their
    /// place are an error.
    pub(super) fn write(&self, network: &dyn Network, update: usize, observer: &mut dyn Observer) -> Result<()> {
        if !update.is_multiple_of(self.every) {
            return Ok(());
        }
        let path = self.folder.join(format!("weights-{:06}.npz", network.parameters().memory.total));
        self.check_same(network, &path)?;
        let saved = caught_in("the network", || network.weights()).and_then(|weights| weights.save(path));
        let Err(error) = saved else { return Ok(()) };
        let event = CheckpointEvent::NotSaved { problem: error.to_string() };
        told(|| observer.checkpoint(&event))
    }

    /// An error if there are other weights than the network's in the place for them, which would be lost. A run that is done again
    /// has the same.
    fn check_same(&self, network: &dyn Network, path: &Path) -> Result<()> {
        if self.again || !path.exists() {
            return Ok(());
        }
        let weights = caught_in("the network", || network.weights())?;
        match Weights::load(path) {
            Ok(there) if there.has_arrays_of(&weights) => Ok(()),
            _ => Err(Error::argument("save_every", FREE_FOLDER, format!("one with {}", path.display()))),
        }
    }

    /// An error if there are weights in the folder which are later than those after so many updates, and which so many more updates
    /// will not come upon.
    fn check_free(&self, done: u64, updates: usize) -> Result<()> {
        let number = |name: &str| name.strip_prefix("weights-")?.strip_suffix(".npz")?.parse::<u64>().ok();
        let present = std::fs::read_dir(self.folder).map_err(|source| Error::io("read", self.folder, source))?;
        let foreign = |path: &PathBuf| {
            let number = path.file_name().and_then(|name| number(name.to_str()?)).unwrap_or(0);
            let ours = number <= done + updates as u64 && number.saturating_sub(done).is_multiple_of(self.every as u64);
            number > done && !ours
        };
        match present.filter_map(|entry| Some(entry.ok()?.path())).find(foreign) {
            None => Ok(()),
            Some(path) => Err(Error::argument("save_every", FREE_FOLDER, format!("one with {}", path.display()))),
        }
    }
}
