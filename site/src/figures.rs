//! The gallery of figures: every kind that the crate draws, with the call that makes it.

use anyhow::{Context, Result, bail};
use psychrnn::plot::{Figure, censored_pairs, pairs, shares};

use crate::sources::{Sources, first_paragraph};
use crate::study::{self, Study};

/// A figure of the gallery.
pub(crate) struct Shown {
    /// The name of its file.
    pub(crate) name: &'static str,
    /// What draws it: a method of a type, or a function of `plot`.
    by: (&'static str, &'static str),
    /// The line that makes it.
    call: &'static str,
}

/// `file: Type::method, expression;` for each figure; the expression uses the values of the study in the first line.
macro_rules! gallery {
    (($($value:ident),+) $($name:literal: $of:ident::$by:ident, $call:expr;)+) => {
        /// The figures, in the order of the page.
        const ALL: &[Shown] = &[$(Shown {
            name: $name,
            by: (stringify!($of), stringify!($by)),
            call: stringify!($call),
        }),+];

        /// Draws them all.
        pub(crate) fn draw(study: Study) -> Result<Vec<(&'static str, Figure)>> {
            let Study { $($value),+ } = study;
            Ok(vec![$(($name, $call)),+])
        }
    };
}

gallery! {
    (training, session, weights, fit, easy, hard, chronometric, timing, observer, kernel, order, tuning, averages, choices, pca, trajectories, path, map, signed, linear, axes, units, groups, rdm, planes, parts, variance, composed, competing, points, modes, branches, decoded, across, demixed, kernels, attraction)
    "loss": Training::plot_loss, training.plot_loss();
    "checks": Training::plot_checks, training.plot_checks();
    "batch": Batch::plot_trial, session.batch.plot_trial(0)?;
    "trial": Session::plot_trial, session.plot_trial(0)?;
    "states": Session::plot_states, session.plot_states(0, 0..8)?;
    "weights": Weights::plot, weights.plot("W_rec")?;
    "weights-sorted": Weights::plot_sorted, weights.plot_sorted("W_in", &order)?;
    "psychometric": PsychometricFit::plot, fit.plot()?;
    "counts": Counts::plot, easy.plot()?;
    "shares": plot::shares, shares([("noise 1", &easy), ("noise 2", &hard)])?;
    "chronometric": Chronometric::plot, chronometric.plot();
    "timing": Timing::plot, timing.plot();
    "bayesian-timing": BayesianTiming::plot, observer.plot([("subject", &timing)])?;
    "kernel": LogisticFit::plot, kernel.plot();
    "pairs": plot::pairs, pairs("Trials to criterion", ["curriculum", "fixed"], &[1400, 1200, 1600], &[2900, 2100, 2500])?;
    "censored-pairs": plot::censored_pairs, censored_pairs("Trials to criterion", ["curriculum", "fixed"], [&[1400, 1200], &[2900, 5000]], [&[false, false], &[false, true]])?;
    "history-kernels": HistoryWeights::plot, kernels.plot()?;
    "serial-dependence": SerialDependenceFit::plot, attraction.plot();
    "means": Table::plot_means, session.trials().plot_means("correct", "coherence")?;
    "means-of": Table::plot_means_of, session.trials().plot_means_of("correct", "coherence", "direction")?;
    "means-map": Table::plot_means_map, session.trials().plot_means_map("correct", "coherence", "direction")?;
    "unit": Averages::plot_unit, averages.plot_unit(order[0])?;
    "units": Averages::plot_units, choices.plot_units([order[0], order[39], 45])?;
    "tuning": Tuning::plot_unit, tuning.plot_unit(order[0])?;
    "trajectories": Trajectories::plot, trajectories.plot(0, 1)?;
    "components": Pca::plot_shares, pca.plot_shares();
    "diffusion": DiffusionCoordinates::plot, path.plot(0, 1)?;
    "diffusion-by": DiffusionCoordinates::plot_by, map.plot_by(0, 1, "signed coherence", &signed)?;
    "slopes-correlated": LinearTuning::plot_correlation, linear.plot_correlation([100.0, 400.0])?;
    "slopes-significant": LinearTuning::plot_significant, linear.plot_significant(0.05);
    "slopes": LinearTuning::plot_slopes, linear.plot_slopes(200.0, 800.0)?;
    "axes": TargetedAxes::plot_weights, axes.plot_weights(0, 1)?;
    "rdm": Rdm::plot, rdm.plot();
    "jpca": JpcaPlanes::plot, planes.plot(0)?;
    "task-variance": TaskClusters::plot, parts.plot();
    "fractional-variance": TaskVariances::plot_fractional, variance.plot_fractional("direction 0", "direction 1")?;
    "composition": Composed::plot, composed.plot();
    "decoding": Decoded::plot, decoded.plot();
    "decoding-matrix": Decoded::plot_matrix, decoded.plot_matrix();
    "decoding-across": Generalized::plot, across.plot();
    "dpca": Demixed::plot, demixed.plot(3)?;
    "dpca-variance": Demixed::plot_variance, demixed.plot_variance();
    "lesions": Lesions::plot, units.plot();
    "lesions-by": Lesions::plot_by, groups.plot_by(&session.batch.values, "coherence")?;
    "lesion-curves": Lesions::plot_curves, groups.plot_curves(&["E 1", "E 0", "I"])?;
    "fixed-points": FixedPointSet::plot, points.plot(0, 1)?;
    "fixed-points-session": FixedPointSet::plot_session, points.plot_session(&competing, 0, 1)?;
    "fixed-points-eigenvalues": FixedPointSet::plot_eigenvalues, points.plot_eigenvalues()?;
    "modes-eigenvalues": Modes::plot_eigenvalues, modes.plot_eigenvalues();
    "modes-time-constants": Modes::plot_time_constants, modes.plot_time_constants();
    "branches": Branches::plot, branches.plot(0)?;
    "branches-component": Branches::plot_component, branches.plot_component(0)?;
}

pub(crate) fn page(sources: &Sources) -> Result<String> {
    let mut page = format!(
        "# The gallery of figures\n\n\
         A figure is a value: as the last line of a cell it shows itself, `figure.save(\"name.svg\")?` writes it (also `.png` and `.pdf`), \
         `Figure::join([…])` puts several on one sheet. What is drawn here is found by these lines, which `cargo xtask figures gallery` runs:\n\n\
         ```rust\nuse psychrnn::prelude::*;\n{}```\n",
        study::lines()
    );
    for Shown { name, by: (of, by), call } in ALL {
        let about = match *of {
            "plot" => sources.function(by),
            of => sources.method(of, by),
        };
        let about = first_paragraph(about.with_context(|| format!("the library has no {of}::{by}"))?);
        // What is not in the prelude is brought where it is first used.
        let brought = if *of == "plot" { format!("use psychrnn::plot::{by};\n\n") } else { String::new() };
        let call = call.split_whitespace().collect::<Vec<_>>().join(" ");
        page += &format!(
            "\n## {of}::{by}\n\n{about}\n\n```rust\n{brought}{}\n```\n\n![{of}::{by}](data/figures/gallery/{name}.svg)\n",
            call
        );
    }
    let missing = sources.draws().filter(|(of, by)| ALL.iter().all(|shown| shown.by != (of.as_str(), by.as_str())));
    match missing.map(|(of, by)| format!("{of}::{by}")).collect::<Vec<_>>() {
        missing if missing.is_empty() => Ok(page),
        missing => bail!("the gallery in site/src/figures.rs lacks {}", missing.join(", ")),
    }
}
