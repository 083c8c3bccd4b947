//! What the outputs of a trial say by a decision.

use std::ops::Range;

use ndarray::{ArrayView2, Axis};

use super::{Decision, Ring, Span, Way};
use crate::number::decimal;
use crate::task::time::Clock;
use crate::task::{Batch, Epochs};

/// What the outputs of a trial say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    pub(crate) choice: Option<usize>,
    /// The step in which an output first reached the threshold, for a rule that has one.
    pub(crate) reached: Option<usize>,
    /// The angle of the response, for outputs on a ring.
    pub(crate) angle: Option<f64>,
    /// Whether there is no response, since the subject fixates.
    pub(crate) fixates: bool,
}

impl From<Option<usize>> for Reading {
    fn from(choice: Option<usize>) -> Self {
        Self { choice, ..Self::default() }
    }
}

impl Decision {
    /// The steps of a trial that count; none for a trial without the epoch.
    pub(super) fn steps(&self, batch: &Batch, trial: usize) -> Option<Range<usize>> {
        let length = (*batch.lengths.get(trial)?).min(batch.n_steps());
        self.steps_among(batch.epochs.get(trial)?, length, batch.spec.dt)
    }

    /// Those of a trial with these epochs, which is so many steps long.
    pub(crate) fn steps_among(&self, epochs: &Epochs, length: usize, dt: f32) -> Option<Range<usize>> {
        let of = |epoch: &String| epochs.get(epoch).map(|epoch| epoch.steps(dt));
        let steps = match &self.span {
            Span::Trial => 0..length,
            Span::During(epoch) => of(epoch)?,
            Span::After(epoch) => of(epoch)?.start..length,
            Span::Between(from, to) => {
                let steps = Clock::new(dt).steps(decimal(*from), decimal(*to));
                steps.start.max(0) as usize..steps.end.max(0) as usize
            }
            Span::Each(epochs) => epochs.iter().rev().find_map(of)?,
        };
        Some(steps.start..steps.end.min(length))
    }

    /// The time from which reactions are counted, in milliseconds; `None` for a trial without the epoch.
    pub(crate) fn start(&self, batch: &Batch, trial: usize) -> Option<f64> {
        match &self.span {
            Span::Trial => Some(0.0),
            Span::During(epoch) | Span::After(epoch) => batch.epochs.get(trial)?.start(epoch).map(decimal),
            Span::Between(from, _) => Some(decimal(*from)),
            Span::Each(epochs) => {
                epochs.iter().rev().find_map(|epoch| batch.epochs.get(trial)?.start(epoch)).map(decimal)
            }
        }
    }

    /// What `outputs` `[n_steps, n_out]` say in a trial.
    pub(crate) fn read(&self, batch: &Batch, trial: usize, outputs: ArrayView2<'_, f32>) -> Reading {
        let Some(steps) = self.steps(batch, trial) else { return Reading::default() };
        let steps = steps.start..steps.end.min(outputs.nrows());
        let among = self.alternatives(batch.spec.n_out);
        let look = Look { decision: self, among, batch, trial, outputs: outputs.reborrow() };
        match &self.rule {
            Way::None => Reading::default(),
            Way::Ring(ring) => look.ring(ring, &steps),
            _ if look.among.iter().any(|&output| output >= outputs.ncols()) => Reading::default(),
            Way::LargestInAnswer if look.among.len() < 2 => Reading::default(),
            Way::LargestInAnswer => look.largest_mean(&look.favored(steps).answer()).into(),
            Way::LargestMean => look.largest_mean(&steps.collect::<Vec<_>>()).into(),
            Way::LargestAtEnd => look.largest_at_end(&steps).into(),
            Way::FirstToReach { threshold, or_largest_at_end } => {
                match look.first_to_reach(*threshold, steps.clone()) {
                    None if *or_largest_at_end => look.largest_at_end(&steps).into(),
                    None => Reading::default(),
                    Some((step, choice)) => Reading { choice, reached: Some(step), ..Reading::default() },
                }
            }
            Way::Threshold { threshold } => {
                let mean = look.means(&steps.collect::<Vec<_>>()).first().map(|(_, mean)| *mean);
                let threshold = f64::from(*threshold);
                let side = |mean: f64| (mean != threshold && !mean.is_nan()).then_some(usize::from(mean > threshold));
                mean.and_then(side).into()
            }
            Way::Go { threshold } => {
                let scored = |step: &usize| !self.span.is_trial() || look.is_scored(*step, look.among[0]);
                let steps: Vec<usize> = steps.filter(scored).collect();
                if steps.is_empty() {
                    return Reading::default();
                }
                let reached = look.first_to_reach(*threshold, steps).map(|(step, _)| step);
                Reading { choice: Some(usize::from(reached.is_some())), reached, ..Reading::default() }
            }
        }
    }

