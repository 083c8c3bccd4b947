//! Lesions: what a network does without some of its units or synapses.

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ndarray::{Array3, Axis};
use serde::{Deserialize, Serialize};

use super::{Counts, Psychometric, PsychometricFit};
use crate::simulate::{Effect, Perturbation, Simulator, Units, Window};
use crate::task::{Batch, Table, Value};
use crate::{Error, Result, interrupt, threads};

/// Lesions to be compared with the intact network, one at a time, all on the same trials with the same noise.
///
/// ```no_run
/// use psychrnn::prelude::*;
/// let simulator = Simulator::load("weights.npz")?;
/// let mut batch = PerceptualDiscrimination::default().coherences(&[0.0, 0.02, 0.05, 0.1]).batch(1000, Seed(2))?;
/// batch.values = batch.values.with("signed", ["coherence", "direction"], |[c, d]| if d == 1.0 { c } else { -c })?;
///
/// let sweep = LesionSweep::of_units(0..50, ..).psychometric("signed", 1, Psychometric::default());
/// let lesions = sweep.run(&simulator, &batch)?;
/// println!("{}", lesions.table());
/// lesions.plot().save("lesions.png")?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LesionSweep {
    /// The lesions.
    pub lesions: Vec<Lesion>,
    psychometric: Option<(String, usize, Psychometric)>,
    silent: bool,
}

/// More lesions than this are no list that someone means.
const MOST: usize = 1_000_000;

/// One lesion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesion {
    /// What it is called in tables and figures.
    pub name: String,
    /// What is done to the network, besides what its simulator does already.
    pub perturbations: Vec<Perturbation>,
}

impl LesionSweep {
    /// No lesions yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Silences each of these units in turn, within a window in milliseconds or, with `..`, for the whole trial.
    #[must_use]
    pub fn of_units(units: impl IntoIterator<Item = usize>, window: impl Into<Window>) -> Self {
        Self::of_groups(units.into_iter().map(|unit| (unit.to_string(), unit)), window)
    }

    /// Silences each of these groups of units in turn: pairs of a name and units.
    #[must_use]
    pub fn of_groups<S: Into<String>, U: Into<Units>>(
        groups: impl IntoIterator<Item = (S, U)>,
        window: impl Into<Window>,
    ) -> Self {
        Self::of_effects(groups, window, |units| Effect::Clamp { units, rate: 0.0 })
    }

    /// Multiplies the recurrent synapses that each of these groups of units sends by a factor, one group at a time.
    #[must_use]
    pub fn of_synapses<S: Into<String>, U: Into<Units>>(
        groups: impl IntoIterator<Item = (S, U)>,
        factor: f32,
        window: impl Into<Window>,
    ) -> Self {
        Self::of_effects(groups, window, |from| Effect::Recurrent { from, to: Units::All, factor })
    }

    fn of_effects<S: Into<String>, U: Into<Units>>(
        groups: impl IntoIterator<Item = (S, U)>,
        window: impl Into<Window>,
        effect: impl Fn(Units) -> Effect,
    ) -> Self {
        let window = window.into();
        let lesion = |(name, units): (S, U)| Lesion {
            name: name.into(),
            perturbations: vec![Perturbation { effect: effect(units.into()), window }],
        };
        Self { lesions: groups.into_iter().take(MOST + 1).map(lesion).collect(), ..Self::default() }
    }

    /// Adds a lesion of your own.
    #[must_use]
    pub fn lesion(mut self, name: &str, perturbations: impl IntoIterator<Item = Perturbation>) -> Self {
        self.lesions.push(Lesion { name: name.to_owned(), perturbations: perturbations.into_iter().collect() });
        self
    }

    /// Fits a psychometric curve to each: the share of `choice` over the levels in a column of the batch's values.
    #[must_use]
    pub fn psychometric(mut self, column: &str, choice: usize, model: Psychometric) -> Self {
        self.psychometric = Some((column.to_owned(), choice, model));
        self
    }

