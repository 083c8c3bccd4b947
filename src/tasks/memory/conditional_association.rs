//! Which answer belongs to which stimulus, for as long as it does.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use crate::setters::setters;
use crate::task::{Decision, Duration, Lasting, Past, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::{Form, form_setters};
use crate::{Error, Result};

const CROMER: Paper = Paper { citation: "Cromer JA, Machon M, Miller EK (2011)", doi: "10.1162/jocn.2010.21555" };

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "conditional_association",
    about: "Give the answer that belongs to a stimulus, which is shown afterwards and is another in each block of trials.",
    papers: &[CROMER],
    tags: &["association", "learning", "blocks"],
    reached: Some("96.1 % of new trials correct after 96,000 (100 units)."),
    usual: usual!(ConditionalAssociation::default()),
}];

/// Which answer belongs to a stimulus? It is arbitrary, the same for a block of trials, and shown after the subject's own.
///
/// | | |
/// | --- | --- |
/// | inputs | 0 the cue to fixate, 1 but during the decision; 1 to `n_stimuli` (4) the stimuli, then one for each answer: that which belongs to the stimulus is 1 in the feedback |
/// | outputs | 0 fixate; 1 to `n_answers` (4) the answers |
/// | epochs | `fixation` (300 ms), `stimulus` (500 ms), `delay` (1000 ms), `decision` (500 ms), `feedback` (300 ms) |
///
/// The answers to the stimuli are drawn at the start of each session and of each block in it, such that each answer belongs to as
/// many stimuli as any other, or to one more; never are they those of the block before: with two stimuli and two answers each
/// block is a reversal. A session ([`TaskSpec::session`]) has 256 trials and a block 64, or as [`Lasting`] says.
///
/// A stimulus that is new in a block can only be guessed. A network learns the answers within a block if its state goes on from
/// trial to trial; in independent trials nothing better than chance can be reached, `1 / n_answers`. Errors count as in [`Form`],
/// and not in the feedback. Values: see [`Association`].
///
/// Reversals of arbitrary associations, and new ones without them: Asaad WF, Rainer G, Miller EK (1998); Cromer JA, Machon M,
/// Miller EK (2011), doi:10.1162/jocn.2010.21555.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::ConditionalAssociation;
/// let task = ConditionalAssociation::default().n_stimuli(2).n_answers(2).block(10).session(20);
/// let values = task.batch(20, Seed(1))?.values;
/// let (stimulus, answer) = (values.numbers("stimulus")?, values.numbers("correct_answer")?);
/// let same = |trial: usize| stimulus[trial] == answer[trial];
/// assert!((0..20).all(|trial| same(trial) == (same(0) == (trial < 10))));
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionalAssociation {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The number of stimuli.
    pub n_stimuli: usize,
    /// The number of answers.
    pub n_answers: usize,
    /// How many trials a block has.
    pub block: Lasting,
    /// How many trials a session has.
    pub session: usize,
    /// The fixation before the stimulus.
    pub fixation: Duration,
    /// The stimulus.
    pub stimulus: Duration,
    /// The delay after it.
    pub delay: Duration,
    /// The decision period.
    pub decision: Duration,
    /// How long the right answer is shown.
    pub feedback: Duration,
}

/// The values of a trial of [`ConditionalAssociation`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Association {
    /// Which stimulus is shown, counted from 0.
    pub stimulus: usize,
    /// The answer to each stimulus, counted from 0.
    #[trial(skip)]
    pub answers: Vec<usize>,
    /// The answer to this one, which follows from the two.
    pub correct_answer: usize,
}

impl Default for ConditionalAssociation {
    fn default() -> Self {
        Self {
            form: Form::default(),
            n_stimuli: 4,
            n_answers: 4,
            block: 64.into(),
            session: 256,
            fixation: 300.into(),
            stimulus: 500.into(),
            delay: 1000.into(),
            decision: 500.into(),
            feedback: 300.into(),
        }
    }
}

impl ConditionalAssociation {
    form_setters! {}

