//! Analyses of populations against numbers of other programs, topic by topic.

use std::fs;
use std::path::Path;

use ndarray::{Array1, Array2, Array3, Array4, Array5, Axis, s};
use psychrnn::analysis::{
    Cka, Classifier, Comparison, Decoding, Dimension, Dissimilarity, Dpca, Dsa, Jpca, KMeans, Noise, Procrustes, Rdm,
    Tangling, TaskVariance, alignment_index,
};
use serde_json::Value as Json;

use crate::arrays::read_npz;
use crate::case::{Case, Outcome};

/// What is computed without a search.
const EXACT: f64 = 1e-10;
/// What a search leads to.
const SEARCHED: f64 = 1e-8;

/// What was recorded, and the single numbers that were found for it.
struct Population {
    /// `[repeat, unit, stimulus, decision, time]`
    trials: Array5<f64>,
    json: Json,
}

type Compare = fn(&mut Case, &Population) -> Outcome;

/// Topics, and how the names of their arrays begin.
const TOPICS: [(&str, &[&str], Compare); 8] = [
    ("dimension", &["cov_eig"], dimension),
    ("two populations", &[], two_populations),
    ("dissimilarities", &["rdm_"], dissimilarities),
    ("task variance", &["task_", "fractional_", "cluster_"], task_variance),
    ("rotations, tangling", &["tangling"], rotations),
    ("DSA", &["dsa_", "dmd_"], dynamics),
    ("decoding", &["decode_", "decoding_"], decoding),
    ("dPCA", &["dpca_"], demixed),
];

pub(super) fn cases(folder: &Path) -> Vec<Case> {
    let file = folder.join("population.expected.npz");
    let population = Population {
        trials: read_npz(&folder.join("population.npz")).unwrap()["trials"]
            .values
            .clone()
            .into_dimensionality()
            .unwrap(),
        json: serde_json::from_slice(&fs::read(folder.join("population.expected.json")).unwrap()).unwrap(),
    };
    let begins = |name: &str, with: &[&str]| with.iter().any(|with| name.starts_with(with));
    let of_none: Vec<String> = read_npz(&file).unwrap().into_keys().collect();
    let of_none: Vec<&String> =
        of_none.iter().filter(|name| !TOPICS.iter().any(|(_, with, _)| begins(name, with))).collect();
    assert!(of_none.is_empty(), "no topic has {of_none:?}");
    let case = |&(topic, with, compare): &(&str, &[&str], Compare)| {
        Case::examine(topic, |case| {
            case.read(&file)?;
            case.keep(|name| begins(name, with));
            compare(case, &population)
        })
    };
    TOPICS.iter().map(case).collect()
}

impl Population {
    /// `[repeat, condition, time, unit]`; a condition is a stimulus and a decision.
    fn repeats(&self) -> Array4<f64> {
        let (repeats, units, stimuli, decisions, times) = self.trials.dim();
        let sorted = self.trials.view().permuted_axes([0, 2, 3, 4, 1]).as_standard_layout().into_owned();
        sorted.into_shape_with_order((repeats, stimuli * decisions, times, units)).unwrap()
    }

    /// `[condition, time, unit]`
    fn averages(&self) -> Array3<f64> {
        self.repeats().mean_axis(Axis(0)).unwrap()
    }

    /// What stands at the end of a path of names.
    fn number(&self, path: &str) -> f64 {
        self.numbers(path)[0]
    }

    fn numbers(&self, path: &str) -> Vec<f64> {
        let found = path.split('/').fold(&self.json, |json, name| &json[name]);
        let list = found.as_array().cloned().unwrap_or_else(|| vec![found.clone()]);
        list.iter().map(|json| json.as_f64().ok_or(path).unwrap()).collect()
    }
}

/// `[condition and time, unit]`
fn samples(averages: &Array3<f64>) -> Array2<f64> {
    let (conditions, times, units) = averages.dim();
    averages.to_shape((conditions * times, units)).unwrap().into_owned()
}

