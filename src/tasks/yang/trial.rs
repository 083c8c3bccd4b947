//! The values of a trial, and what follows from them.

use std::f64::consts::{PI, TAU};

use psychrnn_derive::Trial;

use super::rule::{Kind, Rule};
use crate::tasks::code::distance;
use crate::{Error, Result};

/// The values of a trial of [`Yang`](super::Yang). Angles are in radians; what a rule does not have is missing.
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct YangTrial {
    /// The rule.
    pub rule: Rule,
    /// Where stimulus 1 is.
    pub angle1: f32,
    /// Where stimulus 2 is, where there are two.
    pub angle2: Option<f32>,
    /// How strong stimulus 1 is in ring 1. Where stimuli are not compared strengths are 1, in the ring of the modality.
    pub strength11: Option<f32>,
    /// How strong stimulus 1 is in ring 2.
    pub strength12: Option<f32>,
    /// How strong stimulus 2 is in ring 1.
    pub strength21: Option<f32>,
    /// How strong stimulus 2 is in ring 2.
    pub strength22: Option<f32>,
    /// The ring, 1 or 2, in which stimulus 1 is shown, where stimuli are not compared.
    pub modality1: Option<usize>,
    /// The ring, 1 or 2, in which stimulus 2 is shown, where stimuli are not compared.
    pub modality2: Option<usize>,
    /// The response that is asked for, which follows from the values above; missing where it is to fixate to the end.
    pub target: Option<f32>,
    /// How long each epoch lasts.
    #[trial(skip)]
    pub timing: YangTiming,
}

/// How long the epochs of a trial of [`Yang`](super::Yang) last, in milliseconds; each is cut to whole time steps. What of these a rule does
/// not have makes no difference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct YangTiming {
    /// The fixation at the start.
    pub fixation: f32,
    /// The first stimulus, or both.
    pub stimulus1: f32,
    /// The delay after it.
    pub delay1: f32,
    /// The second stimulus, where the response is not to it.
    pub stimulus2: f32,
    /// The delay after that.
    pub delay2: f32,
    /// The response.
    pub response: f32,
}

impl YangTiming {
    /// The duration of an epoch.
    pub(super) fn of(&self, epoch: &str) -> f32 {
        match epoch {
            "fixation" => self.fixation,
            "stimulus1" => self.stimulus1,
            "delay1" => self.delay1,
            "stimulus2" => self.stimulus2,
            "delay2" => self.delay2,
            _ => self.response,
        }
    }

    pub(super) fn set(&mut self, epoch: &str, duration: f32) {
        *match epoch {
            "fixation" => &mut self.fixation,
            "stimulus1" => &mut self.stimulus1,
            "delay1" => &mut self.delay1,
            "stimulus2" => &mut self.stimulus2,
            "delay2" => &mut self.delay2,
            _ => &mut self.response,
        } = duration;
    }
}

/// Strengths are equal that differ by less: by the rounding of sums.
const TIE: f32 = 1e-5;
/// Stimuli are in the same place that are no further apart, in radians: 5 degrees.
const SAME: f64 = PI / 36.0;

impl YangTrial {
    /// A trial in which nothing is shown yet, with the timing of the test grid
    /// ([`Yang::test_grid`](super::Yang::test_grid)): to be filled in.
    #[must_use]
    pub fn new(rule: Rule) -> Self {
        let timing = |fixation, stimulus1, delay1, stimulus2, delay2, response| YangTiming {
            fixation,
            stimulus1,
            delay1,
            stimulus2,
            delay2,
            response,
        };
        let timing = match (rule.kind(), rule) {
            (Kind::Go, _) => timing(500.0, 1000.0, 0.0, 0.0, 0.0, 500.0),
            (Kind::ReactGo, _) => timing(2000.0, 0.0, 0.0, 0.0, 0.0, 500.0),
            (Kind::DelayGo, _) => timing(500.0, 500.0, 1000.0, 0.0, 0.0, 500.0),
            (Kind::Decide, Rule::Dm1 | Rule::Dm2) => timing(500.0, 1500.0, 0.0, 0.0, 0.0, 500.0),
            (Kind::Decide, _) => timing(500.0, 1000.0, 0.0, 0.0, 0.0, 500.0),
            (Kind::DelayDecide, Rule::DelayDm1 | Rule::DelayDm2) => timing(500.0, 500.0, 1000.0, 500.0, 200.0, 300.0),
            (Kind::DelayDecide, _) => timing(500.0, 500.0, 1000.0, 500.0, 500.0, 500.0),
            (Kind::Match, _) => timing(500.0, 500.0, 1200.0, 0.0, 0.0, 500.0),
        };
        Self {
            rule,
            angle1: 0.0,
            angle2: None,
            strength11: None,
            strength12: None,
            strength21: None,
            strength22: None,
            modality1: None,
            modality2: None,
            target: None,
            timing,
        }
    }

