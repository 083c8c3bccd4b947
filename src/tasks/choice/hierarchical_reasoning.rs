//! A rule that changes unannounced, and a judgment by it.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::check_alternative;
use crate::error::positive;
use crate::setters::setters;
use crate::task::{Alternatives, Decision, Duration, Epochs, Lasting, Past, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::Form;
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;
use crate::tasks::form::form_setters;
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "hierarchical_reasoning",
    about: "Go to a flash or away from it, by how long it took to the next one and by a rule that changes unannounced.",
    papers: &[Paper { citation: "Sarafyazd M, Jazayeri M (2019)", doi: "10.1126/science.aav8911" }],
    tags: &["timing", "context", "sessions"],
    reached: Some("63.6 % of new trials correct after 960,000 (100 units)."),
    usual: usual!(HierarchicalReasoning::default()),
}];

/// Go to a flash or away from it, by how long it took to the next one, and by a rule that changes from time to time without being announced.
///
/// Input 0 is the cue to fixate: 1 but for the two answers. Inputs 1 and 2 are the targets of the two rules, both 1 while the rule is asked for.
/// Inputs 3 and 4 are flashes on the left and on the right: two of them on one side, an interval apart from start to start. Under rule 1 the
/// subject is to go to their side if the interval is long, and to the other side if it is short; under rule 0 the other way round. Inputs 5
/// and 6 show the right side, as feedback, after the answer. The outputs are "fixate", the two rules, "left" and "right".
///
/// There are two answers in a trial, the rule and the side, and both must be right. The rule is the same in all trials of a block and another
/// one in the next, so that the first trial of a block can only be guessed; its feedback tells. [`Past`] and [`TaskSpec::session`] say what
/// sessions and blocks are.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::HierarchicalReasoning;
/// let rules = HierarchicalReasoning::default().blocks(5).session(20).batch(20, Seed(1))?.values.numbers("rule")?;
/// assert!((0..20).all(|trial| (rules[trial] == rules[0]) == (trial / 5 % 2 == 0)));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Defaults: intervals of 530, 610, …, 1170 ms, long above 850 ms and by chance at 850; flashes of 100 ms; a fixation of 600 ms on average
/// (exponential, 400 to 800 ms), 1000 ms for the rule, again a fixation of 600 ms on average (400 to 900 ms), 700 ms for the decision, 300 ms of
/// feedback; blocks of 10 to 20 trials, sessions of 100; a `dt` of 10 ms. Epochs: `fixation`, `rule_target`, `fixation2`, `flash1`, `delay`, `flash2`, `decision`,
/// `feedback`. Values: see [`Flashes`]. All else is that of [`Form`].
///
/// In NeuroGym's `HierarchicalReasoning` (2.3.1) the second of the intervals is taken for the median, so that nearly all are long, and the
/// cue to fixate is on while the rule is asked for; its interval is that between the flashes.
///
/// Task after Sarafyazd M, Jazayeri M (2019), doi:10.1126/science.aav8911.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HierarchicalReasoning {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The intervals from the start of the first flash to that of the second, in milliseconds, all equally likely.
    pub intervals: Vec<f32>,
    /// Above what an interval is long, in milliseconds.
    pub boundary: f32,
    /// How long a flash lasts, in milliseconds.
    pub flash: f32,
    /// How long the fixation lasts.
    pub fixation: Duration,
    /// How long the rule is asked for.
    pub rule_target: Duration,
    /// How long the fixation after it lasts.
    pub fixation2: Duration,
    /// How long the decision lasts.
    pub decision: Duration,
    /// How long the right side is shown.
    pub feedback: Duration,
    /// How many trials a block has.
    pub blocks: Lasting,
    /// How many trials a session has.
    pub session: usize,
}

/// The values of a trial of [`HierarchicalReasoning`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Flashes {
    /// The rule, 0 or 1.
    pub rule: usize,
    /// Where the flashes are, 0 for left or 1 for right.
    pub side: usize,
    /// The interval from the start of the first flash to that of the second, in milliseconds.
    pub interval: f32,
    /// Whether that counts as long; it follows from the interval, but for one at the boundary.
    pub long: bool,
    /// Where to go, 0 for left or 1 for right; it follows from the others.
    pub choice_side: usize,
}

impl Default for HierarchicalReasoning {
    fn default() -> Self {
        Self {
            form: Form { dt: 10.0, ..Form::default() },
            intervals: (0_u8..9).map(|k| 530.0 + 80.0 * f32::from(k)).collect(),
            boundary: 850.0,
            flash: 100.0,
            fixation: Duration::truncated_exponential(600.0, 400.0, 800.0),
            rule_target: Duration::Fixed(1000.0),
            fixation2: Duration::truncated_exponential(600.0, 400.0, 900.0),
            decision: Duration::Fixed(700.0),
            feedback: Duration::Fixed(300.0),
            blocks: (10..=20).into(),
            session: 100,
        }
    }
}

