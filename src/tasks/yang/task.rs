//! The twenty tasks as one.

use std::f32::consts::{PI, TAU};

use serde::{Deserialize, Serialize};

use super::cost::{Cost, Targets};
use super::grid;
use super::rule::{Kind, Rule};
use super::trial::YangTrial;
use crate::random::{Seed, check_weights};
use crate::setters::setters;
use crate::task::{Batch, Decision, Duration, Epochs, Ring, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::code;
use crate::{Error, Result};

/// The target of an output that is not asked for.
const LO: f32 = 0.05;
/// The target of the output for fixation while it is asked for.
const FIXATE: f32 = 0.8;
/// How often the rules that decide by context come: they are learned last, by integrating one ring and not both.
const OFTEN: f32 = 5.0;
/// No more outputs than this are listed.
const MAX_LISTED: usize = 1_000_000;

/// Twenty tasks that one network learns: to respond to a stimulus or away from it, to the stronger of two, to what matches; at once or after a
/// delay; in one of two rings, or in the one that the rule names. See [`Rule`].
///
/// With rings of `n = 32`, inputs are 0, the cue to fixate; 1 to `n`, ring 1; `n + 1` to `2n`, ring 2; and then one for each rule, which is 1
/// in trials of that rule and 0 in others. Output 0 is "fixate", outputs 1 to `n` are the response. Unit `k` of a ring prefers
/// `θₖ = 2π k / n`. A stimulus of strength `g` at angle `a`, and a response with `g = 1`, is
///
/// ```text
/// 0.8 g exp(-d² / 2),   d = |θₖ - a| / (π/8) around the circle
/// ```
///
/// where stimuli add up, and so does the 0.05 that is the target of each output that is not asked for. The target of "fixate" is 0.8 until the
/// response, to the end where none is to be given. The cue to fixate is 1 until the response, or to the end where the stimulus itself says when to
/// respond. The mask is 1, 5 in the response; 0 in the first 100 ms of a trial and of a response; twice that for "fixate" ([`Cost`]). It
/// weighs errors, which `MeanSquaredError` squares.
///
/// | rules | fixation | stimulus 1 | delay 1 | stimulus 2 | delay 2 | response |
/// | --- | --- | --- | --- | --- | --- | --- |
/// | `fdgo`, `fdanti` | 300 to 700 | 500 to 1500, shown to the end | | | | 500 |
/// | `reactgo`, `reactanti` | 500 to 2500 | | | | | 500, stimulus 1 shown |
/// | `delaygo`, `delayanti` | 300, 500, 700 | 200, 400, 600 | 200, 400, 800, 1600 | | | 500 |
/// | `dm1`, `dm2`, `contextdm1`, `contextdm2`, `multidm` | 100 to 400 | both: 400, 800, 1600 | | | | 500 |
/// | the same with `delay` | 200, 400, 600 | 200, 400, 600 | 200, 400, 800, 1600 | 200, 400, 600 | 100 to 300 | 500 |
/// | `dmsgo`, `dmsnogo`, `dmcgo`, `dmcnogo` | 200, 400, 600 | 200, 400, 600 | 200, 400, 800, 1600 | | | 500, in `dmc` 200, 400, 600; stimulus 2 shown |
///
/// in ms, each cut to whole steps. Angles are uniform; those of two stimuli that are compared are π/2 to 3π/2 apart. Their strengths are
/// `m ± c`, with `m` from 0.8 to 1.2 and `c` one of 0.01, 0.02, 0.04, 0.08, with a delay of 0.08, 0.16, 0.32; [`Yang::easy`] makes `c` 10 times as
/// large, with a delay twice. In `multi` rules each is parted unequally between the rings: `g + d/2` and `g - d/2`, where `|d|` is 0.2 to 0.8 `g`. In `dms` angles
/// match in every other trial, and differ by π/9 at least if not; in `dmc` they are of 0.1, 0.3, …, 1.9 π. Epochs: `fixation`, `stimulus1`, `delay1`,
/// `stimulus2`, `delay2`, `response`, those of the rule. Values: see [`YangTrial`].
///
/// Rule, timing and modalities are shared by 64 trials in a row, so that batches of 64 have one rule and no padding; `contextdm1` and `contextdm2` come
/// five times as often as each other rule. The response is read at the last step ([`Ring`]): it is right within 0.2 π and with "fixate" below 0.5; the choice
/// is which stimulus is nearest, 0 or 1.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{Rule, Yang};
/// let batch = Yang::default().batch(64, Seed(1))?;
/// assert_eq!((batch.spec.n_in, batch.spec.n_out), (1 + 2 * 32 + 20, 1 + 32));
/// // Memory with a rule input that is made of those of others, without noise.
/// let go = Yang::rule(Rule::DelayGo).sensory(Sensory::default());
/// let mixed = go.instructed(&[(Rule::DelayAnti, 1.0), (Rule::FdAnti, -1.0), (Rule::FdGo, 1.0)]).batch(64, Seed(1))?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Defaults: `dt` 20 ms, `tau` 100 ms, noise of 0.01 in all inputs (see [`Sensory`]: 0.032 a step).
///
/// Yang GR, Joglekar MR, Song HF, Newsome WT, Wang X-J (2019), doi:10.1038/s41593-018-0310-2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Yang {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The baseline and the noise of the inputs.
    pub sensory: Sensory,
    /// The units of each ring of inputs, and of that of the outputs; 32 by default.
    pub ring: usize,
    /// The rules that have an input, in their order.
    pub rules: Vec<Rule>,
    /// Those of which there are trials; all of them by default.
    pub only: Option<Vec<Rule>>,
    /// How often each of these comes, relative to the others; by default 5 for `contextdm1` and `contextdm2` and 1 for the others.
    pub weights: Option<Vec<f32>>,
    /// How many trials in a row have the same rule, timing and modalities; 64 by default, 1 for none.
    pub shared_by: u64,
    /// Whether differences of strengths are large.
    pub easy: bool,
    /// What the rule inputs are in place of that of the rule: some of them, each with a strength.
    pub instruction: Option<Vec<(Rule, f32)>>,
    /// How much errors count.
    pub cost: Cost,
    /// What the outputs should be.
    pub targets: Targets,
}