    /// What `outputs` `[n_steps, n_out]` say in a trial, once for each answer.
    pub(crate) fn read_all(&self, batch: &Batch, trial: usize, outputs: ArrayView2<'_, f32>) -> Vec<Reading> {
        match self.answers() {
            answers if answers.is_empty() => vec![self.read(batch, trial, outputs)],
            answers => answers.iter().map(|(_, answer)| answer.read(batch, trial, outputs.reborrow())).collect(),
        }
    }

    /// Whether it is right to say this where that is asked for; of several answers all. `None` where there is nothing to be right or
    /// wrong about.
    pub(crate) fn is_right(&self, asked: &[Reading], made: &[Reading]) -> Option<bool> {
        let one = |(asked, made): (&Reading, &Reading)| match &self.rule {
            Way::Ring(_) if asked.fixates => Some(made.fixates),
            Way::Ring(ring) => asked.angle.map(|asked| made.angle.is_some_and(|angle| ring.is_near(angle, asked))),
            _ => asked.choice.map(|asked| made.choice == Some(asked)),
        };
        asked.iter().zip(made).filter_map(one).reduce(|all, one| all && one)
    }

    /// What could be said where it may be that this is asked for: that, or angles that are only just near enough, which may be near enough
    /// to another one as well.
    pub(crate) fn responses(&self, asked: &[Reading]) -> Vec<Vec<Reading>> {
        let said = |reading: &Reading| match (&self.rule, reading.angle) {
            (Way::Ring(ring), Some(angle)) => {
                vec![*reading, Reading { angle: Some(ring.just_near(angle)), ..*reading }]
            }
            _ => vec![*reading],
        };
        asked.iter().fold(vec![Vec::new()], |all, one| {
            let longer = |(before, one): (&Vec<Reading>, Reading)| [&before[..], &[one]].concat();
            said(one).into_iter().flat_map(|one| all.iter().map(move |before| longer((before, one)))).collect()
        })
    }

    /// Whether what `outputs` `[n_steps, n_out]` say in a trial is what its targets say.
    pub(crate) fn judge(&self, batch: &Batch, trial: usize, outputs: ArrayView2<'_, f32>) -> Option<bool> {
        let asked = self.read_all(batch, trial, batch.targets.index_axis(Axis(0), trial));
        self.is_right(&asked, &self.read_all(batch, trial, outputs))
    }

    /// Where the targets of a trial favor which of the alternatives.
    pub(super) fn favored_in(&self, batch: &Batch, trial: usize) -> Option<Favored> {
        let among = self.alternatives(batch.spec.n_out);
        let look = Look { decision: self, among, batch, trial, outputs: batch.targets.index_axis(Axis(0), trial) };
        Some(look.favored(self.steps(batch, trial)?))
    }
}

/// The steps of a trial in which the targets favor an output, and which.
pub(super) struct Favored(pub(super) Vec<(usize, usize)>);

impl Favored {
    /// The outputs besides the first that are favored, each once.
    pub(super) fn others(&self) -> Vec<usize> {
        let mut others = Vec::new();
        for (_, output) in &self.0 {
            if *output != self.0[0].1 && !others.contains(output) {
                others.push(*output);
            }
        }
        others
    }

    /// The steps of the answer.
    fn answer(&self) -> Vec<usize> {
        let asked = match (self.0.first(), self.others().as_slice()) {
            (Some((_, only)), []) => *only,
            (Some(_), [other]) => *other,
            _ => return Vec::new(),
        };
        self.0.iter().filter(|(_, output)| *output == asked).map(|(step, _)| *step).collect()
    }
}

/// The outputs of one trial, as one decision looks at them.
struct Look<'a> {
    decision: &'a Decision,
    among: Vec<usize>,
    batch: &'a Batch,
    trial: usize,
    outputs: ArrayView2<'a, f32>,
}