fn dimension(case: &mut Case, of: &Population) -> Outcome {
    let samples = samples(&of.averages());
    let dimension = case.timed(|| Dimension::of(&samples))?;
    case.close("ratio", &[dimension.participation_ratio], &of.numbers("participation_ratio"), EXACT);
    let of_correlation = of.numbers("participation_ratio_correlation");
    case.close("of correlation", &[dimension.participation_ratio_of_correlation], &of_correlation, EXACT);
    case.equal("components to 90%", dimension.components_to(0.9)? as f64, of.number("n_components_90"));
    let mut eigenvalues: Vec<f64> = case.take::<ndarray::Ix1>("cov_eig")?.to_vec();
    eigenvalues.sort_by(|a, b| b.total_cmp(a));
    let total: f64 = eigenvalues.iter().sum();
    let shares: Vec<f64> = eigenvalues.iter().map(|value| value / total).collect();
    case.close("shares", &dimension.shares, &shares, EXACT);
    Ok(())
}

fn two_populations(case: &mut Case, of: &Population) -> Outcome {
    let averages = of.averages();
    let half = averages.dim().1 / 2;
    let (early, late) = (averages.slice(s![.., ..half, ..]).to_owned(), averages.slice(s![.., half.., ..]).to_owned());
    let index = alignment_index(&samples(&early), &samples(&late), 3)?;
    case.close("alignment", &[index], &of.numbers("alignment_index_3_early_axes_late_cov"), EXACT);
    let at = |quarters: usize| averages.index_axis(Axis(1), quarters * averages.dim().1 / 4).to_owned();
    let (x, y) = (at(1), at(3));
    for (name, debiased) in [("cka_linear", false), ("cka_debiased", true)] {
        case.close("CKA", &[Cka::default().debiased(debiased).of(&x, &y)?], &of.numbers(name), EXACT);
    }
    let shapes = Procrustes::of(&x, &y)?;
    let ours = [shapes.angle, shapes.distance, shapes.disparity];
    for (ours, name) in
        ours.iter().zip(["procrustes_angle", "procrustes_distance_normalised", "scipy_procrustes_disparity"])
    {
        case.close("Procrustes", [ours], &of.numbers(name), EXACT);
    }
    Ok(())
}

fn dissimilarities(case: &mut Case, of: &Population) -> Outcome {
    let repeats = of.repeats();
    let n_times = repeats.dim().2;
    let mut euclidean = Vec::new();
    for (i, time) in [n_times / 4, 3 * n_times / 4].into_iter().enumerate() {
        let repeats = repeats.index_axis(Axis(2), time).to_owned();
        let mean = repeats.mean_axis(Axis(0)).ok_or("there are no repeats")?;
        for (name, rdm) in [
            ("euclidean", Rdm::of(&mean, Dissimilarity::SquaredEuclidean)?),
            ("correlation", Rdm::of(&mean, Dissimilarity::Correlation)?),
            ("crossnobis_identity", Rdm::crossnobis(&repeats, Noise::Ignored)?),
        ] {
            let theirs: Array1<f64> = case.take(&format!("rdm_{name}_{i}"))?;
            case.close(name, &rdm.pairs(), &theirs, EXACT);
            if name == "euclidean" {
                euclidean.push(rdm);
            }
        }
    }
    for (comparison, name) in [
        (Comparison::Cosine, "cosine"),
        (Comparison::Correlation, "corr"),
        (Comparison::Spearman, "spearman"),
        (Comparison::TauA, "tau-a"),
    ] {
        let theirs = of.numbers(&format!("rdm_compare_euclidean/{name}"));
        case.close("comparisons", &[euclidean[0].compare(&euclidean[1], comparison)?], &theirs, EXACT);
    }
    Ok(())
}

fn task_variance(case: &mut Case, of: &Population) -> Outcome {
    // `[task, time, trial, unit]`
    let activity: Array4<f64> = case.take("task_activity")?;
    let tasks = activity.outer_iter().enumerate();
    let tasks = tasks.map(|(task, activity)| (task.to_string(), activity.permuted_axes([1, 0, 2]).to_owned()));
    let variances = TaskVariance::default().of_arrays(tasks)?;
    let theirs: Array2<f64> = case.take("task_variance")?;
    case.close("variance", &variances.variance, &theirs, EXACT);
    let theirs: Array1<f64> = case.take("fractional_task_variance_0_1")?;
    case.close("fractional", &variances.fractional("0", "1")?, &theirs, EXACT);
    let all = case.timed(|| variances.clusters(&KMeans::default().n_clusters(2..=7)))?.clusters;
    for (place, n) in all.tried.iter().enumerate() {
        case.close("inertia", &[all.inertias[place]], &of.numbers(&format!("clustering/{n}/inertia")), EXACT);
        let theirs = of.numbers(&format!("clustering/{n}/silhouette"));
        case.close("silhouettes", &[all.mean_silhouettes[place]], &theirs, EXACT);
    }
    let four = variances.clusters(&KMeans::default().n_clusters(4..=4))?.clusters.labels;
    let theirs: Array1<f64> = case.take("cluster_labels_4")?;
    let together = |i: usize| (0..theirs.len()).all(|j| (four[i] == four[j]) == (theirs[i] == theirs[j]));
    case.equal("which units are together", (0..theirs.len()).all(together), true);
    Ok(())
}