impl Default for Yang {
    fn default() -> Self {
        Self {
            dt: 20.0,
            tau: 100.0,
            sensory: Sensory::default().noise(0.01),
            ring: 32,
            rules: Rule::ALL.to_vec(),
            only: None,
            weights: None,
            shared_by: 64,
            easy: false,
            instruction: None,
            cost: Cost::default(),
            targets: Targets::default(),
        }
    }
}

impl Yang {
    /// Trials of one rule, with the inputs of all twenty.
    #[must_use]
    pub fn rule(rule: Rule) -> Self {
        Self::default().only(&[rule])
    }

    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The baseline and the noise of the inputs.
        sensory: Sensory;
        /// The units of each ring.
        ring: usize;
        /// The rules that have an input, in their order.
        rules: &[Rule] => rules.to_vec();
        /// The rules of which there are trials.
        only: &[Rule] => Some(only.to_vec());
        /// How often each of these comes, relative to the others.
        weights: &[f32] => Some(weights.to_vec());
        /// How many trials in a row have the same rule, timing and modalities; 1 for none.
        shared_by: u64;
        /// Whether differences of strengths are 10 times as large, with a delay twice as large.
        easy: bool;
        /// How much errors count.
        cost: Cost;
        /// What the outputs should be.
        targets: Targets;
    }

    /// Trials with another instruction than that of their rule: rule inputs with these strengths, and none beside them.
    #[must_use]
    pub fn instructed(mut self, strengths: &[(Rule, f32)]) -> Self {
        self.instruction = Some(strengths.to_vec());
        self
    }

    /// The trials of a rule over which the paper's analyses go, all with the same timing: 20 angles, each in both rings; for two stimuli that are
    /// compared 20 angles with 5 differences of strength, in each ring where both rings show them; for two that may match 20 angles, each of the two in both
    /// rings, where a response is to be given. The noise of the inputs comes from the seed; without it, as in the paper, with
    /// `.sensory(Sensory::default())`.
    ///
    /// # Errors
    /// As [`TrialSource::trials`](crate::task::TrialSource::trials); also if the rule has no input.
    pub fn test_grid(&self, rule: Rule, seed: impl Into<Seed>) -> Result<Batch> {
        self.of(&grid::trials(rule), seed)
    }

    /// The rules of which there are trials.
    fn drawn(&self) -> &[Rule] {
        self.only.as_ref().unwrap_or(&self.rules)
    }

    /// How often each of these comes.
    fn how_often(&self) -> Vec<f32> {
        let usual = |rule: &Rule| if matches!(rule, Rule::ContextDm1 | Rule::ContextDm2) { OFTEN } else { 1.0 };
        self.weights.clone().unwrap_or_else(|| self.drawn().iter().map(usual).collect())
    }

    /// The strengths of two stimuli in each ring.
    fn strengths(&self, rule: Rule, rng: &mut TrialRng) -> [[Option<f32>; 2]; 2] {
        let coherences = rule.coherences(self.easy);
        let mut pair = || {
            let (mean, c) = (rng.uniform(0.8, 1.2), rng.choice(&coherences) * sign(rng));
            [mean + c, mean - c]
        };
        let mut strengths = [[None; 2]; 2];
        if rule.is_multisensory() {
            for (strengths, g) in strengths.iter_mut().zip(pair()) {
                let apart = g * rng.uniform(0.2, 0.8) * sign(rng);
                *strengths = [Some(g + apart / 2.0), Some(g - apart / 2.0)];
            }
        } else {
            for &ring in rule.shown_in() {
                let [first, second] = pair();
                (strengths[0][ring], strengths[1][ring]) = (Some(first), Some(second));
            }
        }
        strengths
    }
}

