//! All twenty tasks, and each of them alone.

use super::rule::Rule;
use super::task::Yang;
use crate::tasks::catalog::{Entry, Paper, usual};

const PAPERS: &[Paper] = &[Paper {
    citation: "Yang GR, Joglekar MR, Song HF, Newsome WT, Wang X-J (2019)",
    doi: "10.1038/s41593-018-0310-2",
}];

const GO: &[&str] = &["multitask", "saccades"];
const MEMORY: &[&str] = &["multitask", "saccades", "working memory"];
const DECISION: &[&str] = &["multitask", "saccades", "perceptual decision"];
const BOTH: &[&str] = &["multitask", "saccades", "perceptual decision", "working memory"];
const CONTEXT: &[&str] = &["multitask", "saccades", "perceptual decision", "context"];
const ALL: &[&str] = &["multitask", "saccades", "perceptual decision", "context", "working memory"];
const SENSES: &[&str] = &["multitask", "saccades", "perceptual decision", "several senses"];
const SENSES_MEMORY: &[&str] = &["multitask", "saccades", "perceptual decision", "several senses", "working memory"];
const CATEGORY: &[&str] = &["multitask", "saccades", "categorization", "working memory"];

/// An entry for each, and what a network reaches where that is known.
macro_rules! entries {
    ($($name:literal: $usual:expr, $about:literal, $tags:expr $(, $reached:literal)?;)+) => {
        pub(super) const ENTRIES: &[Entry] = &[$(Entry {
            name: $name,
            about: $about,
            papers: PAPERS,
            tags: $tags,
            reached: entries!(@ $($reached)?),
            usual: usual!($usual),
        }),+];
    };
    (@) => { None };
    (@ $reached:literal) => { Some($reached) };
}

entries! {
    "yang": Yang::default(), "Do one of twenty tasks, with stimuli and responses on rings, as a rule input says.", ALL,
        "99.2 % of 512 trials of each task after 2,880,000 of all, in the worst of them 94.9 % (256 units, softplus, rate form).";
    "yang_fdgo": Yang::rule(Rule::FdGo), "Respond to where a stimulus is when fixation ends.", GO,
        "100.0 % of 512 new trials correct, by the network of all twenty.";
    "yang_reactgo": Yang::rule(Rule::ReactGo), "Respond to where a stimulus is as soon as it appears.", GO,
        "100.0 % of 512 new trials correct, by the network of all twenty.";
    "yang_delaygo": Yang::rule(Rule::DelayGo), "Respond to where a stimulus was after a delay.", MEMORY,
        "100.0 % of 512 new trials correct, by the network of all twenty.";
    "yang_fdanti": Yang::rule(Rule::FdAnti), "Respond away from a stimulus when fixation ends.", GO,
        "100.0 % of 512 new trials correct, by the network of all twenty.";
    "yang_reactanti": Yang::rule(Rule::ReactAnti), "Respond away from a stimulus as soon as it appears.", GO,
        "100.0 % of 512 new trials correct, by the network of all twenty.";
    "yang_delayanti": Yang::rule(Rule::DelayAnti), "Respond away from where a stimulus was after a delay.", MEMORY,
        "100.0 % of 512 new trials correct, by the network of all twenty.";
    "yang_dm1": Yang::rule(Rule::Dm1), "Respond to the stronger of two stimuli in ring 1.", DECISION,
        "98.8 % of 512 new trials correct, by the network of all twenty.";
    "yang_dm2": Yang::rule(Rule::Dm2), "Respond to the stronger of two stimuli in ring 2.", DECISION,
        "98.4 % of 512 new trials correct, by the network of all twenty.";
    "yang_contextdm1": Yang::rule(Rule::ContextDm1), "Respond to the stronger of two stimuli in ring 1, whatever they are in ring 2.", CONTEXT,
        "99.0 % of 512 new trials correct, by the network of all twenty.";
    "yang_contextdm2": Yang::rule(Rule::ContextDm2), "Respond to the stronger of two stimuli in ring 2, whatever they are in ring 1.", CONTEXT,
        "99.4 % of 512 new trials correct, by the network of all twenty.";
    "yang_multidm": Yang::rule(Rule::MultiDm), "Respond to the stronger of two stimuli, both rings together.", SENSES,
        "94.9 % of 512 new trials correct, by the network of all twenty.";
    "yang_delaydm1": Yang::rule(Rule::DelayDm1), "Respond to the stronger of two stimuli that come one after the other in ring 1.", BOTH,
        "98.8 % of 512 new trials correct, by the network of all twenty.";
    "yang_delaydm2": Yang::rule(Rule::DelayDm2), "Respond to the stronger of two stimuli that come one after the other in ring 2.", BOTH,
        "99.4 % of 512 new trials correct, by the network of all twenty.";
    "yang_contextdelaydm1": Yang::rule(Rule::ContextDelayDm1), "Respond to the one of two stimuli that was stronger in ring 1, whatever they were in ring 2.", ALL,
        "98.6 % of 512 new trials correct, by the network of all twenty.";
    "yang_contextdelaydm2": Yang::rule(Rule::ContextDelayDm2), "Respond to the one of two stimuli that was stronger in ring 2, whatever they were in ring 1.", ALL,
        "98.8 % of 512 new trials correct, by the network of all twenty.";
    "yang_multidelaydm": Yang::rule(Rule::MultiDelayDm), "Respond to the one of two stimuli that was stronger, both rings together.", SENSES_MEMORY,
        "98.4 % of 512 new trials correct, by the network of all twenty.";
    "yang_dmsgo": Yang::rule(Rule::DmsGo), "Respond to a second stimulus if it is where the first one was.", MEMORY,
        "99.6 % of 512 new trials correct, by the network of all twenty.";
    "yang_dmsnogo": Yang::rule(Rule::DmsNogo), "Respond to a second stimulus if it is not where the first one was.", MEMORY,
        "99.8 % of 512 new trials correct, by the network of all twenty.";
    "yang_dmcgo": Yang::rule(Rule::DmcGo), "Respond to a second stimulus if it is in the half of the circle in which the first one was.", CATEGORY,
        "100.0 % of 512 new trials correct, by the network of all twenty.";
    "yang_dmcnogo": Yang::rule(Rule::DmcNogo), "Respond to a second stimulus if it is not in the half of the circle in which the first one was.", CATEGORY,
        "100.0 % of 512 new trials correct, by the network of all twenty.";
}
