//! Lesions: what a network does without some of its units or synapses.

use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ndarray::{Array3, Axis};
use serde::{Deserialize, Serialize};

use super::{Alternative, Correction, Counts, McNemar, Psychometric, PsychometricFit, mcnemar};
use crate::simulate::{Effect, Perturbation, Simulator, Units, Window};
use crate::table::{Table, Value};
use crate::task::Batch;
use crate::{Error, Result, interrupt, threads};

/// More lesions than this are taken for a mistake.
const MOST: usize = 1_000_000;

/// Lesions to be compared with the intact network, one at a time, all on the same trials with the same noise. So trials are
/// pairs, and whether a lesion changes anything is told by the trials that come out differently: [`mcnemar`], corrected for the
/// number of lesions.
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
    #[serde(default)]
    correction: Correction,
    silent: bool,
}

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

    /// Silences each of these units in turn, within a window in milliseconds, in one that goes by an epoch of each trial
    /// (`Window::during("delay")`) or, with `..`, for the whole trial.
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
            perturbations: vec![Perturbation { effect: effect(units.into()), window: window.clone() }],
        };
        // One more than are run, so that a list without end is an error there.
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

    /// How the probabilities are corrected for the number of lesions; by [`holm`](super::holm) unless it is set.
    #[must_use]
    pub fn correction(mut self, correction: Correction) -> Self {
        self.correction = correction;
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
    /// not there, if there is no such column or choice, or if the curve cannot be fitted to the intact network. Why one cannot be
    /// fitted to a lesioned network stands in its row: [`LesionBehavior::no_fit`].
    pub fn run(&self, simulator: &Simulator, batch: &Batch) -> Result<Lesions> {
        if self.lesions.is_empty() {
            return Err(Error::argument("lesions", "at least one", "none"));
        }
        if self.lesions.len() > MOST {
            return Err(Error::argument("lesions", format!("at most {MOST}"), format!("more than {MOST}")));
        }
        let levels = match &self.psychometric {
            Some((column, choice, _)) => {
                batch.check_choice(*choice)?;
                Some(batch.values.numbers(column)?)
            }
            None => None,
        };
        // Noise takes more memory than all other effects.
        let noises = |lesion: &&Lesion| lesion.perturbations.iter().filter(|one| one.is_noise()).count();
        let largest = self.lesions.iter().max_by_key(noises).map_or(&[][..], |lesion| &lesion.perturbations);
        simulator.check_outputs(batch, largest, threads::threads().min(self.lesions.len() + 1))?;
        let (work, wanted) = (interrupt::watch(), self.lesions.len());
        let progress = Progress { total: wanted + 1, state: Mutex::new((0, Instant::now())), silent: self.silent };
        // The intact network is run first, and whatever comes: all others are compared with it.
        let intact = self.behavior("intact", &simulator.outputs(batch)?, batch, levels.as_deref())?;
        if let Some(why) = &intact.no_fit {
            let expected = "a curve that can be fitted to the intact network";
            return Err(Error::argument("psychometric", expected, format!("not: {why}")));
        }
        progress.one_more();
        let go_on = || !work.is_interrupted();
        let lesions = threads::map_while(self.lesions.iter().collect(), go_on, |lesion| {
            let perturbed = lesion.perturbations.iter().cloned().fold(simulator.clone(), Simulator::perturb);
            let behavior = self.behavior(&lesion.name, &perturbed.outputs(batch)?, batch, levels.as_deref())?;
            progress.one_more();
            Ok(behavior)
        })?;
        let interrupted = lesions.len() < wanted;
        let mut lesions = Lesions { intact, lesions, correction: self.correction, interrupted };
        let counted = self.psychometric.as_ref().zip(levels).map(|((_, choice, _), levels)| (*choice, levels));
        lesions.compare(counted)?;
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
        let correct: Vec<Option<bool>> =
            outputs.axis_iter(Axis(0)).enumerate().map(|(trial, outputs)| batch.is_correct(trial, outputs)).collect();
        let scored = correct.iter().flatten();
        let accuracy = scored.clone().filter(|&&correct| correct).count() as f64 / scored.count() as f64;
        let mut behavior =
            LesionBehavior { name: name.to_owned(), accuracy, choices, correct, ..LesionBehavior::default() };
        if let (Some((column, choice, model)), Some(levels)) = (&self.psychometric, levels) {
            let hits: Vec<_> = behavior.choices.iter().map(|made| made.map(|made| made == *choice)).collect();
            // A network that never chooses has no counts, one that always chooses the same no curve.
            let counts = Counts::of_trials(column, levels, &hits);
            let counts = counts.map(|counts| counts.hit_name(&format!("Share of choice {choice}")));
            let fit =
                counts.as_ref().map_err(ToString::to_string).and_then(|c| model.fit(c).map_err(|e| e.to_string()));
            behavior.no_fit = fit.as_ref().err().cloned();
            (behavior.counts, behavior.fit) = (counts.ok(), fit.ok());
        }
        Ok(behavior)
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
    /// How the probabilities were corrected for the number of lesions.
    pub correction: Correction,
    /// Whether the work was interrupted (see [`interrupt`]): fewer lesions than asked for.
    #[serde(default)]
    pub interrupted: bool,
}

/// What a network with a lesion does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LesionBehavior {
    /// The name of the lesion.
    pub name: String,
    /// The share of correct choices among the trials that have one; NaN if none has.
    #[serde(with = "crate::number")]
    pub accuracy: f64,
    /// Whether accuracy is that of the intact network; `None` for the intact network, and if no trial has a correct choice.
    pub accuracy_test: Option<LesionTest>,
    /// The choice in each trial.
    pub choices: Vec<Option<usize>>,
    /// Whether it is correct; `None` for a trial that has no correct choice. Empty in files of versions before 0.2.
    #[serde(default)]
    pub correct: Vec<Option<bool>>,
    /// How often the choice was made at each level, if a curve was asked for.
    pub counts: Option<Counts>,
    /// The curve; `None` if none was asked for, or if there is none, see [`LesionBehavior::no_fit`].
    pub fit: Option<PsychometricFit>,
    /// Why there is no curve, if one was asked for: all choices are the same, say.
    pub no_fit: Option<String>,
    /// Whether the choice is made as often as by the intact network, over all levels, if a curve was asked for: of the trials in
    /// which both choose. `None` for the intact network, and if there is no such trial.
    pub choice_test: Option<LesionTest>,
    /// The same at each level.
    pub level_tests: Vec<LesionTest>,
}

