//! The equations, one a file or folder. To add one, write its file and its two lines here.

mod leaky;
mod lstm;

use std::borrow::Cow;
use std::sync::Arc;

use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::block::Stepper;
use super::exact::{Arrays, Exact};
use super::noise::Noise;
use super::wiring::Wiring;
use super::{Covariance, Readout};
use crate::Result;
use crate::random::Seed;
use crate::weights::Weights;

/// Writes what all equations have in common from the list of them.
macro_rules! equations {
    ($d:tt $($(#[$meta:meta])* $module:ident: $name:ident($units:ident $(, $more:ident)*);)+) => {
        $(pub use $module::{$units $(, $more)*};)+

        /// The constants of a network, which its weights alone do not tell.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Constants {
            $($(#[$meta])* $name($units),)+
        }

        impl Constants {
            pub(crate) fn units(&self) -> &dyn Units {
                match self {
                    $(Self::$name(units) => units,)+
                }
            }
        }

        $(impl From<$units> for Constants {
            fn from(units: $units) -> Self {
                Self::$name(units)
            }
        })+

        /// Calls a macro with the constants of all equations.
        macro_rules! with_units {
            ($d callback:ident) => { $d callback! { $($units),+ } };
        }
        pub(crate) use with_units;
    };
}

equations! { $
    /// A leaky recurrent network.
    leaky: Leaky(LeakyUnits, LeakyForm);
    /// An LSTM.
    lstm: Lstm(LstmUnits, CellOutput);
}

/// What the constants of an equation tell about it.
pub(crate) trait Units {
    /// The kind of network, as in "a leaky network".
    fn name(&self) -> &'static str;

    /// The time step, in milliseconds.
    fn dt(&self) -> f32;

    /// The same in steps of another size.
    ///
    /// # Errors
    /// If the steps of the equation have one size.
    fn in_steps_of(&self, dt: f32) -> Result<Constants>;

    /// The output function.
    fn readout(&self) -> Readout;

    /// The standard deviation `σ` of the recurrent noise, of the noisiest unit if they differ; `None` if the equation has no noise.
    fn noise(&self) -> Option<f32> {
        None
    }

    /// The covariance of the noise, if units share it.
    fn covariance(&self) -> Option<&Covariance> {
        None
    }

    /// The time constant, in milliseconds, if all units have the same.
    fn tau(&self) -> Option<f32> {
        None
    }

    /// Where the weights stand, in a network of so many units.
    fn wiring(&self, n_rec: usize) -> Wiring;

    /// The number of the sums to which a current that is put into a unit is added.
    fn driven(&self) -> usize {
        0
    }

    /// What a current into each unit must be multiplied with to have the effect of unit noise, of `sd` 1.
    ///
    /// # Errors
    /// If the constants make no sense.
    fn noise_as_current(&self, n_rec: usize) -> Result<Array1<f32>> {
        Ok(Array1::ones(n_rec))
    }

    /// Why units have no sign, so that Dale's principle cannot hold; `None` if they have one.
    #[cfg(feature = "torch")]
    fn unsigned(&self) -> Option<&'static str> {
        None
    }

    /// An error if the constants lack something that a run needs.
    ///
    /// # Errors
    /// Likewise.
    fn check_whole(&self) -> Result<()> {
        Ok(())
    }

    /// An error if weights were trained with other constants.
    ///
    /// # Errors
    /// Likewise.
    fn check_trained(&self, weights: &Weights) -> Result<()> {
        let _ = weights;
        Ok(())
    }

    /// The equation for so many units, and what it multiplies each of its sums with.
    ///
    /// # Errors
    /// If the constants make no sense.
    fn equation(&self, n_rec: usize) -> Result<(Arc<dyn Stepper>, Array1<f32>)>;

    /// The equation with these weights in `f64`, without noise.
    ///
    /// # Errors
    /// If the constants make no sense.
    fn exact(&self, arrays: Arrays) -> Result<Arc<dyn Exact>>;
}

impl Constants {
    /// The time step, in milliseconds.
    #[must_use]
    pub fn dt(&self) -> f32 {
        self.units().dt()
    }

    /// The output function.
    #[must_use]
    pub fn readout(&self) -> Readout {
        self.units().readout()
    }

    /// An error if these weights do not go with the constants.
    #[cfg(feature = "torch")]
    pub(crate) fn check_trained(&self, weights: &Weights) -> Result<()> {
        self.units().check_trained(weights)
    }

    /// The recurrent noise of the trials with these numbers, from their step `first` on: none if the equation or its constants have none.
    pub(crate) fn noise_of(&self, seed: Seed, numbers: &[u64], first: usize) -> Noise {
        match self.noise() > 0.0 {
            true => Noise::Drawn { seed, numbers: numbers.to_vec(), first },
            false => Noise::Off,
        }
    }

    /// How many units a network with these weights has.
    pub(crate) fn n_rec(&self, weights: &Weights) -> Result<usize> {
        // Where the weights of the inputs begin depends on it.
        Ok(self.units().wiring(0).counts(weights)?.n_rec)
    }

    /// The numbers of input channels, of units and of output channels of a network with these weights, whose shapes are then checked.
    #[cfg(feature = "torch")]
    pub(crate) fn sizes(&self, weights: &Weights) -> Result<(usize, usize, usize)> {
        let wiring = self.units().wiring(self.n_rec(weights)?);
        let counts = wiring.counts(weights)?;
        wiring.check(weights, &counts)?;
        Ok((counts.n_in, counts.n_rec, counts.n_out))
    }

    /// The same weights, where matrices whose axis of length 1 another program has dropped have it again.
    pub(crate) fn unsqueezed<'a>(&self, weights: &'a Weights) -> Cow<'a, Weights> {
        self.units().wiring(0).unsqueezed(weights)
    }

    /// The standard deviation `σ` of the recurrent noise, of the noisiest unit if they differ; 0 for an equation without noise.
    #[must_use]
    pub fn noise(&self) -> f32 {
        self.units().noise().unwrap_or(0.0)
    }
}
