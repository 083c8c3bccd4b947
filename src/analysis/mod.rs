//! What an experimenter does with a session: behavior, population activity, statistics.
//!
//! Everything here works on plain arrays and on a [`Session`](crate::simulate::Session), without libtorch, in `f64`.
//!
//! ```no_run
//! use psychrnn::prelude::*;
//!
//! let task = PerceptualDiscrimination::default().onset(500.0).stimulus(1000.0).coherences(&[0.0, 0.05, 0.1, 0.2]);
//! let session = Simulator::load("weights.npz")?.run(&task.batch(1000, Seed(2))?)?;
//! let session = session.with("signed", ["coherence", "direction"], |[c, d]| if d == 1.0 { c } else { -c })?;
//!
//! let fit = Psychometric::default().fit(&session.choices_by("signed", 1)?)?;
//! println!("threshold {}, width {}", fit.threshold.value, fit.width.value);
//! fit.plot()?.save("psychometric.png")?;
//!
//! let averages = Average::by("signed").aligned_to("stimulus").window(-200.0..1000.0).of(&session.only("correct", true)?)?;
//! averages.plot_units([0, 1, 2])?.save("units.png")?;
//! averages.trajectories(&averages.pca(2)?)?.plot(0, 1)?.save("trajectories.png")?;
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! | question | answer |
//! | --- | --- |
//! | how do choices depend on the stimulus? | [`Counts`], [`Psychometric`] |
//! | how does the share correct depend on how long it lasts? | [`Counts::binned`] of [`durations`](crate::task::Batch::durations) |
//! | how do reaction times? | [`Chronometric`], of [`reaction_times`](crate::simulate::Session::reaction_times) |
//! | does it go when it should, and only then? | [`Detection`] |
//! | how well does it produce an interval? | [`Timing`], of [`times_when`](crate::simulate::Session::times_when) |
//! | does it draw intervals towards their mean as far as its uncertainty asks for? | [`BayesianTiming`] |
//! | how long does it take to stop? | [`Countermanding`] |
//! | how much does each piece of evidence weigh, and when? | [`LogisticRegression`], of [`evidence`](crate::simulate::Session::evidence) |
//! | do choices repeat those before them, after correct ones and after errors? | [`ChoiceHistory`] |
//! | how do they depend on choices, outcomes and transitions some trials back? | [`HistoryKernels`] |
//! | what happens when a block begins? | [`about_switches`] |
//! | are responses drawn towards the stimulus before? | [`SerialDependence`] |
//! | what does the population do? | [`Average`], [`Pca`], [`Trajectories`] |
//! | on what curved surface do its states lie? | [`DiffusionMap`] |
//! | where does it represent choice, stimulus, context? | [`Targeted`] |
//! | where does its state stand still, and which way does it move about there? | [`FixedPoints`], [`FixedPointSet::at`] |
//! | in which directions does it vary with one column and not with others? | [`Dpca`] |
//! | what does it tell about a trial, when, and in the same way throughout? | [`Decoding`] |
//! | how do these states move with an input, a gain, a lesion, and where do they vanish? | [`FixedPointSet::along`], [`FixedPointSet::along_gain`], [`FixedPointSet::towards`] |
//! | does it hold a quantity along a line, or an angle along a ring? | [`FixedPointSet::line_attractor`], [`FixedPointSet::ring_attractor`] |
//! | what does a unit respond to? | [`tuning`](crate::simulate::Session::tuning), [`order_by_selectivity`] |
//! | what is a unit, or a group of units, needed for? | [`LesionSweep`] |
//! | is it chaotic? how fast do trajectories part? | [`Lyapunov`] |
//! | does it go round in a few steps? | [`Cycles`] |
//! | in how many dimensions does activity lie, and in the same ones at two times? | [`Dimension`], [`alignment_index`] |
//! | do two populations represent conditions alike? | [`Rdm`], [`Cka`], [`Procrustes`] |
//! | do two networks move alike? | [`Dsa`] |
//! | does activity rotate, and could it drive itself? | [`Jpca`], [`Tangling`] |
//! | which units take part in which tasks? | [`TaskVariance`], [`KMeans`] |
//! | does its tuning last? | [`LinearTuning`] |
//! | do two curves differ? | [`Psychometric::compare`] |
//! | do pairs of numbers differ, or pairs of answers? | [`wilcoxon_signed_rank`], [`paired_t`]; [`mcnemar`] |
//! | do two samples differ? | [`mann_whitney`], [`welch_t`], [`Permutation`] |
//! | are there many tests? | [`Correction`]: [`holm`], [`benjamini_hochberg`] |
//! | how sure is a number? | [`Bootstrap`] |

mod behavior;
mod fixed_points;
mod lesion;
mod lyapunov;
mod population;
mod statistics;

pub use behavior::*;
pub use fixed_points::*;
pub use lesion::{Lesion, LesionBehavior, LesionSweep, LesionTest, Lesions};
pub use lyapunov::{Lyapunov, LyapunovExponents};
pub use population::*;
pub use statistics::*;