/// A test of a lesioned network against the intact one, of [`mcnemar`]: the first of each pair is the intact one, in the same
/// trial with the same noise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LesionTest {
    /// The level of the trials; `None` for all trials.
    #[serde(with = "crate::number")]
    pub level: Option<f64>,
    /// The two-sided test.
    pub test: McNemar,
    /// Its probability, corrected for the number of tests of this kind: one for each lesion, of levels one for each level of each
    /// lesion.
    #[serde(with = "crate::number")]
    pub corrected_p: f64,
}

impl LesionTest {
    /// Of the trials in which both networks have an answer; `None` if there are none.
    fn of(level: Option<f64>, pairs: impl Iterator<Item = (Option<bool>, Option<bool>)>) -> Result<Option<Self>> {
        let (intact, lesioned): (Vec<bool>, Vec<bool>) = pairs.filter_map(|(a, b)| a.zip(b)).unzip();
        if intact.is_empty() {
            return Ok(None);
        }
        let test = mcnemar(&intact, &lesioned, Alternative::TwoSided)?;
        Ok(Some(Self { level, test, corrected_p: test.p }))
    }
}

impl Lesions {
    /// Tests each lesion against the intact network, trial by trial.
    fn compare(&mut self, counted: Option<(usize, Vec<f64>)>) -> Result<()> {
        let Self { intact, lesions, correction, .. } = self;
        for lesion in lesions.iter_mut() {
            let scored = intact.correct.iter().copied().zip(lesion.correct.iter().copied());
            lesion.accuracy_test = LesionTest::of(None, scored)?;
            let Some((choice, levels)) = &counted else { continue };
            let made = |choices: &[Option<usize>], trial: usize| choices[trial].map(|made| made == *choice);
            let pair = |trial: usize| (made(&intact.choices, trial), made(&lesion.choices, trial));
            let all = (0..levels.len()).filter(|&trial| levels[trial].is_finite());
            lesion.choice_test = LesionTest::of(None, all.clone().map(pair))?;
            let known = intact.counts.as_ref().map_or(&[][..], |counts| &counts.levels);
            let at = |&level: &f64| LesionTest::of(Some(level), all.clone().filter(|&i| levels[i] == level).map(pair));
            lesion.level_tests = known.iter().filter_map(|level| at(level).transpose()).collect::<Result<_>>()?;
        }
        correct_all(*correction, lesions.iter_mut().filter_map(|lesion| lesion.accuracy_test.as_mut()))?;
        correct_all(*correction, lesions.iter_mut().filter_map(|lesion| lesion.choice_test.as_mut()))?;
        correct_all(*correction, lesions.iter_mut().flat_map(|lesion| &mut lesion.level_tests))
    }

