//! A session in which the network is the subject: what comes next may depend on what it did.

use ndarray::{Array3, Axis, s};

use super::{Session, Simulator, check_fit};
use crate::dynamics::{Keep, Run, Want};
use crate::random::Seed;
use crate::task::{Batch, Live, Made, Task};
use crate::{Error, Result, interrupt, memory};

impl Simulator {
    /// Runs a session of so many trials as an animal does it: each trial is drawn when the one before is done, by what the network did
    /// in those before ([`Task::next`]), and begins with the state in which the one before ended. Only the first begins with the
    /// initial state of the network.
    ///
    /// It is one session, however many trials the task says that one has, the first of the seed. The recurrent noise is that of one
    /// trial that lasts as long as all of them, with number 0. Past a trial's end states, rates and outputs are 0. Where the task's
    /// trials do not depend on what the network does, the session is that of [`Simulator::run_consecutively`] on
    /// `task.batch(n_trials, seed)`, bit by bit. If it is interrupted (see [`interrupt`]), it gives the trials so far.
    ///
    /// ```no_run
    /// use psychrnn::prelude::*;
    /// use psychrnn::task::{Sessions, Transitions};
    /// let task = Sessions::lasting(1000).iti(500.0).of(Transitions::repeat(0.8).of(PerceptualDiscrimination::default()));
    /// let session = Simulator::load("weights.npz")?.run_session(&task, 1000, Seed(1))?;
    /// let trials = session.trials().lagged("choice", 1)?.lagged("correct", 1)?;
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Simulator::run`] and [`TrialSource::trials`](crate::task::TrialSource::trials); also if [`Simulator::recurrent_gain`] is set
    /// or a perturbation has a window, whose steps are those of one trial.
    pub fn run_session<T: Task>(&self, task: &T, n_trials: usize, seed: impl Into<Seed>) -> Result<Session> {
        if n_trials == 0 {
            return Err(Error::argument("n_trials", "at least 1", 0));
        }
        self.check_without_times()?;
        let seed = seed.into();
        let made = Made::new(task, seed)?;
        let (n_in, n_rec, n_out) = self.network.sizes();
        let mut live = Live::new(&made);
        let mut state = self.start(1, seed)?;
        let units = self.recording.among(n_rec)?;
        let [states, rates] = self.recording.rows(&units);
        let want = Want { states, rates, keep: Keep::Nothing, ends: true };
        let (work, mut runs) = (interrupt::watch(), Vec::new());
        while runs.len() < n_trials && (runs.is_empty() || !work.is_interrupted()) {
            let batch = live.next()?;
            if runs.is_empty() {
                check_fit(&batch.spec, n_in, n_out, self.constants().dt(), Some(&self.constants()))?;
                self.check_session(&batch, &units, n_trials)?;
            }
            let run = self.moved(&mut state, &batch, &want, &units)?;
            let outputs = run.outputs.index_axis(Axis(0), 0);
            let alternatives = batch.spec.decision.choices(n_out);
            let place = |made: usize| alternatives.iter().position(|one| *one == made);
            let [choice, asked] = [batch.choice(0, outputs), batch.correct_choice(0)].map(|made| made.and_then(place));
            live.done(choice, asked, batch.is_correct(0, outputs))?;
            runs.push(run);
        }
        let batch = live.batch()?;
        let together = |part: fn(&Run) -> &Array3<f32>| {
            let mut all = Array3::zeros((runs.len(), batch.n_steps(), part(&runs[0]).len_of(Axis(2))));
            for (mut place, run) in all.outer_iter_mut().zip(&runs) {
                let part = part(run).index_axis(Axis(0), 0);
                place.slice_mut(s![..part.nrows(), ..]).assign(&part);
            }
            all
        };
        let (states, rates) = (together(|run| &run.states), together(|run| &run.rates));
        let outputs = together(|run| &run.outputs);
        Session::recorded(batch, states, rates, outputs, units)
    }

    /// An error if there is not enough memory for so many trials like this one.
    fn check_session(&self, batch: &Batch, units: &[usize], n_trials: usize) -> Result<()> {
        let kept = units.len() * (usize::from(self.recording.states) + usize::from(self.recording.rates));
        // Each trial for itself, and then all of them together.
        let channels = 2 * (batch.spec.n_in + 3 * batch.spec.n_out + kept);
        let what = format!("a session of {n_trials} trials of {} steps", batch.n_steps());
        let advice = "record fewer units, `record(Recording::rates(0..10))`, or none, `record(Recording::outputs())`; or run fewer trials";
        memory::check(what, memory::floats(&[n_trials, batch.n_steps(), channels]), advice)
    }
}
