//! Clicks on two sides, to be counted.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use crate::error::positive;
use crate::number::decimal;
use crate::setters::setters;
use crate::task::{Alternatives, Duration, Epochs, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::Form;
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;
use crate::tasks::form::form_setters;
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        name: "pulse_accumulation",
        about: "Say on which of two sides more clicks came.",
        papers: &[Paper { citation: "Brunton BW, Botvinick MM, Brody CD (2013)", doi: "10.1126/science.1233912" }],
        tags: &["perceptual decision", "accumulation"],
        reached: Some("95.5 % of new trials correct after 256,000 (100 units)."),
        usual: usual!(PulseAccumulation::default()),
    },
    Entry {
        name: "pulse_accumulation_binned",
        about: "Say on which of two sides more of six pulses came.",
        papers: &[Paper {
            citation: "Scott BB, Constantinople CM, Erlich JC, Tank DW, Brody CD (2015)",
            doi: "10.7554/eLife.11308",
        }],
        tags: &["perceptual decision", "accumulation"],
        reached: Some("82.5 % of new trials correct after 256,000 (100 units)."),
        usual: usual!(PulseAccumulation::binned()),
    },
];

/// On which of two sides did more clicks come?
///
/// Input 0 is the cue to fixate: 1 until the decision. Inputs 1 and 2 are left and right: a click adds `click / dt` to the step
/// in which it comes, so that a shorter time step changes nothing but the time. The outputs are "fixate", "left" and "right". There are as
/// many trials with one answer as with the other, and trials with equally many clicks are drawn anew.
///
/// By default clicks come at random, at rates `r_L` and `r_R` of which the sum is `rate` and `ln(r_R / r_L)` is plus or minus one of
/// `log_ratios`, while the stimulus lasts. In the binned version ([`PulseAccumulation::binned`]) there are a number of moments, and at
/// each a click comes to either side with its probability; [`Bins`] has these.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{Clicks, PulseAccumulation};
/// let trial = Clicks::of(&[20.0, 310.0], &[140.0, 255.0, 420.0], 500.0);
/// let batch = PulseAccumulation::default().of(&[trial], Seed(1))?;
/// assert_eq!(batch.correct_choice(0), Some(2));
/// assert_eq!(batch.values.numbers("difference")?, [1.0]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Defaults: 40 clicks a second on both sides together, log ratios of 0.1, 0.5, 1 and 2, a stimulus of 500 to 1000 ms, clicks of 20 (1 for
/// a step of 20 ms), a fixation of 500 ms, a decision of 500 ms. Epochs: `fixation`, `stimulus`, `decision`. Values: see [`Clicks`]. All else is
/// that of [`Form`].
///
/// When a click counts is said by [`LogisticRegression`](crate::analysis::LogisticRegression) of choices on the difference of the inputs in
/// each stretch of the stimulus, [`Session::evidence`](crate::simulate::Session::evidence).
///
/// Tasks after Brunton BW, Botvinick MM, Brody CD (2013), doi:10.1126/science.1233912; binned, Scott BB, Constantinople CM, Erlich JC, Tank DW,
/// Brody CD (2015), doi:10.7554/eLife.11308.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PulseAccumulation {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The clicks a second on both sides together.
    pub rate: f32,
    /// The logarithms of the ratio of the higher rate to the lower, all equally likely.
    pub log_ratios: Vec<f32>,
    /// How long the stimulus lasts, without bins.
    pub stimulus: Duration,
    /// Moments at which clicks come, in the place of the rates.
    pub bins: Option<Bins>,
    /// What a click adds to its input, summed over time, in milliseconds.
    pub click: f32,
    /// How long the fixation lasts.
    pub fixation: Duration,
    /// How long the decision lasts.
    pub decision: Duration,
}

/// Faster clicks than these are taken for a mistake in the units.
const MOST: f32 = 10_000.0;

/// Moments at which clicks come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bins {
    /// How many there are.
    pub number: usize,
    /// The time from one to the next, in milliseconds; the stimulus lasts `number` times as long.
    pub every: f32,
    /// With what probability a click comes to one side, and to the other; which of the sides is which is drawn.
    pub probabilities: (f32, f32),
}

