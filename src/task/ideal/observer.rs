//! What the ideal observer does, trial by trial.

use std::hash::{DefaultHasher, Hash, Hasher};

use indexmap::IndexMap;
use ndarray::{Array2, Axis, s};

use super::possible::{Asked, Gathered, Possible, bits, hash};
use super::{IdealAccuracy, IdealObserver};
use crate::interrupt::{self, Work};
use crate::random::TrialRng;
use crate::task::course::{Due, caught};
use crate::task::decision::Reading;
use crate::task::drawn::{assemble, play};
use crate::task::sensory::Law;
use crate::task::source::{Made, usual_steps};
use crate::task::{Epochs, Task, Trial};
use crate::{Error, Result, memory, threads};

/// Values are drawn until there are so many for each that differs from the others, and so many in all.
const DRAWN: (usize, usize) = (20, 10_000);
/// So many are drawn at a time.
const AT_ONCE: usize = 1000;
/// So many trials of the same timing are done together.
const TOGETHER: usize = 64;
/// After so many trials it is asked for the first time whether there are candidates enough.
const FIRST: usize = 100;
/// In so large a share of the trials no candidate may be close: of the first ones, and of all.
const FAR: (f64, f64) = (0.05, 0.01);
/// What a trial takes beside its inputs, in bytes.
const BESIDE: u64 = 1024;
/// By as much may all candidates be better than half of them.
const GAIN: f64 = 0.01;

/// What a trial may be about.
struct Candidate<V> {
    trial: V,
    /// The kind of the block in which it comes, and its own stream.
    kind: Option<usize>,
    rng: TrialRng,
    /// How often it was drawn, in all and in the first half of the draws.
    drawn: [f64; 2],
}

/// A trial before its noise.
struct Shown {
    /// `[n_steps, n_shown]`, to the last step in which the choice is read: what comes later, such as feedback, comes too late.
    inputs: Array2<f32>,
    /// The steps of the whole trial.
    n_steps: usize,
    asked: Vec<Reading>,
}

/// How the observer did in a trial.
struct Done {
    /// Whether it was right, by all candidates and by half of them.
    right: [bool; 2],
    is_close: bool,
}