impl HierarchicalReasoning {
    form_setters! {}

    setters! {
        /// The intervals from the start of the first flash to that of the second, in milliseconds, all equally likely.
        intervals: &[f32] => intervals.to_vec();
        /// Above what an interval is long, in milliseconds.
        boundary: f32;
        /// How long a flash lasts, in milliseconds.
        flash: f32;
        /// How long the fixation lasts, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the rule is asked for, in milliseconds: a number or a distribution.
        rule_target: impl Into<Duration> => rule_target.into();
        /// How long the fixation after it lasts, in milliseconds: a number or a distribution.
        fixation2: impl Into<Duration> => fixation2.into();
        /// How long the decision lasts, in milliseconds: a number or a distribution.
        decision: impl Into<Duration> => decision.into();
        /// How long the right side is shown, in milliseconds: a number or a distribution.
        feedback: impl Into<Duration> => feedback.into();
        /// How many trials a block has: a number, a range of numbers, or a distribution.
        blocks: impl Into<Lasting> => blocks.into();
        /// How many trials a session has.
        session: usize;
    }

    fn draw_with(&self, rule: usize, rng: &mut TrialRng) -> Flashes {
        let (side, interval, chance) = (rng.index(2), rng.choice(&self.intervals), rng.chance(0.5));
        let long = if interval == self.boundary { chance } else { interval > self.boundary };
        Flashes { rule, side, interval, long, choice_side: 0 }
    }
}

/// Whether to go to the side of the flashes.
fn is_toward(trial: &Flashes) -> bool {
    trial.long == (trial.rule == 1)
}

impl Task for HierarchicalReasoning {
    type Trial = Flashes;

    fn spec(&self) -> TaskSpec {
        let delay: Vec<f32> = self.intervals.iter().map(|interval| interval - self.flash).collect();
        self.form
            .spec(7, 5)
            .decision(Decision::largest_at_end().in_each(["rule_target", "decision"]))
            .session(self.session)
            .blocks(self.blocks)
            .epoch("fixation", self.fixation.clone())
            .epoch("rule_target", self.rule_target.clone())
            .epoch("fixation2", self.fixation2.clone())
            .epoch("flash1", self.flash)
            .epoch("delay", Duration::choice(&delay))
            .epoch("flash2", self.flash)
            .epoch("decision", self.decision.clone())
            .epoch("feedback", self.feedback.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::numbers("intervals", &self.intervals)?;
        positive("boundary", self.boundary)?;
        positive("flash", self.flash)
    }

    fn draw(&self, rng: &mut TrialRng) -> Flashes {
        let rule = rng.index(2);
        self.draw_with(rule, rng)
    }

    fn next(&self, past: &Past<Flashes>, rng: &mut TrialRng) -> Flashes {
        match past.block_kind() {
            Some(rule) => self.draw_with(rule, rng),
            None => self.draw(rng),
        }
    }

    fn complete(&self, trial: &mut Flashes) -> Result<()> {
        check_alternative("rule", trial.rule, 2)?;
        check_alternative("side", trial.side, 2)?;
        if !(trial.interval >= self.flash && trial.interval.is_finite()) {
            let expected = format!("as long as a flash, {} ms, or longer", self.flash);
            return Err(Error::argument("interval", expected, format!("{} ms", trial.interval)));
        }
        if trial.interval != self.boundary {
            trial.long = trial.interval > self.boundary;
        }
        trial.choice_side = if is_toward(trial) { trial.side } else { 1 - trial.side };
        Ok(())
    }

    fn answer(&self, trial: &Flashes) -> Option<usize> {
        Some(trial.choice_side)
    }

    fn epochs(&self, spec: &TaskSpec, trial: &Flashes, rng: &mut TrialRng) -> Epochs {
        spec.clone().lasting("delay", trial.interval - self.flash).draw_epochs(rng)
    }

    fn step(&self, _: f32, trial: &Flashes, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("rule_target", 1 + trial.rule), ("decision", 3 + trial.choice_side)]);
        if now.is_in("rule_target") {
            now.input[1..3].fill(1.0);
        }
        if now.is_in("flash1") || now.is_in("flash2") {
            now.input[3 + trial.side] = 1.0;
        }
        if now.is_in("feedback") {
            now.input[5 + trial.choice_side] = 1.0;
        }
    }
}

impl Alternatives for HierarchicalReasoning {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Flashes {
        let drawn = self.draw(rng);
        let side = if is_toward(&drawn) { choice } else { 1 - choice };
        Flashes { side, choice_side: choice, ..drawn }
    }
}
