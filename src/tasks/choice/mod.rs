//! Choices by evidence, by number, by value and by probability.

mod economic_choice;
mod hierarchical_reasoning;
mod multi_choice;
mod parametric_comparison;
mod post_decision_wager;
mod probabilistic_reasoning;
mod pulse_accumulation;
mod rate_decision;
mod weather_prediction;

pub use parametric_comparison::FrequencyCode;
pub use pulse_accumulation::Bins;
pub use rate_decision::Modality;

use crate::task::Sensory;
use crate::tasks::Form;
use crate::tasks::catalog::{Paper, library};
use crate::{Error, Result};

library! {
    multi_choice: MultiChoice, ManyDots;
    pulse_accumulation: PulseAccumulation, Clicks;
    parametric_comparison: ParametricComparison, TwoFrequencies;
    rate_decision: RateDecision, Rates;
    economic_choice: EconomicChoice, Offers;
    post_decision_wager: PostDecisionWager, Wager;
    probabilistic_reasoning: ProbabilisticReasoning, Shapes;
    weather_prediction: WeatherPrediction, Cards;
    hierarchical_reasoning: HierarchicalReasoning, Flashes;
}

const SONG_PYRL: Paper = Paper { citation: "Song HF, Yang GR, Wang X-J (2017)", doi: "10.7554/eLife.21492" };

/// The time step of pyrl's tasks, and its noise of this variance.
fn pyrl(variance: f32) -> Form {
    Form { dt: 10.0, sensory: Sensory::default().noise(variance.sqrt()), ..Form::default() }
}

/// An error if there is no such alternative, counted from 0.
fn check_alternative(name: &str, alternative: usize, n: usize) -> Result<()> {
    match alternative < n {
        true => Ok(()),
        false => Err(Error::argument(name, format!("below {n}: alternatives are counted from 0"), alternative)),
    }
}