impl<T: Task> Made<'_, T> {
    /// How many trials the observer gets right.
    pub(in crate::task) fn ideal(&self, observer: &IdealObserver) -> Result<IdealAccuracy> {
        for (name, number, least) in [("trials", observer.trials, 1), ("candidates", observer.candidates, 2)] {
            if number < least {
                return Err(Error::argument(name, format!("at least {least}"), number));
            }
        }
        let law = self.afferents.law(self.spec.n_shown())?;
        let work = interrupt::watch();
        let what = format!("to draw {} trials", observer.trials);
        memory::check(what, BESIDE.saturating_mul(observer.trials as u64), "take fewer")?;
        let due = self.due(0..observer.trials as u64)?;
        let probe = self.longest(&due[..due.len().min(TOGETHER)])?;
        let candidates = self.candidates(observer.candidates, probe, &work)?;
        let chance = self.chance(&candidates, probe)?;
        self.check_steps(&candidates, probe)?;
        let go_on = || !work.is_interrupted();
        let mut done: Vec<Done> = Vec::new();
        // What is far from covered is told soon.
        let (first, later) = due.split_at(due.len().min(FIRST));
        for (due, most) in [(first, FAR.0), (later, FAR.1)] {
            let of_group = |group| self.done(group, &candidates, &law);
            done.extend(threads::map_while(self.by_timing(due, &candidates)?, go_on, of_group)?.into_iter().flatten());
            check_interrupt(&work)?;
            check_close(&done, candidates.len(), most)?;
        }
        check_gain(&done, candidates.len())?;
        let n = done.len();
        if n == 0 {
            return Err(Error::argument("trials", "more: none of them asks for anything", observer.trials));
        }
        let accuracy = share(&done, |done| done.right[0]);
        let standard_error = (accuracy * (1.0 - accuracy) / n as f64).sqrt();
        Ok(IdealAccuracy { accuracy, standard_error, chance, trials: n, candidates: candidates.len() })
    }

    /// A trial with these values and these epochs, whose steps go on in this stream.
    fn show(&self, trial: &T::Trial, epochs: Epochs, rng: &mut TrialRng, number: u64) -> Result<Shown> {
        let n_steps = self.spec.steps_of_trial(&epochs, number)?;
        let read = self.spec.decision.steps_among(&epochs, n_steps, self.spec.dt);
        let until = read.map_or(n_steps, |steps| steps.end);
        let mut drawn = play(self.task, &self.spec, trial, epochs, rng, number)?;
        drawn.sense(&self.spec, &vec![0.0; self.spec.n_sensed()]);
        let batch = assemble::<T>(self.spec.clone(), std::slice::from_ref(&drawn), self.seed);
        let mut asked = self.spec.decision.read_all(&batch, 0, batch.targets.index_axis(Axis(0), 0));
        // When it is said is of no matter.
        asked.iter_mut().for_each(|reading| reading.reached = None);
        Ok(Shown { inputs: drawn.inputs.slice_move(s![..until, ..self.spec.n_shown()]), n_steps, asked })
    }

    /// The values of a candidate at the timing of a trial: its epochs, and the stream in which the steps go on.
    fn timing(&self, candidate: &Candidate<T::Trial>, due: &Due<T::Trial>) -> Result<(Epochs, TrialRng)> {
        let mut rng = due.rng.clone().in_block(candidate.kind);
        Ok((self.epochs(&candidate.trial, &mut rng, due.number)?, rng))
    }

    /// The trial with most steps.
    fn longest<'a>(&self, due: &'a [Due<T::Trial>]) -> Result<&'a Due<T::Trial>> {
        let mut longest = (0, &due[0]);
        for due in due {
            let epochs = self.epochs(&due.trial, &mut due.rng.clone(), due.number)?;
            let n_steps = self.spec.steps_of_trial(&epochs, due.number)?;
            longest = if n_steps > longest.0 { (n_steps, due) } else { longest };
        }
        Ok(longest.1)
    }

    /// At most so many different trials. They are the same if their values are, and what they show and ask for at the timing of one trial.
    fn candidates(&self, most: usize, probe: &Due<T::Trial>, work: &Work) -> Result<Vec<Candidate<T::Trial>>> {
        let others = Self::new(self.task, self.seed.child("candidates"))?;
        let keyed = |due: Due<T::Trial>| {
            let Due { trial, rng, place, .. } = due;
            let candidate = Candidate { trial, kind: place.kind, rng, drawn: [0.0; 2] };
            let (epochs, mut rng) = self.timing(&candidate, probe)?;
            let shown = self.show(&candidate.trial, epochs, &mut rng, probe.number)?;
            let values = caught("values", || candidate.trial.values())?;
            let inputs = bits(shown.inputs.iter().copied().map(f64::from));
            Ok((hash(&(format!("{values:?} {:?}", shown.asked), candidate.kind, inputs)), candidate))
        };
        let (mut known, mut drawn) = (IndexMap::new(), Vec::new());
        while known.len() < most && drawn.len() < DRAWN.1.max(DRAWN.0 * known.len()) {
            check_interrupt(work)?;
            self.check_memory(known.len() + AT_ONCE)?;
            let from = drawn.len() as u64;
            for (key, candidate) in threads::map(others.due(from..from + AT_ONCE as u64)?, keyed)? {
                let entry = known.entry(key);
                drawn.push(entry.index());
                entry.or_insert(candidate);
                if known.len() == most {
                    break;
                }
            }
        }
        let mut candidates: Vec<_> = known.into_values().collect();
        for (i, &candidate) in drawn.iter().enumerate() {
            let is_early = 2 * i < drawn.len();
            candidates[candidate].drawn[0] += 1.0;
            candidates[candidate].drawn[1] += f64::from(u8::from(is_early));
        }
        Ok(candidates)
    }

    /// An error if there is not enough memory to compare so many.
    fn check_memory(&self, candidates: usize) -> Result<()> {
        let of_one = memory::floats(&[4, usual_steps(&self.spec), self.spec.n_shown()]).saturating_add(BESIDE);
        let needed = of_one.saturating_mul(candidates as u64).saturating_mul(threads::threads() as u64);
        memory::check(format!("to compare {candidates} candidates"), needed, "take fewer, or a longer `dt`")
    }

    /// The share of trials that one gets right who always gives the same answer.
    fn chance(&self, candidates: &[Candidate<T::Trial>], probe: &Due<T::Trial>) -> Result<f64> {
        let decision = &self.spec.decision;
        let (mut asked, mut often) = (Asked::default(), Vec::new());
        for candidate in candidates {
            let (epochs, mut rng) = self.timing(candidate, probe)?;
            let place = asked.place(self.show(&candidate.trial, epochs, &mut rng, probe.number)?.asked);
            often.resize(often.len().max(place + 1), 0.0);
            often[place] += candidate.drawn[0];
        }
        let is_scored = |asked: &&Vec<Reading>| decision.is_right(asked, asked).is_some();
        let answers = asked.0.iter().filter(is_scored).count();
        if answers < 2 {
            let got = if answers == 0 { "one that asks for no choice" } else { "one that always asks for the same" };
            return Err(Error::argument("task", "a choice among answers", got));
        }
        let all: f64 = asked.0.iter().zip(&often).filter(|(asked, _)| is_scored(asked)).map(|(_, often)| often).sum();
        Ok(self.choose(&asked.0, &often).1 / all)
    }

    /// What is most probably right where each of these is asked for with such a probability, and with what probability.
    fn choose(&self, asked: &[Vec<Reading>], probable: &[f64]) -> (Vec<Reading>, f64) {
        const NEVER: f64 = 1e-12;
        let decision = &self.spec.decision;
        let most = probable.iter().copied().fold(0.0, f64::max);
        let likely: Vec<_> = asked.iter().zip(probable).filter(|(_, probable)| **probable > NEVER * most).collect();
        let right = |said: &[Reading]| -> f64 {
            let is_right = |asked: &[Reading]| decision.is_right(asked, said) == Some(true);
            likely.iter().filter(|(asked, _)| is_right(asked)).map(|(_, probable)| **probable).sum()
        };
        let mut best = (Vec::new(), 0.0);
        for said in likely.iter().flat_map(|(asked, _)| decision.responses(asked)) {
            let right = right(&said);
            best = if right > best.1 { (said, right) } else { best };
        }
        best
    }

    /// An error if what a trial shows is not the same in another stream.
    fn check_steps(&self, candidates: &[Candidate<T::Trial>], probe: &Due<T::Trial>) -> Result<()> {
        let is_same = |candidate: &Candidate<T::Trial>| {
            let (epochs, mut rng) = self.timing(candidate, probe)?;
            let shown = self.show(&candidate.trial, epochs.clone(), &mut rng, probe.number)?;
            let again = self.show(&candidate.trial, epochs, &mut candidate.rng.clone(), probe.number)?;
            Ok(shown.inputs == again.inputs && shown.asked == again.asked)
        };
        match threads::map(candidates.iter().collect(), is_same)?.into_iter().all(|same| same) {
            true => Ok(()),
            false => {
                let expected = "one whose inputs are known but for the noise of its `sensory`: random numbers that belong to a trial are drawn \
                                in `draw`";
                Err(Error::argument("task", expected, "one whose `step` draws some"))
            }
        }
    }

    /// The trials, those together in which each candidate has the same epochs, and which have as many steps.
    fn by_timing(&self, due: &[Due<T::Trial>], candidates: &[Candidate<T::Trial>]) -> Result<Vec<Vec<Due<T::Trial>>>> {
        let key = |due: &Due<T::Trial>| {
            let mut hasher = DefaultHasher::new();
            for candidate in candidates {
                for epoch in self.timing(candidate, due)?.0.iter() {
                    (&epoch.name, epoch.start.to_bits(), epoch.end.to_bits()).hash(&mut hasher);
                }
            }
            let own = self.epochs(&due.trial, &mut due.rng.clone(), due.number)?;
            let n_steps = self.spec.steps_of_trial(&own, due.number)?;
            (n_steps, self.spec.decision.steps_among(&own, n_steps, self.spec.dt)).hash(&mut hasher);
            Ok(hasher.finish())
        };
        let mut groups: IndexMap<u64, Vec<Due<T::Trial>>> = IndexMap::new();
        for (key, due) in threads::map(due.iter().collect(), key)?.into_iter().zip(due) {
            groups.entry(key).or_default().push(due.clone());
        }
        Ok(groups
            .into_values()
            .flat_map(|group| group.chunks(TOGETHER).map(<[_]>::to_vec).collect::<Vec<_>>())
            .collect())
    }

    /// All that trials may be that have the timing of this one, of which this is shown.
    fn possible(
        &self,
        due: &Due<T::Trial>,
        truth: &Shown,
        candidates: &[Candidate<T::Trial>],
        law: &Law,
    ) -> Result<Possible> {
        let mut possible = Gathered::default();
        for candidate in candidates {
            let (epochs, mut rng) = self.timing(candidate, due)?;
            if self.spec.steps_of_trial(&epochs, due.number)? != truth.n_steps {
                continue;
            }
            let shown = self.show(&candidate.trial, epochs, &mut rng, due.number)?;
            if shown.inputs.dim() == truth.inputs.dim() {
                possible.add(law.along(shown.inputs.view(), true), shown.asked, candidate.drawn);
            }
        }
        possible.of(truth.inputs.len())
    }

    /// How the observer does in trials of one timing; without those that ask for nothing.
    fn done(&self, group: Vec<Due<T::Trial>>, candidates: &[Candidate<T::Trial>], law: &Law) -> Result<Vec<Done>> {
        let mut possible = None;
        let mut all = Vec::new();
        for due in group {
            let mut rng = due.rng.clone();
            let epochs = self.epochs(&due.trial, &mut rng, due.number)?;
            let truth = self.show(&due.trial, epochs, &mut rng, due.number)?;
            let possible = match &mut possible {
                Some(possible) => possible,
                none => none.insert(self.possible(&due, &truth, candidates, law)?),
            };
            if self.spec.decision.is_right(&truth.asked, &truth.asked).is_none() {
                continue;
            }
            // A pause before the trial, and what is shown of the trial before, tell nothing of it.
            let inputs = self.played(due)?.inputs;
            let pause = inputs.nrows() - truth.n_steps;
            let seen = inputs.slice(s![pause..pause + truth.inputs.nrows(), ..self.spec.n_shown()]);
            let seen = law.along(seen, false);
            let logs = possible.logs(&seen, law);
            let right = [0, 1].map(|half| {
                let said = self.choose(&possible.asked, &possible.probable(&logs, half)).0;
                self.spec.decision.is_right(&truth.asked, &said) == Some(true)
            });
            let is_close = possible.is_close(&logs, law.along(truth.inputs.view(), true), &seen, law);
            all.push(Done { right, is_close });
        }
        Ok(all)
    }
}