/// The values of a trial of [`PulseAccumulation`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Clicks {
    /// The logarithm of the ratio of the rates, or of the probabilities, right over left, by which clicks were drawn; missing if they are given.
    pub log_ratio: Option<f32>,
    /// How long the stimulus lasts, in milliseconds.
    pub duration: f32,
    /// The clicks on the left; it follows from their times, as what is below does.
    pub n_left: usize,
    /// The clicks on the right.
    pub n_right: usize,
    /// The clicks on the right less those on the left.
    pub difference: i64,
    /// The side with more clicks, 0 for left or 1 for right.
    pub side: usize,
    /// The times of the clicks on the left after the start of the stimulus, in milliseconds.
    #[trial(skip)]
    pub left: Vec<f32>,
    /// Those on the right.
    #[trial(skip)]
    pub right: Vec<f32>,
}

impl Clicks {
    /// A trial with clicks at these times after the start of the stimulus, which lasts `duration`, in milliseconds.
    #[must_use]
    pub fn of(left: &[f32], right: &[f32], duration: f32) -> Self {
        Self {
            log_ratio: None,
            duration,
            n_left: left.len(),
            n_right: right.len(),
            difference: right.len() as i64 - left.len() as i64,
            side: usize::from(right.len() > left.len()),
            left: left.to_vec(),
            right: right.to_vec(),
        }
    }
}

impl Default for PulseAccumulation {
    fn default() -> Self {
        Self {
            form: Form::default(),
            rate: 40.0,
            log_ratios: vec![0.1, 0.5, 1.0, 2.0],
            stimulus: Duration::uniform(500.0, 1000.0),
            bins: None,
            click: 20.0,
            fixation: Duration::Fixed(500.0),
            decision: Duration::Fixed(500.0),
        }
    }
}

impl PulseAccumulation {
    /// Six moments, 250 ms apart, at each of which a click comes with a probability of 0.3 to one side and of 0.7 to the other.
    #[must_use]
    pub fn binned() -> Self {
        Self::default().bins(Bins { number: 6, every: 250.0, probabilities: (0.3, 0.7) })
    }

    form_setters! {}

    setters! {
        /// The clicks a second on both sides together.
        rate: f32;
        /// The logarithms of the ratio of the higher rate to the lower, all equally likely.
        log_ratios: &[f32] => log_ratios.to_vec();
        /// How long the stimulus lasts, in milliseconds: a number or a distribution; with bins it follows from these.
        stimulus: impl Into<Duration> => stimulus.into();
        /// Moments at which clicks come, in the place of the rates.
        bins: Bins => Some(bins);
        /// What a click adds to its input, summed over time, in milliseconds.
        click: f32;
        /// How long the fixation lasts, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the decision lasts, in milliseconds: a number or a distribution.
        decision: impl Into<Duration> => decision.into();
    }

    /// The clicks on one side and on the other, the first with the larger rate or probability, at `log_ratio`.
    fn click_times(&self, log_ratio: f32, duration: f32, rng: &mut TrialRng) -> [Vec<f32>; 2] {
        if let Some(bins) = self.bins {
            let (a, b) = bins.probabilities;
            return [a.max(b), a.min(b)]
                .map(|p| (0..bins.number).filter(|_| rng.chance(p)).map(|bin| bin as f32 * bins.every).collect());
        }
        let share = 1.0 / (1.0 + (-log_ratio).exp());
        [share, 1.0 - share].map(|share| {
            let mut times = Vec::new();
            let mut time = rng.exponential(1000.0 / (self.rate * share));
            while time < duration {
                times.push(time);
                time += rng.exponential(1000.0 / (self.rate * share));
            }
            times
        })
    }
}

/// So often are clicks drawn anew that are equally many on both sides.
const DRAWS: usize = 1000;

impl Task for PulseAccumulation {
    type Trial = Clicks;

