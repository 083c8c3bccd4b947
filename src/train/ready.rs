//! Whether training can begin: what is asked of a trainer, a network and what it is trained on, before the first update.

use super::validation::Plan;
use super::{Backend, Curriculum, Trainer};
use crate::dynamics::Dynamics;
use crate::network::{Device, Network};
use crate::simulate::check_fit;
use crate::task::TrialSource;
use crate::{Error, Result, memory};

impl Trainer {
    /// How many updates there are to be, and what computes them, if all arguments make sense.
    pub(super) fn ready(&self, network: &dyn Network, plan: &Plan<'_>) -> Result<(usize, Backend)> {
        let updates = self.check()?;
        let sizes = network.sizes();
        for (source, _) in &plan.stages {
            let spec = source.spec()?;
            spec.check()?;
            self.check_rows(&spec)?;
            check_fit(&spec, sizes.n_in, sizes.n_out, sizes.dt, network.constants().as_ref())?;
        }
        self.check_loss(network)?;
        if let Some(validation) = plan.validation {
            validation.check()?;
            if !validation.is_scored() {
                let expected = "other than 0 somewhere: no error counts, so that nothing could be judged";
                return Err(Error::argument("mask of the validation", expected, "0 everywhere"));
            }
            check_fit(&validation.spec, sizes.n_in, sizes.n_out, sizes.dt, network.constants().as_ref())?;
        }
        if network.parameters().iter().all(|(_, parameter)| !parameter.trainable) {
            return Err(Error::argument("freeze", "for some parameters only: nothing is left to train", "all of them"));
        }
        let effective = network.effective()?;
        self.regularizers.iter().try_for_each(|regularizer| regularizer.check_weights(&effective))?;
        let done = network.parameters().memory.total;
        self.schedule.check(done..done.saturating_add(updates as u64))?;
        let backend = self.chosen_backend(network)?;
        if self.vanishing_gradient > 0.0
            && (backend, network.constants().is_some_and(|one| one.has_omega())) != (Backend::Kernel, true)
        {
            let expected = "0, unless the kernel trains a leaky network in the current form: only there the adjoints of the states are known";
            return Err(Error::argument("vanishing_gradient", expected, self.vanishing_gradient));
        }
        if backend == Backend::Libtorch
            && let Some(memory) = self.memory
        {
            let expected =
                "left out on libtorch, whose graph keeps all that an update needs: the limit is the kernel's";
            return Err(Error::argument("memory", expected, memory));
        }
        if self.carry_state && network.initial_state().is_none() {
            let expected =
                "false for this network, which has no one state to begin a trial with (Network::initial_state)";
            return Err(Error::argument("carry_state", expected, true));
        }
        self.check_memory(network, plan, backend)?;
        plan.check_measurable(self, network)?;
        Ok((updates, backend))
    }

    /// An error if the loss does not fit what the network's outputs are.
    pub(crate) fn check_loss(&self, network: &dyn Network) -> Result<()> {
        network.constants().map_or(Ok(()), |constants| self.loss.check(constants.readout()))
    }

    /// What computes the gradients.
    pub(super) fn chosen_backend(&self, network: &dyn Network) -> Result<Backend> {
        match (self.backend, network.constants()) {
            (Some(Backend::Kernel), _) if self.device != Device::Cpu => {
                Err(Error::argument("backend", format!("libtorch on {}", self.device), "the kernel"))
            }
            (Some(Backend::Kernel), None) => {
                let expected = "libtorch for this network, whose equation the kernel does not know";
                Err(Error::argument("backend", expected, "the kernel"))
            }
            (Some(backend), _) => Ok(backend),
            (None, Some(_)) if self.device == Device::Cpu => Ok(Backend::Kernel),
            (None, _) => Ok(Backend::Libtorch),
        }
    }

    /// The bytes that updates of a network take on a task, or on the stages of a curriculum.
    pub(crate) fn bytes_on(
        &self,
        network: &dyn Network,
        task: &dyn TrialSource,
        curriculum: Option<&Curriculum>,
    ) -> Result<u64> {
        let of_task = || Plan::of_task(self, task);
        let plan = curriculum.map_or_else(of_task, |curriculum| Plan::of_curriculum(self, curriculum))?;
        self.bytes_needed(network, plan.n_steps()?, self.chosen_backend(network)?)
    }

    /// The bytes that updates of a network take on trials of so many steps, as far as they can be told before they begin.
    pub(super) fn bytes_needed(&self, network: &dyn Network, n_steps: usize, backend: Backend) -> Result<u64> {
        let sizes = network.sizes();
        let trials = |n: usize| memory::floats(&[self.batch_size, n_steps, n]);
        let activity = match (backend, network.constants()) {
            (Backend::Kernel, Some(constants)) => {
                let dynamics = Dynamics::new(&network.weights()?, constants)?;
                let keep = dynamics.keep_within(self.bytes(), self.batch_size, n_steps);
                // States, what the loss makes of them on libtorch's graph, and their gradients.
                let states = if self.uses_states() { trials(5 * sizes.n_rec) } else { 0 };
                let kept = dynamics.bytes_kept(keep, self.batch_size, n_steps);
                let at_work = dynamics.bytes_at_work(keep, self.batch_size, n_steps);
                [states, trials(3 * sizes.n_out), kept, at_work].into_iter().fold(0, u64::saturating_add)
            }
            // A step of the graph keeps what goes into each of its operations.
            _ if self.device == Device::Cpu => trials(6 * sizes.n_rec + 3 * sizes.n_out),
            _ => 0,
        };
        // The batch, and the next one, which is drawn meanwhile and put together from its trials.
        let batches = trials(3 * (sizes.n_in + 2 * sizes.n_out));
        // Weights, gradients, two moments, and copies of them on the way through an update.
        let numbers: usize = network.parameters().iter().map(|(_, parameter)| parameter.value.numel()).sum();
        Ok([activity, batches, memory::floats(&[9, numbers])].into_iter().fold(0, u64::saturating_add))
    }

    /// An error if there is not enough memory for training.
    fn check_memory(&self, network: &dyn Network, plan: &Plan<'_>, backend: Backend) -> Result<()> {
        let sizes = network.sizes();
        let n_steps = plan.n_steps()?;
        let (n_checked, longest) = match plan.validation {
            Some(batch) => (batch.n_trials(), batch.n_steps()),
            None => (if plan.checks(self) { plan.trials } else { 0 }, n_steps),
        };
        let kept = if plan.keeps_activity(self) { 2 * sizes.n_rec } else { 0 };
        let checks = memory::floats(&[n_checked, longest, 2 * (sizes.n_in + 2 * sizes.n_out) + sizes.n_out + kept]);
        let needed = self.bytes_needed(network, n_steps, backend)?.saturating_add(checks);
        let what = format!(
            "training {} units on batches of {} trials of {n_steps} steps, with checks on {n_checked} trials,",
            sizes.n_rec, self.batch_size
        );
        memory::check(
            what,
            needed,
            "take smaller batches (`batch_size`) or fewer trials in checks, a longer `dt` or fewer units",
        )
    }
}
