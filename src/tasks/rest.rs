//! Resting state: nothing to see, nothing to do.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::setters::setters;
use crate::task::{Decision, Duration, Sensory, Step, Task, TaskSpec, TrialRng, TrialSource};

/// Nothing to see and nothing to do: runs of a network by itself, as resting-state recordings are. The inputs show only what
/// [`Sensory`] adds to every input, the mask is 0 and there is no correct choice.
///
/// Default: 10 s. Epoch: `rest`. There are no values.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::task::Sensory;
/// use psychrnn::tasks::Rest;
/// let task = PerceptualDiscrimination::default();
/// let rest = Rest::of(&task)?.duration(5000.0).sensory(Sensory::default().noise(0.01));
/// let batch = rest.batch(20, Seed(1))?;
/// assert_eq!(batch.inputs.dim(), (20, 500, 2));
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rest {
    /// Input channels.
    pub n_in: usize,
    /// Output channels.
    pub n_out: usize,
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// How long each run lasts, in milliseconds: a number or a distribution.
    pub duration: Duration,
    /// What the inputs show without a signal.
    pub sensory: Sensory,
}

impl Rest {
    /// Rest for a network of this task: its channels, `dt`, `tau` and the baseline and noise of its inputs.
    ///
    /// # Errors
    /// If the task makes no sense.
    pub fn of(task: &dyn TrialSource) -> Result<Self> {
        let TaskSpec { n_in, n_out, dt, tau, sensory, .. } = task.spec()?;
        Ok(Self { n_in, n_out, dt, tau, duration: Duration::Fixed(10_000.0), sensory })
    }

    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// How long each run lasts, in milliseconds: a number or a distribution.
        duration: impl Into<Duration> => duration.into();
        /// What the inputs show without a signal.
        sensory: Sensory;
    }
}

impl Task for Rest {
    type Trial = ();

    fn spec(&self) -> TaskSpec {
        TaskSpec::new(self.n_in, self.n_out)
            .dt(self.dt)
            .tau(self.tau)
            .epoch("rest", self.duration.clone())
            .decision(Decision::none())
            .sensory(self.sensory.clone())
    }

    fn draw(&self, _: &mut TrialRng) {}

    fn step(&self, _: f32, (): &(), _: &mut TrialRng, now: &mut Step<'_>) {
        now.mask.fill(0.0);
    }
}
