//! Tasks in which something is held in mind.
//!
//! What they have in common is their [`Form`](super::Form). Directions are angles in radians, from 0 to 2π.

mod conditional_association;
mod delay_estimation;
mod delayed_match;
mod directions;
mod distractor;
mod dual_delayed_match;
mod go_nogo;
mod memory_number;
mod memory_saccade;
mod n_back;
mod paired_association;
mod repeated_tests;

use crate::tasks::catalog::{Paper, library};

library! {
    go_nogo: GoNogo, GoCue;
    delayed_match: DelayedMatch, Report, SampleAndTest;
    memory_saccade: MemorySaccade, Anti, Guidance, Saccade;
    repeated_tests: RepeatedTests, SampleAndTests;
    dual_delayed_match: DualDelayedMatch, CuedSample, TwoSamples;
    paired_association: PairedAssociation, StimulusPair;
    conditional_association: ConditionalAssociation, Association;
    distractor: Distractor, CueAndDistractor;
    delay_estimation: DelayEstimation, ColoredItems;
    memory_number: MemoryNumber, ShownNumber;
    n_back: NBack, ItemRow;
}

const FREEDMAN: Paper = Paper { citation: "Freedman DJ, Assad JA (2006)", doi: "10.1038/nature05078" };
const MASSE: Paper = Paper { citation: "Masse NY et al. (2019)", doi: "10.1038/s41593-019-0414-3" };
const MILLER: Paper =
    Paper { citation: "Miller EK, Erickson CA, Desimone R (1996)", doi: "10.1523/JNEUROSCI.16-16-05154.1996" };
const ZHANG: Paper = Paper { citation: "Zhang X et al. (2019)", doi: "10.7554/eLife.43191" };