fn rotations(case: &mut Case, of: &Population) -> Outcome {
    // In steps of a second, as the numbers are.
    let averages = of.averages();
    let times: Vec<f64> = (0..averages.dim().1).map(|step| 1000.0 * step as f64).collect();
    let planes = case.timed(|| Jpca::default().of_array(&averages, &times))?;
    case.close("skew", &[planes.r2_skew], &of.numbers("jpca/r2_skew"), EXACT);
    case.close("any", &[planes.r2], &of.numbers("jpca/r2_full"), EXACT);
    let a_step = planes.frequencies.mapv(|hertz| hertz * std::f64::consts::TAU);
    case.close("frequencies", &a_step, &of.numbers("jpca/frequencies_rad_per_step"), EXACT);
    let theirs: Array2<f64> = case.take("tangling")?;
    case.close("tangling", &Tangling::of(&averages, &times)?.q, &theirs, EXACT);
    Ok(())
}

fn dynamics(case: &mut Case, of: &Population) -> Outcome {
    let dsa = Dsa::default().delays(2).rank(4);
    let mut models = Vec::new();
    for name in ["A", "B", "C"] {
        let trials: Array3<f64> = case.take(&format!("dsa_{name}"))?;
        let trials: Vec<Array2<f64>> = trials.outer_iter().map(|trial| trial.to_owned()).collect();
        let model = dsa.of_trials(&trials)?;
        // Signs of singular vectors are free.
        let theirs: Array2<f64> = case.take(&format!("dmd_Av_{name}"))?;
        case.close("A", &model.a.mapv(f64::abs), &theirs.mapv(f64::abs), EXACT);
        let theirs: Array1<f64> = case.take(&format!("dmd_singular_{name}"))?;
        case.close("singular values", &model.singular_values, &theirs, EXACT);
        models.push(model);
    }
    for (other, name) in [(&models[1], "dsa_AB"), (&models[2], "dsa_AC")] {
        let ours = case.timed(|| dsa.distance(&models[0], other))?;
        case.close("angle", &[ours.angular], &of.numbers(&format!("{name}/angular")), SEARCHED);
        case.close("distance", &[ours.euclidean], &of.numbers(&format!("{name}/euclidean_normalised")), SEARCHED);
        case.close(
            "Wasserstein",
            &[ours.wasserstein_squared],
            &of.numbers(&format!("{name}/wasserstein_sq")),
            SEARCHED,
        );
    }
    Ok(())
}

fn decoding(case: &mut Case, of: &Population) -> Outcome {
    // `[trial, time, unit]`, in the order repeat, stimulus, decision.
    let repeats = of.repeats();
    let (n_repeats, conditions, times, units) = repeats.dim();
    let trials = repeats.into_shape_with_order((n_repeats * conditions, times, units))?;
    let whole = |case: &mut Case, name: &str| -> Outcome<Vec<usize>> {
        Ok(case.take::<ndarray::Ix1>(&format!("decoding_{name}"))?.iter().map(|&x| x as usize).collect())
    };
    let fold_of = whole(case, "fold")?;
    for (classifier, column, name) in [
        (Classifier::Logistic, "decision", "logistic"),
        (Classifier::LinearSvm, "decision", "svm"),
        (Classifier::Lda, "decision", "lda"),
        (Classifier::Logistic, "stimulus", "logistic"),
    ] {
        let labels = whole(case, column)?;
        let by = Decoding::new(column).classifier(classifier);
        let decoded = case.timed(|| by.clone().fold_of(&fold_of).of_arrays(&trials, &labels))?;
        let theirs: Array2<f64> = case.take(&format!("decode_{name}_{column}"))?;
        case.close(&format!("{name}, {column}"), &decoded.accuracy, &theirs, EXACT);
        // The decoder of the first fold in the middle.
        let name = if column == "stimulus" { "multinomial" } else { name };
        let weights = format!("decode_{name}_coef_fold0_midtime");
        if !case.has(&weights) {
            continue;
        }
        let train: Vec<usize> = (0..fold_of.len()).filter(|&trial| fold_of[trial] != 0).collect();
        let classes: Vec<usize> = train.iter().map(|&trial| labels[trial]).collect();
        let decoder = by.decoder(&trials.index_axis(Axis(1), times / 2).select(Axis(0), &train), &classes)?;
        // libsvm computes products of samples in single precision, and the other search ends 8e-8 before the optimum.
        let tolerated = if name == "svm" { 1e-5 } else { 1e-6 };
        let theirs: Array2<f64> = case.take(&weights)?;
        case.close(&format!("weights of {name}"), &decoder.weights, &theirs, tolerated);
        let intercept = format!("decode_{name}_intercept_fold0_midtime");
        if case.has(&intercept) {
            let theirs: Array1<f64> = case.take(&intercept)?;
            case.close("intercepts", &decoder.intercepts, &theirs, tolerated);
        }
    }
    Ok(())
}

