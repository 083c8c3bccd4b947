//! The perturbations of a simulator, one after the other.

use super::{Effect, Perturbation, Simulator, Units, Window};

/// Perturbations. Several can be given; they act together. Factors on the same synapse multiply, currents and noise add up,
/// and of several rates at which a unit is held the last one given counts. What they name is checked when the network runs.
///
/// ```no_run
/// use psychrnn::prelude::*;
/// # let batch = PerceptualDiscrimination::default().batch(500, Seed(2))?;
/// let simulator = Simulator::load("weights.npz")?;
/// simulator.clone().silence(0..10, 500.0..800.0).run(&batch)?;                // units 0 to 9 for 300 ms
/// simulator.clone().scale_recurrent(40..50, .., 0.5, ..).run(&batch)?;        // half the inhibition, in all trials
/// simulator.clone().stimulate([3, 7], 0.2, 500.0..).add_noise(.., 0.1, ..).run(&batch)?;
/// simulator.silence(0..10, Window::after("stimulus", 0.0..200.0)).run(&batch)?; // whenever it starts in a trial
/// # Ok::<(), psychrnn::Error>(())
/// ```
impl Simulator {
    /// Adds a perturbation.
    #[must_use]
    pub fn perturb(mut self, perturbation: Perturbation) -> Self {
        self.perturbations.push(perturbation);
        self
    }

    /// Holds the rates of units at 0, see [`Effect::Clamp`].
    #[must_use]
    pub fn silence(self, units: impl Into<Units>, window: impl Into<Window>) -> Self {
        self.clamp(units, 0.0, window)
    }

    /// Holds the rates of units at a value, see [`Effect::Clamp`].
    #[must_use]
    pub fn clamp(self, units: impl Into<Units>, rate: f32, window: impl Into<Window>) -> Self {
        self.perturb(Perturbation::new(Effect::Clamp { units: units.into(), rate }, window))
    }

    /// Adds a current to what drives units, see [`Effect::Stimulate`].
    #[must_use]
    pub fn stimulate(self, units: impl Into<Units>, current: f32, window: impl Into<Window>) -> Self {
        self.perturb(Perturbation::new(Effect::Stimulate { units: units.into(), current }, window))
    }

    /// Adds noise to units, see [`Effect::Noise`].
    #[must_use]
    pub fn add_noise(self, units: impl Into<Units>, sd: f32, window: impl Into<Window>) -> Self {
        self.perturb(Perturbation::new(Effect::Noise { units: units.into(), sd }, window))
    }

    /// Multiplies the synapses from some units to others by a factor, see [`Effect::Recurrent`].
    #[must_use]
    pub fn scale_recurrent(
        self,
        from: impl Into<Units>,
        to: impl Into<Units>,
        factor: f32,
        window: impl Into<Window>,
    ) -> Self {
        self.perturb(Perturbation::new(Effect::Recurrent { from: from.into(), to: to.into(), factor }, window))
    }

    /// Multiplies the synapses from input channels to units by a factor, see [`Effect::Input`].
    #[must_use]
    pub fn scale_input(
        self,
        channels: impl Into<Units>,
        to: impl Into<Units>,
        factor: f32,
        window: impl Into<Window>,
    ) -> Self {
        self.perturb(Perturbation::new(Effect::Input { channels: channels.into(), to: to.into(), factor }, window))
    }

    /// Multiplies the synapses from units to output channels by a factor, see [`Effect::Output`].
    #[must_use]
    pub fn scale_output(
        self,
        from: impl Into<Units>,
        channels: impl Into<Units>,
        factor: f32,
        window: impl Into<Window>,
    ) -> Self {
        self.perturb(Perturbation::new(Effect::Output { from: from.into(), channels: channels.into(), factor }, window))
    }
}