    /// The strengths of each stimulus in each ring.
    pub(super) fn strengths(&self) -> [[Option<f32>; 2]; 2] {
        [[self.strength11, self.strength12], [self.strength21, self.strength22]]
    }

    pub(super) fn set_strengths(&mut self, [[a, b], [c, d]]: [[Option<f32>; 2]; 2]) {
        (self.strength11, self.strength12, self.strength21, self.strength22) = (a, b, c, d);
    }

    /// Where each stimulus is.
    pub(super) fn angles(&self) -> [Option<f32>; 2] {
        [Some(self.angle1), self.angle2]
    }

    /// What follows from the rule, the angles and the modalities or strengths.
    pub(super) fn complete(&mut self) -> Result<()> {
        self.check()?;
        let (rule, first) = (self.rule, f64::from(self.angle1));
        match rule.kind() {
            Kind::Go | Kind::ReactGo | Kind::DelayGo => {
                (self.angle2, self.modality2) = (None, None);
                let shown = self.in_ring("modality1", self.modality1)?;
                self.set_strengths([shown, [None; 2]]);
                self.target = Some(around(if rule.is_anti() { first + PI } else { first }));
            }
            Kind::Decide | Kind::DelayDecide => {
                (self.modality1, self.modality2) = (None, None);
                let second = self.second()?;
                let mut strengths = self.strengths();
                for (stimulus, strengths) in strengths.iter_mut().enumerate() {
                    for (ring, strength) in strengths.iter_mut().enumerate() {
                        if !rule.shown_in().contains(&ring) {
                            *strength = None;
                        } else if strength.is_none() {
                            return Err(missing(rule, &format!("strength{}{}", stimulus + 1, ring + 1)));
                        }
                    }
                }
                self.set_strengths(strengths);
                let sum = |strengths: [Option<f32>; 2]| -> f32 {
                    rule.decided_by().iter().filter_map(|&ring| strengths[ring]).sum()
                };
                let is_first = sum(strengths[0]) - sum(strengths[1]) > TIE;
                self.target = Some(around(if is_first { first } else { second }));
            }
            Kind::Match => {
                let second = self.second()?;
                let shown = [self.in_ring("modality1", self.modality1)?, self.in_ring("modality2", self.modality2)?];
                self.set_strengths(shown);
                let half = |angle: f64| angle.rem_euclid(TAU) < PI;
                let is_match = match rule.is_by_category() {
                    true => half(first) == half(second),
                    false => distance(first, second) < SAME,
                };
                self.target = (is_match == rule.wants_match()).then(|| around(second));
            }
        }
        Ok(())
    }

    /// Whether the numbers are numbers.
    fn check(&self) -> Result<()> {
        let strengths = ["strength11", "strength12", "strength21", "strength22"];
        let strengths = strengths.into_iter().zip(self.strengths().into_iter().flatten());
        let angles = ["angle1", "angle2"].into_iter().zip(self.angles());
        if let Some((name, number)) = angles.chain(strengths).find(|(_, number)| number.is_some_and(|x| !x.is_finite()))
        {
            return Err(Error::argument(name, "finite", number.unwrap_or(f32::NAN)));
        }
        for (epoch, _) in self.rule.epochs() {
            let duration = self.timing.of(epoch);
            if !(duration >= 0.0 && duration.is_finite()) {
                return Err(Error::argument(format!("epoch \"{epoch}\""), "a duration of 0 ms or more", duration));
            }
        }
        Ok(())
    }

    fn second(&self) -> Result<f64> {
        self.angle2.map(f64::from).ok_or_else(|| missing(self.rule, "angle2"))
    }

    /// A strength of 1 in the ring of a modality.
    fn in_ring(&self, name: &str, modality: Option<usize>) -> Result<[Option<f32>; 2]> {
        match modality {
            Some(1) => Ok([Some(1.0), None]),
            Some(2) => Ok([None, Some(1.0)]),
            Some(other) => Err(Error::argument(name, "1 or 2, the number of a ring", other)),
            None => Err(missing(self.rule, name)),
        }
    }
}

fn missing(rule: Rule, name: &str) -> Error {
    Error::argument(name, format!("given: a trial of {rule} has it"), "missing")
}

/// An angle from 0 to 2π.
fn around(angle: f64) -> f32 {
    let angle = angle.rem_euclid(TAU) as f32;
    // Rounded it may be 2π.
    if f64::from(angle) < TAU { angle } else { 0.0 }
}