    /// Shows no progress.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Runs the trials on the intact network and with each lesion, on all cores, and shows a line a second. The numbers do not
    /// depend on how many cores there are. If it is interrupted (see [`interrupt`]), it gives what it has.
    ///
    /// # Errors
    /// If there is no lesion, if the batch does not fit the network, if a lesion names units, channels or times that are
    /// not there, or if there is no such column. A curve that cannot be fitted to a lesioned network is missing in its row.
    pub fn run(&self, simulator: &Simulator, batch: &Batch) -> Result<Lesions> {
        if self.lesions.is_empty() {
            return Err(Error::argument("lesions", "at least one", "none"));
        }
        let levels = match &self.psychometric {
            Some((column, ..)) => Some(batch.values.numbers(column)?),
            None => None,
        };
        if self.lesions.len() > MOST {
            return Err(Error::argument("lesions", format!("at most {MOST}"), "more"));
        }
        // Noise takes more memory than all other effects.
        let noises = |lesion: &&Lesion| lesion.perturbations.iter().filter(|one| one.is_noise()).count();
        let largest = self.lesions.iter().max_by_key(noises).map_or(&[][..], |lesion| &lesion.perturbations);
        simulator.check_outputs(batch, largest, threads::threads().min(self.lesions.len() + 1))?;
        let intact = Lesion { name: "intact".to_owned(), perturbations: Vec::new() };
        let all: Vec<&Lesion> = std::iter::once(&intact).chain(&self.lesions).collect();
        let progress = Progress { total: all.len(), state: Mutex::new((0, Instant::now())), silent: self.silent };
        // The intact network is run whatever comes: all others are compared with it.
        let (work, taken, wanted) = (interrupt::watch(), AtomicUsize::new(0), all.len());
        let go_on = || taken.fetch_add(1, Ordering::Relaxed) == 0 || !work.is_interrupted();
        let done = threads::map_while(all, go_on, |lesion| {
            let perturbed = lesion.perturbations.iter().cloned().fold(simulator.clone(), Simulator::perturb);
            let behavior = self.behavior(&lesion.name, &perturbed.outputs(batch)?, batch, levels.as_deref())?;
            progress.one_more();
            Ok(behavior)
        })?;
        let interrupted = done.len() < wanted;
        let mut lesions = done.into_iter();
        let intact = lesions.next().ok_or_else(|| Error::argument("lesions", "at least one", "none"))?;
        let mut lesions = Lesions { intact, lesions: lesions.collect(), interrupted };
        lesions.compare(self.psychometric.as_ref().map(|(_, _, model)| model));
        Ok(lesions)
    }

    fn behavior(
        &self,
        name: &str,
        outputs: &Array3<f32>,
        batch: &Batch,
        levels: Option<&[f64]>,
    ) -> Result<LesionBehavior> {
        let choices: Vec<Option<usize>> =
            outputs.axis_iter(Axis(0)).enumerate().map(|(trial, outputs)| batch.choice(trial, outputs)).collect();
        let scored: Vec<bool> = (0..batch.n_trials())
            .filter_map(|trial| batch.correct_choice(trial).map(|correct| choices[trial] == Some(correct)))
            .collect();
        let accuracy = scored.iter().filter(|&&correct| correct).count() as f64 / scored.len() as f64;
        let counts = match (&self.psychometric, levels) {
            (Some((column, choice, _)), Some(levels)) => {
                let hits: Vec<_> = choices.iter().map(|made| made.map(|made| made == *choice)).collect();
                // A network that never chooses has no counts.
                Counts::of_trials(column, levels, &hits)
                    .ok()
                    .map(|counts| counts.hit_name(&format!("Share of choice {choice}")))
            }
            _ => None,
        };
        let fit =
            self.psychometric.as_ref().zip(counts.as_ref()).and_then(|((_, _, model), counts)| model.fit(counts).ok());
        Ok(LesionBehavior { name: name.to_owned(), accuracy, choices, counts, fit, p: None })
    }
}

/// How many runs are done, said at most once a second.
struct Progress {
    total: usize,
    state: Mutex<(usize, Instant)>,
    silent: bool,
}