impl Task for Yang {
    type Trial = YangTrial;

    fn spec(&self) -> TaskSpec {
        let n_in = self.ring.saturating_mul(2).saturating_add(1 + self.rules.len());
        // That there are too many channels is for the check of the frame to say.
        let listed = self.ring.min(MAX_LISTED);
        let spec = TaskSpec::new(n_in, self.ring.saturating_add(1))
            .dt(self.dt)
            .tau(self.tau)
            .sensory(self.sensory.clone())
            .whole_steps(true)
            .shared_by(self.shared_by)
            .decision(Decision::ring(Ring::new(1..1 + listed).fixation(0).nearest(["angle1", "angle2"])));
        // Those that only some of the rules have may last for 0 ms; that there are none is for the check to say.
        let rules = if self.drawn().is_empty() { Rule::ALL.as_slice() } else { self.drawn() };
        let names = ["fixation", "stimulus1", "delay1", "stimulus2", "delay2", "response"];
        names.into_iter().fold(spec, |spec, name| match of_all(rules, name) {
            Some(duration) => spec.epoch(name, duration),
            None => spec,
        })
    }

    fn check(&self) -> Result<()> {
        let wrong = |name: &str, expected: &str, got: String| Err(Error::argument(name, expected, got));
        let drawn = self.drawn();
        for (name, rules) in [("rules", self.rules.as_slice()), ("only", drawn)] {
            if rules.is_empty() {
                return wrong(name, "at least one rule", "none".into());
            }
            if let Some((_, rule)) = rules.iter().enumerate().find(|(i, rule)| rules[..*i].contains(rule)) {
                return wrong(name, "each rule once", format!("{rule} twice"));
            }
        }
        let instruction = self.instruction.as_deref().unwrap_or_default();
        for (name, rule) in drawn.iter().map(|r| ("only", r)).chain(instruction.iter().map(|(r, _)| ("instruction", r)))
        {
            if !self.rules.contains(rule) {
                return wrong(name, "of `rules`, which have an input", rule.to_string());
            }
        }
        if let Some((rule, strength)) = instruction.iter().find(|(_, strength)| !strength.is_finite()) {
            return wrong("instruction", "of finite strengths", format!("{strength} of {rule}"));
        }
        let weights = self.how_often();
        if weights.len() != drawn.len() {
            let got = weights.len().to_string();
            return wrong("weights", &format!("one for each of {} rules", drawn.len()), got);
        }
        check_weights("weights", &weights)?;
        self.cost.check()
    }