/// Components of averages, with and without what holds them back, and the error by which that is chosen.
fn demixed(case: &mut Case, of: &Population) -> Outcome {
    const MARGINALS: [(&str, &str); 4] = [("t", "time"), ("s", "s"), ("d", "d"), ("sd", "s × d")];
    let averages = of.trials.mean_axis(Axis(0)).ok_or("there are no repeats")?;
    for (name, exact) in [("dpca_0", true), ("dpca_reg_exact", true), ("dpca_reg_matlab", false)] {
        let dpca = Dpca::new(["s", "d"]).n_components(3).lambda(of.number(&format!("{name}/lambda"))).exact(exact);
        let demixed = case.timed(|| dpca.of_averages(&averages))?;
        for (short, long) in MARGINALS {
            let marginal = demixed.marginal(long)?;
            let share = of.numbers(&format!("marginal_variance_share/{short}"));
            case.close("shares", &[marginal.share], &share, EXACT);
            let decoder: Array2<f64> = case.take(&format!("{name}_D_{short}"))?;
            let encoder: Array2<f64> = case.take(&format!("{name}_P_{short}"))?;
            for k in 0..decoder.nrows() {
                // As many weights of either sign leave the sign of a component open.
                let sign = marginal.encoder.column(k).dot(&encoder.column(k)).signum();
                let theirs = (encoder.column(k).mapv(|x| sign * x), decoder.row(k).mapv(|x| sign * x));
                case.close("encoders", marginal.encoder.column(k), &theirs.0, SEARCHED);
                case.close("decoders", marginal.decoder.row(k), &theirs.1, SEARCHED);
            }
            let theirs = of.numbers(&format!("{name}/{short}/explained_total"));
            case.close("explained", &marginal.explained, &theirs, EXACT);
            for (place, (other, _)) in MARGINALS.iter().enumerate() {
                let theirs = of.numbers(&format!("{name}/{short}/explained_by_marginal/{other}"));
                case.close("by marginal", marginal.explained_by_marginal.column(place), &theirs, EXACT);
            }
        }
    }
    let held_out: Array3<f64> = case.take("dpca_cv_held_out")?;
    let (repetitions, conditions) = (held_out.dim().0, held_out.dim().1 * held_out.dim().2);
    let held_out = held_out.mapv(|trial| trial as usize).into_shape_with_order((repetitions, conditions))?;
    let n_components = of.number("dpca_cv_n_components") as usize;
    let dpca = Dpca::new(["s", "d"]).n_components(n_components).exact(false).held_out(&held_out);
    let validation = case.timed(|| dpca.of_trials(&of.trials))?.validation.ok_or("nothing was validated")?;
    let (lambdas, errors): (Array1<f64>, Array2<f64>) = (case.take("dpca_cv_lambdas")?, case.take("dpca_cv_error")?);
    case.close("lambdas", &validation.lambdas, &lambdas, EXACT);
    case.close("errors", &validation.errors, &errors, EXACT);
    case.close("best lambda", &[validation.lambdas[validation.best]], &of.numbers("dpca_cv_best_lambda"), EXACT);
    Ok(())
}