    setters! {
        /// The number of stimuli.
        n_stimuli: usize;
        /// The number of answers.
        n_answers: usize;
        /// How many trials a block has: a number, a range of numbers, or a distribution.
        block: impl Into<Lasting> => block.into();
        /// How many trials a session has.
        session: usize;
        /// The fixation before the stimulus, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// The stimulus, in milliseconds.
        stimulus: impl Into<Duration> => stimulus.into();
        /// The delay after it, in milliseconds.
        delay: impl Into<Duration> => delay.into();
        /// The decision period, in milliseconds.
        decision: impl Into<Duration> => decision.into();
        /// How long the right answer is shown, in milliseconds.
        feedback: impl Into<Duration> => feedback.into();
    }

    /// A trial with these answers to the stimuli.
    fn draw_with(&self, answers: Vec<usize>, rng: &mut TrialRng) -> Association {
        let stimulus = rng.index(self.n_stimuli);
        Association { stimulus, correct_answer: answers[stimulus], answers }
    }

    /// Answers to the stimuli that are not those of before.
    fn draw_answers(&self, before: Option<&[usize]>, rng: &mut TrialRng) -> Vec<usize> {
        let mut turns: Vec<usize> = (0..self.n_stimuli).collect();
        for last in (1..turns.len()).rev() {
            turns.swap(last, rng.index(last + 1));
        }
        // Which answers belong to one stimulus more, where there are some more of these.
        let first = rng.index(self.n_answers);
        let answer = |turn: usize| (turn + first) % self.n_answers;
        let answers: Vec<usize> = turns.into_iter().map(answer).collect();
        match before == Some(answers.as_slice()) {
            true => answers.into_iter().map(|answer| (answer + 1) % self.n_answers).collect(),
            false => answers,
        }
    }
}

impl Task for ConditionalAssociation {
    type Trial = Association;

    fn spec(&self) -> TaskSpec {
        self.form
            .spec(1 + self.n_stimuli + self.n_answers, 1 + self.n_answers)
            .decision(Decision::largest_at_end().during("decision"))
            .session(self.session)
            .blocks(self.block)
            .epoch("fixation", self.fixation.clone())
            .epoch("stimulus", self.stimulus.clone())
            .epoch("delay", self.delay.clone())
            .epoch("decision", self.decision.clone())
            .epoch("feedback", self.feedback.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        for (name, n) in [("n_stimuli", self.n_stimuli), ("n_answers", self.n_answers)] {
            if n < 2 {
                return Err(Error::argument(name, "at least 2, or there is nothing to learn", n));
            }
        }
        Ok(())
    }

    fn draw(&self, rng: &mut TrialRng) -> Association {
        let answers = self.draw_answers(None, rng);
        self.draw_with(answers, rng)
    }

    fn next(&self, past: &Past<Association>, rng: &mut TrialRng) -> Association {
        let before = past.trial(1).map(|trial| trial.answers.as_slice());
        let answers = match before.filter(|_| past.trial_in_block() > 0) {
            Some(answers) => answers.to_vec(),
            None => self.draw_answers(before, rng),
        };
        self.draw_with(answers, rng)
    }

    fn complete(&self, trial: &mut Association) -> Result<()> {
        if trial.answers.len() != self.n_stimuli || trial.answers.iter().any(|&answer| answer >= self.n_answers) {
            let expected = format!("{} numbers below {}", self.n_stimuli, self.n_answers);
            return Err(Error::argument("answers", expected, format!("{:?}", trial.answers)));
        }
        match trial.answers.get(trial.stimulus) {
            Some(&answer) => trial.correct_answer = answer,
            None => {
                let expected = format!("below {}, the number of stimuli", self.n_stimuli);
                return Err(Error::argument("stimulus", expected, trial.stimulus));
            }
        }
        Ok(())
    }

    fn step(&self, _: f32, trial: &Association, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", 1 + trial.correct_answer)]);
        if now.is_in("stimulus") {
            now.input[1 + trial.stimulus] = 1.0;
        }
        if now.is_in("feedback") {
            now.input[1 + self.n_stimuli + trial.correct_answer] = 1.0;
            now.mask.fill(0.0);
        }
    }

    fn answer(&self, trial: &Association) -> Option<usize> {
        Some(trial.correct_answer)
    }
}