    fn draw(&self, rng: &mut TrialRng) -> YangTrial {
        let shared = rng.shared();
        let rule = self.drawn()[shared.weighted(&self.how_often())];
        let mut trial = YangTrial::new(rule);
        let modalities = [1 + shared.index(2), 1 + shared.index(2)];
        for (epoch, duration) in rule.epochs() {
            trial.timing.set(epoch, duration.draw(shared));
        }
        trial.angle1 = rng.uniform(0.0, TAU);
        match rule.kind() {
            Kind::Go | Kind::ReactGo | Kind::DelayGo => trial.modality1 = Some(modalities[0]),
            Kind::Decide | Kind::DelayDecide => {
                let apart = rng.uniform(PI / 2.0, 3.0 * PI / 2.0) * sign(rng);
                trial.angle2 = Some(code::wrapped(trial.angle1 + apart));
                trial.set_strengths(self.strengths(rule, rng));
            }
            Kind::Match => {
                (trial.modality1, trial.modality2) = (Some(modalities[0]), Some(modalities[1]));
                if rule.is_by_category() {
                    let mut angle = || (1 + 2 * rng.index(10)) as f32 * 0.1 * PI;
                    (trial.angle1, trial.angle2) = (angle(), Some(angle()));
                } else {
                    let apart = rng.uniform(PI / 9.0, 17.0 * PI / 9.0) * sign(rng);
                    let is_match = rng.chance(0.5);
                    trial.angle2 = Some(code::wrapped(trial.angle1 + if is_match { 0.0 } else { apart }));
                }
            }
        }
        trial
    }

    fn complete(&self, trial: &mut YangTrial) -> Result<()> {
        if !self.rules.contains(&trial.rule) {
            return Err(Error::argument("rule", "one of `rules`, which have an input", trial.rule));
        }
        trial.complete()
    }

    fn epochs(&self, spec: &TaskSpec, trial: &YangTrial, _: &mut TrialRng) -> Epochs {
        let then = |epochs: Epochs, (name, _): (&str, Duration)| epochs.then(name, spec.cut(trial.timing.of(name)));
        trial.rule.epochs().into_iter().fold(Epochs::new(), then)
    }

    fn step(&self, _: f32, trial: &YangTrial, _: &mut TrialRng, now: &mut Step<'_>) {
        let (rule, n) = (trial.rule, self.ring);
        let responds = now.is_in("response");
        now.input[0] = f32::from(u8::from(!responds || rule.is_cued_by_stimulus()));
        for (stimulus, (angle, strengths)) in trial.angles().into_iter().zip(trial.strengths()).enumerate() {
            let is_shown = rule.shown_during(stimulus).iter().any(|epoch| now.is_in(epoch));
            let Some(angle) = angle.filter(|_| is_shown) else { continue };
            for (ring, strength) in strengths.into_iter().enumerate() {
                if let Some(strength) = strength {
                    code::add_bump(&mut now.input[1 + ring * n..][..n], angle, strength);
                }
            }
        }
        let own = [(rule, 1.0)];
        for (rule, strength) in self.instruction.as_deref().unwrap_or(&own) {
            if let Some(place) = self.rules.iter().position(|other| other == rule) {
                now.input[1 + 2 * n + place] += *strength;
            }
        }
        let response = trial.target.filter(|_| responds);
        let weight = self.cost.of(now, self.dt);
        match self.targets {
            Targets::Bumps => {
                now.target.fill(LO);
                match response {
                    Some(angle) => code::add_bump(&mut now.target[1..], angle, 1.0),
                    None => now.target[0] = FIXATE,
                }
                now.mask.fill(weight);
                now.mask[0] *= self.cost.fixation;
            }
            Targets::OneHot => {
                now.favor(response.map_or(0, |angle| 1 + code::nearest(angle, n)), 1.0, 0.0);
                let mean = self.cost.mean(now, self.dt);
                now.mask.fill(if weight > 0.0 { weight / mean } else { 0.0 });
            }
        }
    }
}

/// 1 or -1.
fn sign(rng: &mut TrialRng) -> f32 {
    if rng.chance(0.5) { 1.0 } else { -1.0 }
}

/// How long an epoch lasts in trials of some rules; none if none has it.
fn of_all(rules: &[Rule], name: &str) -> Option<Duration> {
    let of_one =
        |rule: &Rule| rule.epochs().into_iter().find(|(other, _)| *other == name).map(|(_, duration)| duration);
    let mut durations: Vec<Duration> = Vec::new();
    for duration in rules.iter().map(|rule| of_one(rule).unwrap_or(Duration::Fixed(0.0))) {
        if !durations.contains(&duration) {
            durations.push(duration);
        }
    }
    let ranges = || durations.iter().map(Duration::range);
    let high = ranges().fold(0.0, |high: f32, (_, other)| high.max(other));
    match durations.as_slice() {
        _ if high == 0.0 => None,
        [one] => Some(one.clone()),
        _ => Some(Duration::uniform(ranges().fold(high, |low, (other, _)| low.min(other)), high)),
    }
}