fn check_interrupt(work: &Work) -> Result<()> {
    if work.is_interrupted() { Err(Error::other("the ideal observer was interrupted")) } else { Ok(()) }
}

fn share(done: &[Done], is: impl Fn(&Done) -> bool) -> f64 {
    done.iter().filter(|done| is(done)).count() as f64 / done.len() as f64
}

/// An error if in too many trials no candidate is close.
fn check_close(done: &[Done], candidates: usize, most: f64) -> Result<()> {
    let far = share(done, |done| !done.is_close);
    if far <= most || done.is_empty() {
        return Ok(());
    }
    let expected = format!(
        "so many that some come close to what each trial shows, which in {:.0} % of the trials none does: more of them may do, or a task \
         whose values are of a list and not of a range",
        100.0 * far
    );
    Err(Error::argument("candidates", expected, candidates))
}

/// An error if half of the candidates would do clearly worse.
fn check_gain(done: &[Done], candidates: usize) -> Result<()> {
    let [all, half] = [0, 1].map(|half| share(done, |done| done.right[half]));
    let differ = done.iter().filter(|done| done.right[0] != done.right[1]).count() as f64;
    let gained = (all - half) * done.len() as f64;
    if all - half <= GAIN || gained <= 3.0 * differ.sqrt() {
        return Ok(());
    }
    let expected = format!(
        "so many that more of them do no better: {:.1} % of the trials are right by all of them, and {:.1} % by half",
        100.0 * all,
        100.0 * half
    );
    Err(Error::argument("candidates", expected, candidates))
}
