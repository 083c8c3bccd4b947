//! Where libtorch computes.

use std::path::PathBuf;
use std::{fmt, fs, mem};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What computes the updates of training.
///
/// On a graphics card libtorch runs the network and differentiates it, step by step. The part of libtorch that does so is loaded
/// when a card is first asked for. It has not been tried on a card yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// The NVIDIA card of this number, counted from 0.
    Cuda(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl Device {
    /// The device as libtorch knows it, if it is there.
    pub(crate) fn ready(self) -> Result<tch::Device> {
        let Self::Cuda(number) = self else { return Ok(tch::Device::Cpu) };
        let missing = |why: String| Error::Device { device: self.to_string(), why };
        if !tch::Cuda::is_available() {
            load_cuda().map_err(missing)?;
        }
        if !tch::Cuda::is_available() {
            return Err(missing("libtorch finds no NVIDIA card, or no driver for it".into()));
        }
        match tch::Cuda::device_count() {
            count if (number as i64) < count => Ok(tch::Device::Cuda(number)),
            1 => Err(missing("there is one card only, cuda:0".into())),
            count => Err(missing(format!("there are {count} cards, cuda:0 to cuda:{}", count - 1))),
        }
    }
}

/// Loads libtorch's part for NVIDIA cards. Our programs are not linked to it, since it would load for seconds in each.
fn load_cuda() -> std::result::Result<(), String> {
    const NAME: &str = "libtorch_cuda.so";
    let beside = libraries().into_iter().flat_map(|folder| [folder.join(NAME), folder.join("cuda").join(NAME)]);
    // It finds the libraries that it needs from where it really lies.
    let file = beside.filter_map(|path| path.canonicalize().ok()).next().unwrap_or_else(|| NAME.into());
    // SAFETY: what runs when it is loaded registers libtorch's operations on the card, as in any program that is linked to it.
    // tch has looked at the version of the libtorch beside which it lies.
    #[allow(unsafe_code)]
    let library = unsafe { libloading::Library::new(&file) };
    match library {
        Ok(library) => {
            // It stays, since libtorch points into it from now on.
            mem::forget(library);
            Ok(())
        }
        Err(error) => Err(format!("libtorch's part for NVIDIA cards does not load ({error})")),
    }
}

/// The folder of the libtorch that this program runs on.
fn libraries() -> Option<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| line.ends_with("/libtorch_cpu.so"))?;
    Some(PathBuf::from(&line[line.find('/')?..]).with_file_name(""))
}