    /// One row a lesion, the intact network first: `lesion`, `accuracy`, its `change in accuracy`, the share of trials in
    /// which the choice is that of the intact network (`same choice`), and the probability of a change in accuracy if there is
    /// none, by [`mcnemar`], as it is and corrected: `p accuracy (McNemar)`, `p accuracy (McNemar, Holm)`.
    ///
    /// With a psychometric curve also the `share of choice` that is counted, its change and the probability of it, `p choice
    /// (McNemar)` and `p choice (McNemar, Holm)`; `threshold`, `width`, `slope`, `guess`, `lapse`, and the changes in them; and
    /// why there is `no curve`, where there is none.
    #[must_use]
    pub fn table(&self) -> Table {
        let all: Vec<&LesionBehavior> = std::iter::once(&self.intact).chain(&self.lesions).collect();
        let mut table = Table::new();
        // All columns have one row a lesion, so no insertion can fail.
        let mut add = |name: &str, of: &dyn Fn(&LesionBehavior) -> Value| {
            drop(table.insert(name, all.iter().map(|lesion| of(lesion)).collect::<Vec<_>>()));
        };
        let corrected = self.correction.name();
        add("lesion", &|lesion| lesion.name.as_str().into());
        add("accuracy", &|lesion| lesion.accuracy.into());
        add("change in accuracy", &|lesion| (lesion.accuracy - self.intact.accuracy).into());
        add("p accuracy (McNemar)", &|lesion| lesion.accuracy_test.map(|test| test.test.p).into());
        add(&format!("p accuracy (McNemar, {corrected})"), &|lesion| {
            lesion.accuracy_test.map(|test| test.corrected_p).into()
        });
        add("same choice", &|lesion| self.same_choice(lesion).into());
        if self.intact.counts.is_some() {
            add("share of choice", &|lesion| lesion.share_of_choice().into());
            let intact = self.intact.share_of_choice();
            add("change in share of choice", &|lesion| lesion.share_of_choice().zip(intact).map(|(a, b)| a - b).into());
            add("p choice (McNemar)", &|lesion| lesion.choice_test.map(|test| test.test.p).into());
            add(&format!("p choice (McNemar, {corrected})"), &|lesion| {
                lesion.choice_test.map(|test| test.corrected_p).into()
            });
            for (name, of) in PARAMETERS {
                let intact = self.intact.fit.as_ref().map(of);
                add(name, &|lesion| lesion.fit.as_ref().map(of).into());
                let change = |lesion: &LesionBehavior| Some(lesion.fit.as_ref().map(of)? - intact?);
                add(&format!("change in {name}"), &|lesion| change(lesion).into());
            }
            add("no curve", &|lesion| lesion.no_fit.as_deref().into());
        }
        table
    }