    fn spec(&self) -> TaskSpec {
        let stimulus = self.bins.map_or_else(|| self.stimulus.clone(), |bins| (bins.number as f32 * bins.every).into());
        let spec = self.form.spec(3, 3).epoch("fixation", self.fixation.clone());
        spec.epoch("stimulus", stimulus).epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::numbers("log_ratios", &self.log_ratios)?;
        positive("click", self.click)?;
        if !(self.rate > 0.0 && self.rate <= MOST) {
            return Err(Error::argument("rate", format!("above 0 and at most {MOST} clicks a second"), self.rate));
        }
        if let Some(Bins { number, every, probabilities: (a, b) }) = self.bins {
            positive("every", every)?;
            if number == 0 {
                return Err(Error::argument("number of bins", "at least 1", number));
            }
            if !(0.0..=1.0).contains(&a) || !(0.0..=1.0).contains(&b) {
                return Err(Error::argument("probabilities", "from 0 to 1", format!("{a} and {b}")));
            }
        }
        Ok(())
    }

    fn draw(&self, rng: &mut TrialRng) -> Clicks {
        let spec = Task::spec(self);
        let log_ratio = match self.bins {
            Some(Bins { probabilities: (a, b), .. }) => (a.max(b) / a.min(b)).ln(),
            None => rng.choice(&self.log_ratios).abs(),
        };
        let duration = spec.cut(spec.epochs[1].1.draw(rng.shared()));
        let right = rng.chance(0.5);
        let mut sides = self.click_times(log_ratio, duration, rng);
        for _ in 0..DRAWS {
            if sides[0].len() != sides[1].len() {
                break;
            }
            sides = self.click_times(log_ratio, duration, rng);
        }
        let [more, less] = sides;
        let (left, right, log_ratio) = if right { (less, more, log_ratio) } else { (more, less, -log_ratio) };
        Clicks { log_ratio: Some(log_ratio), ..Clicks::of(&left, &right, duration) }
    }

    fn complete(&self, trial: &mut Clicks) -> Result<()> {
        let log_ratio = trial.log_ratio;
        *trial = Clicks { log_ratio, ..Clicks::of(&trial.left, &trial.right, trial.duration) };
        let within = 0.0..trial.duration;
        if let Some(time) = trial.left.iter().chain(&trial.right).find(|time| !within.contains(*time)) {
            let expected = format!("within the stimulus, from 0 to below {} ms", trial.duration);
            return Err(Error::argument("click", expected, format!("{time} ms")));
        }
        match trial.difference {
            0 => {
                let got = format!("{} on either", trial.n_left);
                Err(Error::argument("clicks", "more on one side than on the other, so that there is an answer", got))
            }
            _ => Ok(()),
        }
    }

    fn answer(&self, trial: &Clicks) -> Option<usize> {
        Some(trial.side)
    }

    fn epochs(&self, spec: &TaskSpec, trial: &Clicks, rng: &mut TrialRng) -> Epochs {
        spec.clone().lasting("stimulus", trial.duration).draw_epochs(rng)
    }

    fn step(&self, t: f32, trial: &Clicks, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", 1 + trial.side)]);
        if let (true, Some(start)) = (now.is_in("stimulus"), now.epochs().start("stimulus")) {
            let dt = decimal(self.form.dt);
            let steps = |time: f32| f64::from(time) / dt;
            let (this, last) = (steps(t - start).round(), (steps(trial.duration) + 1e-6).floor() - 1.0);
            // A click at the time of a step up to rounding is in it, and none is after the stimulus.
            let step = |time: f32| (steps(time) + 1e-6).floor().min(last);
            for (input, times) in [(1, &trial.left), (2, &trial.right)] {
                let clicks = times.iter().filter(|&&time| step(time) == this).count();
                now.input[input] = clicks as f32 * self.click / self.form.dt;
            }
        }
    }
}

impl Alternatives for PulseAccumulation {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Clicks {
        let drawn = self.draw(rng);
        match drawn.side == choice {
            true => drawn,
            false => {
                let log_ratio = drawn.log_ratio.map(|ratio| -ratio);
                Clicks { log_ratio, ..Clicks::of(&drawn.right, &drawn.left, drawn.duration) }
            }
        }
    }
}