impl Progress {
    fn one_more(&self) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.0 += 1;
        if !self.silent && state.1.elapsed() >= Duration::from_secs(1) {
            state.1 = Instant::now();
            // That nobody reads it is no reason to stop.
            let _ = writeln!(std::io::stdout().lock(), "lesions: {} of {} runs", state.0, self.total);
        }
    }
}

/// What lesions do, of [`LesionSweep::run`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lesions {
    /// The network without a lesion.
    pub intact: LesionBehavior,
    /// The network with each lesion, in the order in which they were given.
    pub lesions: Vec<LesionBehavior>,
    /// Whether the work was interrupted (see [`interrupt`]): fewer lesions than asked for.
    #[serde(default)]
    pub interrupted: bool,
}

/// What a network with a lesion does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LesionBehavior {
    /// The name of the lesion.
    pub name: String,
    /// The share of correct choices among the trials that have one; NaN if none has.
    pub accuracy: f64,
    /// The choice in each trial.
    pub choices: Vec<Option<usize>>,
    /// How often the choice was made at each level, if a curve was asked for.
    pub counts: Option<Counts>,
    /// The curve; `None` if none was asked for, or if there is none, since all choices are the same.
    pub fit: Option<PsychometricFit>,
    /// The probability of curves as different as this one and that of the intact network, if there is one curve, by
    /// [`Psychometric::compare`]. One of many tests if there are many lesions.
    pub p: Option<f64>,
}

impl Lesions {
    fn compare(&mut self, model: Option<&Psychometric>) {
        let Some((model, intact)) = model.zip(self.intact.counts.as_ref()) else { return };
        for lesion in &mut self.lesions {
            // What has no curve of its own is not compared.
            let counts = lesion.counts.as_ref().filter(|_| lesion.fit.is_some());
            lesion.p = counts.and_then(|counts| model.compare(intact, counts).ok()).map(|test| test.p);
        }
    }

    /// One row a lesion, the intact network first: `lesion`, `accuracy`, its `change in accuracy`, the share of trials in
    /// which the choice is that of the intact network (`same choice`), and with a psychometric curve `threshold`, `width`, `guess`,
    /// `lapse`, the changes in them, and `p`, see [`LesionBehavior::p`].
    #[must_use]
    pub fn table(&self) -> Table {
        let all: Vec<&LesionBehavior> = std::iter::once(&self.intact).chain(&self.lesions).collect();
        let mut table = Table::new();
        // All columns have one row a lesion, so no insertion can fail.
        let mut add = |name: &str, of: &dyn Fn(&LesionBehavior) -> Value| {
            drop(table.insert(name, all.iter().map(|lesion| of(lesion)).collect::<Vec<_>>()));
        };
        add("lesion", &|lesion| lesion.name.as_str().into());
        add("accuracy", &|lesion| lesion.accuracy.into());
        add("change in accuracy", &|lesion| (lesion.accuracy - self.intact.accuracy).into());
        add("same choice", &|lesion| self.same_choice(lesion).into());
        if self.intact.counts.is_some() {
            for (name, of) in PARAMETERS {
                let intact = self.intact.fit.as_ref().map(of);
                add(name, &|lesion| lesion.fit.as_ref().map(of).into());
                let change = |lesion: &LesionBehavior| Some(lesion.fit.as_ref().map(of)? - intact?);
                add(&format!("change in {name}"), &|lesion| change(lesion).into());
            }
            add("p", &|lesion| lesion.p.into());
        }
        table
    }

    fn same_choice(&self, lesion: &LesionBehavior) -> f64 {
        let same = lesion.choices.iter().zip(&self.intact.choices).filter(|(a, b)| a == b).count();
        same as f64 / lesion.choices.len() as f64
    }

    /// Shows the table under a notebook cell; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        self.table().evcxr_display();
    }
}

type Parameter = fn(&PsychometricFit) -> f64;
/// The parameters of a curve that a lesion may change.
const PARAMETERS: [(&str, Parameter); 4] = [
    ("threshold", |fit| fit.threshold.value),
    ("width", |fit| fit.width.value),
    ("guess", |fit| fit.guess.value),
    ("lapse", |fit| fit.lapse.value),
];