    /// One row for each lesion, the intact network first, and each value in a column of the trials, such as the rule of a network that
    /// does several tasks: `lesion`, the value, how many `trials` have a correct choice, the `accuracy` in these, and its `change in accuracy`.
    ///
    /// # Errors
    /// If there is no such column, or if it is not of the trials that were run.
    pub fn by(&self, trials: &Table, column: &str) -> Result<Table> {
        let groups = trials.groups(column)?;
        if trials.n_rows() != self.intact.correct.len() {
            let expected = format!("those that were run, of which there are {}", self.intact.correct.len());
            return Err(Error::argument("trials", expected, trials.n_rows()));
        }
        let accuracy = |lesion: &LesionBehavior, rows: &[usize]| {
            let scored: Vec<bool> = rows.iter().filter_map(|&row| lesion.correct[row]).collect();
            (scored.len(), scored.iter().filter(|&&correct| correct).count() as f64 / scored.len() as f64)
        };
        let mut columns: [Vec<Value>; 5] = Default::default();
        for lesion in std::iter::once(&self.intact).chain(&self.lesions) {
            for (value, rows) in &groups {
                let ((n, share), (_, intact)) = (accuracy(lesion, rows), accuracy(&self.intact, rows));
                let cells =
                    [lesion.name.as_str().into(), value.clone(), n.into(), share.into(), (share - intact).into()];
                columns.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell));
            }
        }
        let mut table = Table::new();
        for (name, column) in ["lesion", column, "trials", "accuracy", "change in accuracy"].into_iter().zip(columns) {
            table.insert(name, column)?;
        }
        Ok(table)
    }

    /// One row a level of each lesion: `lesion`, the level, the `trials` in which both networks choose, in how many of them the
    /// choice is made by the intact network alone and with the lesion alone, and the probability of this if the lesion does
    /// nothing there, by [`mcnemar`], as it is and corrected for the number of rows. Empty if no curve was asked for.
    #[must_use]
    pub fn level_table(&self) -> Table {
        let of_lesion = |lesion: &'_ LesionBehavior| -> Vec<(Value, LesionTest)> {
            lesion.level_tests.iter().map(|test| (lesion.name.as_str().into(), *test)).collect()
        };
        let rows: Vec<(Value, LesionTest)> = self.lesions.iter().flat_map(of_lesion).collect();
        let mut table = Table::new();
        drop(table.insert("lesion", rows.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()));
        let level = self.intact.counts.as_ref().map_or("level", |counts| counts.level_name.as_str());
        // All columns have one row a test, so no insertion can fail.
        let mut add = |name: &str, of: &dyn Fn(&LesionTest) -> Value| {
            drop(table.insert(name, rows.iter().map(|(_, test)| of(test)).collect::<Vec<_>>()));
        };
        add(level, &|test| test.level.into());
        add("trials", &|test| test.test.n.into());
        add("choice by intact alone", &|test| test.test.only_first.into());
        add("choice with lesion alone", &|test| test.test.only_second.into());
        add("p (McNemar)", &|test| test.test.p.into());
        add(&format!("p (McNemar, {})", self.correction.name()), &|test| test.corrected_p.into());
        table
    }

    fn same_choice(&self, lesion: &LesionBehavior) -> f64 {
        let same = lesion.choices.iter().zip(&self.intact.choices).filter(|(a, b)| a == b).count();
        same as f64 / lesion.choices.len() as f64
    }
}

impl LesionBehavior {
    /// The share of the choice that is counted, over all levels.
    pub(crate) fn share_of_choice(&self) -> Option<f64> {
        let counts = self.counts.as_ref()?;
        Some(counts.hits.iter().sum::<usize>() as f64 / counts.trials.iter().sum::<usize>() as f64)
    }
}

/// Corrects tests for their number.
fn correct_all<'a>(correction: Correction, tests: impl Iterator<Item = &'a mut LesionTest>) -> Result<()> {
    let tests: Vec<&mut LesionTest> = tests.collect();
    let corrected = correction.of(&tests.iter().map(|test| test.test.p).collect::<Vec<_>>())?;
    tests.into_iter().zip(corrected).for_each(|(test, p)| test.corrected_p = p);
    Ok(())
}

type Parameter = fn(&PsychometricFit) -> f64;
/// The parameters of a curve that a lesion may change.
const PARAMETERS: [(&str, Parameter); 5] = [
    ("threshold", |fit| fit.threshold.value),
    ("width", |fit| fit.width.value),
    ("slope", |fit| fit.slope.value),
    ("guess", |fit| fit.guess.value),
    ("lapse", |fit| fit.lapse.value),
];