impl Look<'_> {
    fn is_scored(&self, step: usize, output: usize) -> bool {
        self.batch.mask[[self.trial, step, output]] > 0.0
    }

    /// Where the mask counts several of the alternatives, and the targets favor one of these.
    fn favored(&self, steps: Range<usize>) -> Favored {
        let favorite = |step: usize| {
            let target = |&output: &usize| (output, f64::from(self.batch.targets[[self.trial, step, output]]));
            let scored = self.among.iter().filter(|output| self.is_scored(step, **output));
            let targets: Vec<(usize, f64)> = scored.map(target).collect();
            Some((step, largest(&targets).filter(|_| targets.len() > 1)?))
        };
        Favored(steps.filter_map(favorite).collect())
    }

    /// The mean of each alternative in these steps, weighted by the mask; without those that it never counts.
    fn means(&self, steps: &[usize]) -> Vec<(usize, f64)> {
        let mean = |output: usize, weight_of: &dyn Fn(usize) -> f64| {
            let (mut total, mut weights) = (0.0, 0.0);
            for &step in steps {
                let weight = weight_of(step);
                total += f64::from(self.outputs[[step, output]]) * weight;
                weights += weight;
            }
            (weights > 0.0).then_some((output, total / weights))
        };
        let by_mask = |&output: &usize| mean(output, &|step| f64::from(self.batch.mask[[self.trial, step, output]]));
        let means: Vec<_> = self.among.iter().filter_map(by_mask).collect();
        match means.is_empty() && !self.decision.span.is_trial() {
            true => self.among.iter().filter_map(|&output| mean(output, &|_| 1.0)).collect(),
            false => means,
        }
    }

    fn largest_mean(&self, steps: &[usize]) -> Option<usize> {
        let means = self.means(steps);
        largest(&means).filter(|_| means.len() > 1)
    }

    fn largest_at_end(&self, steps: &Range<usize>) -> Option<usize> {
        let last = steps.clone().next_back()?;
        let ends: Vec<_> = self.among.iter().map(|&output| (output, f64::from(self.outputs[[last, output]]))).collect();
        largest(&ends)
    }

    fn ring(&self, ring: &Ring, steps: &Range<usize>) -> Reading {
        let all = ring.outputs.iter().chain(&ring.fixation);
        let last = steps.clone().next_back().filter(|_| all.max() < Some(&self.outputs.ncols()));
        let Some(last) = last else { return Reading::default() };
        let output = |output: usize| self.outputs[[last, output]];
        if ring.fixates(output) {
            return Reading { fixates: true, ..Reading::default() };
        }
        let angle = ring.angle(output);
        let choice = angle.and_then(|angle| ring.choice(self.batch, self.trial, angle));
        Reading { choice, angle, ..Reading::default() }
    }

    /// The first of these steps in which an alternative reaches a threshold, and which one does; of several the largest.
    fn first_to_reach(&self, threshold: f32, steps: impl IntoIterator<Item = usize>) -> Option<(usize, Option<usize>)> {
        // What was there before an event has not reacted to it.
        let is_new = |step: usize, output: usize| {
            !matches!(self.decision.span, Span::After(_)) || step == 0 || self.outputs[[step - 1, output]] < threshold
        };
        steps.into_iter().find_map(|step| {
            let reaches = |output: &&usize| self.outputs[[step, **output]] >= threshold && is_new(step, **output);
            let there =
                self.among.iter().filter(reaches).map(|&output| (output, f64::from(self.outputs[[step, output]])));
            let there: Vec<(usize, f64)> = there.collect();
            (!there.is_empty()).then(|| (step, largest(&there)))
        })
    }
}

/// The output with the largest of several numbers, if one is larger than all the others.
fn largest(numbers: &[(usize, f64)]) -> Option<usize> {
    if numbers.iter().any(|(_, number)| number.is_nan()) {
        return None;
    }
    let (mut best, mut tied) = (*numbers.first()?, false);
    for &(output, number) in &numbers[1..] {
        if number > best.1 {
            (best, tied) = ((output, number), false);
        } else if number == best.1 {
            tied = true;
        }
    }
    (!tied).then_some(best.0)
}
