//! Decoding over time, against scikit-learn and MNE (`data/parity/analysis/population`), theory, and data that make no sense.

use ndarray::{Array2, Array3, ArrayD, Axis, Ix5, s};
use psychrnn::analysis::{Classifier, Decoded, Decoding};
use psychrnn::dynamics::LeakyUnits;
use psychrnn::prelude::*;
use psychrnn::threads::with_threads;

use super::{close, truth};

/// The trials of the fixture, in the order repeat, stimulus, decision: activity `[n_trials, n_times, n_units]`.
fn trials() -> Array3<f64> {
    let trials = truth("population.npz", "trials").into_dimensionality::<Ix5>().unwrap();
    let (repeats, units, stimuli, decisions, times) = trials.dim();
    let by_trial = trials.permuted_axes([0, 2, 3, 4, 1]).as_standard_layout().to_owned();
    by_trial.into_shape_with_order((repeats * stimuli * decisions, times, units)).unwrap()
}

fn expected(name: &str) -> ArrayD<f64> {
    truth("population.expected.npz", name)
}

fn whole(name: &str) -> Vec<usize> {
    expected(name).iter().map(|&x| x as usize).collect()
}

fn decoded(classifier: Classifier, of: &str) -> Decoded {
    let decoding = Decoding::new(of).classifier(classifier).fold_of(&whole("decoding_fold"));
    decoding.of_arrays(&trials(), &whole(&format!("decoding_{of}"))).unwrap()
}

#[test]
fn cross_temporal_matrices_are_those_of_scikit_learn() {
    for (classifier, of, name) in [
        (Classifier::Logistic, "decision", "decode_logistic_decision"),
        (Classifier::LinearSvm, "decision", "decode_svm_decision"),
        (Classifier::Lda, "decision", "decode_lda_decision"),
        (Classifier::Logistic, "stimulus", "decode_logistic_stimulus"),
    ] {
        let (decoded, expected) = (decoded(classifier, of), expected(name));
        assert_eq!(decoded.accuracy.shape(), expected.shape());
        for (ours, theirs) in decoded.accuracy.iter().zip(&expected) {
            close(name, *ours, *theirs, 1e-12);
        }
    }
}

/// scikit-learn 1.9.1's `roc_auc_score` of the decision function, or of each class's probability against all others, the mean over
/// classes and folds.
#[test]
fn areas_under_curves_are_those_of_scikit_learn() {
    for (classifier, of, all, diagonal) in [
        (Classifier::Logistic, "decision", 0.6864510995370371, [0.28645833, 0.97395833]),
        (Classifier::LinearSvm, "decision", 0.692527488425926, [0.28125, 0.984375]),
        (Classifier::Lda, "decision", 0.6935763888888888, [0.375, 0.98958333]),
        (Classifier::Logistic, "stimulus", 0.6342833719135803, [0.53993056, 0.80555556]),
    ] {
        let auc = decoded(classifier, of).auc;
        close("mean area", auc.mean().unwrap(), all, 1e-12);
        close("area at the first time", auc[[0, 0]], diagonal[0], 1e-8);
        close("area at time 6", auc[[6, 6]], diagonal[1], 1e-8);
    }
}

/// The mean over folds and times, and that at time 3: of `SVC(kernel="linear", break_ties=True)` and `LinearDiscriminantAnalysis(solver="lsqr",
/// shrinkage="auto")` with four classes.
#[test]
fn more_than_two_classes_are_told_as_by_scikit_learn() {
    for (classifier, [accuracy, accuracy_3, auc, auc_3]) in [
        (Classifier::LinearSvm, [0.33304398148148145, 0.7083333333333334, 0.6287615740740741, 0.890625]),
        (Classifier::Lda, [0.35228587962962965, 0.8958333333333334, 0.6484013310185185, 0.9756944444444445]),
    ] {
        let decoded = decoded(classifier, "stimulus");
        close("mean accuracy", decoded.accuracy.mean().unwrap(), accuracy, 1e-12);
        close("accuracy at time 3", decoded.accuracy[[3, 3]], accuracy_3, 1e-12);
        close("mean area", decoded.auc.mean().unwrap(), auc, 1e-12);
        close("area at time 3", decoded.auc[[3, 3]], auc_3, 1e-12);
    }
}

/// libsvm computes products of samples in single precision.
#[test]
fn decoders_are_the_optimum() {
    let (activity, fold_of) = (trials(), whole("decoding_fold"));
    let train: Vec<usize> = (0..fold_of.len()).filter(|&trial| fold_of[trial] != 0).collect();
    let samples = activity.index_axis(Axis(1), activity.len_of(Axis(1)) / 2).select(Axis(0), &train);
    for (classifier, of, name, tolerance) in [
        (Classifier::Logistic, "decision", "logistic", 1e-6),
        (Classifier::LinearSvm, "decision", "svm", 1e-5),
        (Classifier::Logistic, "stimulus", "multinomial", 1e-6),
    ] {
        let labels = whole(&format!("decoding_{of}"));
        let classes: Vec<usize> = train.iter().map(|&trial| labels[trial]).collect();
        let decoder = Decoding::new(of).classifier(classifier).decoder(&samples, &classes).unwrap();
        let theirs = expected(&format!("decode_{name}_coef_fold0_midtime"));
        assert_eq!(decoder.weights.len(), theirs.len());
        for (ours, theirs) in decoder.weights.iter().zip(&theirs) {
            close(name, *ours, *theirs, tolerance);
        }
        if name != "multinomial" {
            let theirs = expected(&format!("decode_{name}_intercept_fold0_midtime"));
            close("intercept", decoder.intercepts[0], theirs[0], tolerance);
        }
    }
}

/// Two classes with a difference along the first unit, from a time on; `n` trials, 6 times, 5 units.
fn drifting(n: usize, apart: f32) -> (Array3<f64>, Vec<&'static str>) {
    let mut rng = Seed(3).stream(0);
    let activity = Array3::from_shape_fn((n, 6, 5), |(trial, time, unit)| {
        // From time 3 on another unit has it.
        let there = time > 0 && unit == usize::from(time >= 3) && trial % 2 == 1;
        f64::from(rng.normal(if there { apart } else { 0.0 }, 1.0))
    });
    (activity, (0..n).map(|trial| if trial % 2 == 0 { "left" } else { "right" }).collect())
}

#[test]
fn what_is_decoded_is_where_it_was_put() {
    let (activity, side) = drifting(200, 3.0);
    for classifier in [Classifier::Logistic, Classifier::LinearSvm, Classifier::Lda] {
        let decoded = Decoding::new("side").classifier(classifier).of_arrays(&activity, &side).unwrap();
        assert_eq!(decoded.chance(), 0.5);
        let (same, other) = (decoded.accuracy[[1, 2]], decoded.accuracy[[1, 4]]);
        // The best that can be done is Φ(1.5) = 0.933.
        assert!((same - 0.933).abs() < 0.05 && (other - 0.5).abs() < 0.1, "{classifier:?}: {same} {other}");
        assert!((decoded.accuracy[[0, 0]] - 0.5).abs() < 0.12);
        // Φ(3 / √2) = 0.983
        assert!((decoded.auc[[5, 5]] - 0.983).abs() < 0.03 && (decoded.auc[[5, 2]] - 0.5).abs() < 0.1);
    }
}

#[test]
fn permutations_tell_what_there_is_by_chance() {
    let (activity, side) = drifting(60, 2.0);
    let decoding = Decoding::new("side").classifier(Classifier::Lda).permutations(99).seed(4);
    let decoded = decoding.of_arrays(&activity, &side).unwrap();
    assert_eq!(decoded.permuted.dim(), (99, 6));
    close("mean of permutations", decoded.permuted.mean().unwrap(), 0.5, 0.02);
    let p = decoded.p();
    assert!(p[0] > 0.05 && p[1..].iter().all(|&p| p == 0.01), "{p:?}");
    let clusters = decoded.clusters(0.05).unwrap();
    assert_eq!((clusters.len(), clusters[0].start, clusters[0].end, clusters[0].p), (1, 1.0, 5.0, 0.01));
    let (low, high) = decoded.by_chance(0.95);
    assert!(low.iter().zip(&high).all(|(low, high)| *low < 0.5 && *high > 0.5));
    assert_eq!(decoded.table().n_rows(), 6);
    for threads in [1, 3] {
        assert_eq!(with_threads(threads, || decoding.of_arrays(&activity, &side)).unwrap(), decoded);
    }
    let error = Decoding::new("side").of_arrays(&activity, &side).unwrap().clusters(0.05).unwrap_err().to_string();
    assert!(error.contains("permutations"), "{error}");
}

#[test]
fn a_code_that_turns_with_the_context_does_not_generalize() {
    let mut rng = Seed(5).stream(0);
    let context = |trial: usize| trial / 2 % 2;
    // Unit 0 has the side in both contexts from time 1 on, at time 0 unit 0 in one and unit 1 in the other.
    let activity = Array3::from_shape_fn((160, 2, 4), |(trial, time, unit)| {
        let carries = if time == 0 { context(trial) } else { 0 };
        f64::from(rng.normal(if unit == carries && trial % 2 == 1 { 4.0 } else { 0.0 }, 1.0))
    });
    let (side, contexts): (Vec<usize>, Vec<usize>) = (0..160).map(|trial| (trial % 2, context(trial))).unzip();
    let across = Decoding::new("side").across_arrays(&activity, &side, &contexts).unwrap();
    assert_eq!(across.accuracy.dim(), (2, 2, 2));
    for (train, test) in [(0, 1), (1, 0)] {
        assert!(across.accuracy[[train, train, 0]] > 0.9 && (across.auc[[train, test, 0]] - 0.5).abs() < 0.15);
        assert!(across.accuracy[[train, test, 1]] > 0.9 && across.auc[[train, test, 1]] > 0.9);
    }
    assert_eq!(across.table().n_rows(), 8);
    // Folds of one's own are those of each condition.
    let fold_of: Vec<usize> = (0..160).map(|trial| trial / 4 % 2).collect();
    let own = Decoding::new("side").fold_of(&fold_of);
    let rows: Vec<usize> = (0..160).filter(|&trial| contexts[trial] == 1).collect();
    let (labels, folds): (Vec<usize>, Vec<usize>) = rows.iter().map(|&trial| (side[trial], fold_of[trial])).unzip();
    let alone = Decoding::new("side").fold_of(&folds).of_arrays(&activity.select(Axis(0), &rows), &labels).unwrap();
    let both = own.across_arrays(&activity, &side, &contexts).unwrap();
    assert_eq!(both.accuracy.slice(s![1, 1, ..]), alone.accuracy.diag());
    let error = Decoding::new("side").across_arrays(&activity, &side, &[1; 160]).unwrap_err().to_string();
    assert!(error.contains("two values"), "{error}");
    let error = Decoding::new("side").across_arrays(&activity, &side, &side).unwrap_err().to_string();
    assert!(error.contains("same values"), "{error}");
}

#[test]
fn a_session_is_decoded_in_bins_about_an_event() {
    let task = PerceptualDiscrimination::default().onset(300.0).stimulus(500.0).duration(900.0).coherences(&[0.4]);
    let leak = LeakyUnits::new(10.0, 100.0).noise(0.05);
    let simulator = Simulator::new(&super::figures::weights(), leak).unwrap();
    let session = simulator.run(&task.noise(0.1).batch(100, Seed(1)).unwrap()).unwrap();
    let decoding = Decoding::new("direction").signal(Signal::Rates).aligned_to("stimulus").window(-200.0..500.0);
    let decoded = decoding.of(&session).unwrap();
    assert_eq!((decoded.times.len(), decoded.times[0], decoded.left_out), (14, -180.0, 0));
    assert!(decoded.accuracy[[0, 0]] < 0.75 && decoded.accuracy[[13, 13]] > 0.95, "{}", decoded.table());
    // What the plain array of the same bins gives.
    let start = 10;
    let binned = Array3::from_shape_fn((100, 14, 20), |(trial, bin, unit)| {
        let steps = s![trial, start + 5 * bin..start + 5 * (bin + 1), unit];
        session.rates.slice(steps).iter().map(|&x| f64::from(x)).sum::<f64>() / 5.0
    });
    let side = session.trials().numbers("direction").unwrap();
    let plain = Decoding::new("direction").of_arrays(&binned, &side).unwrap();
    assert_eq!(plain.accuracy, decoded.accuracy);
    let read: Decoded = serde_json::from_str(&serde_json::to_string(&decoded).unwrap()).unwrap();
    assert_eq!(read, decoded);
    let refused = |decoding: Decoding| decoding.of(&session).unwrap_err().to_string();
    assert!(refused(Decoding::new("colour")).contains("direction"));
    assert!(refused(decoding.clone().aligned_to("delay")).contains("stimulus"));
    assert!(refused(decoding.clone().bin(0.0)).contains("`bin`"));
    assert!(refused(decoding.clone().window(0.0..5000.0)).contains("window"));
    assert!(refused(decoding.clone().folds(101)).contains("rarest"));
    assert!(refused(decoding.clone().c(f64::NAN)).contains("`c`"));
    assert!(refused(Decoding::new("coherence")).contains("two values"));
    assert!(refused(Decoding::new("trial")).contains("`with`"));
    assert!(refused(decoding.fold_of(&[0, 1])).contains("n_trials = 100"));
}

#[test]
fn arrays_that_make_no_sense_are_refused_or_answered() {
    let (activity, side) = drifting(20, 1.0);
    let decoding = Decoding::new("side");
    let refused = |activity: &Array3<f64>, side: &[&str]| decoding.of_arrays(activity, side).unwrap_err().to_string();
    assert!(refused(&Array3::zeros((0, 3, 2)), &[]).contains("at least one"));
    assert!(refused(&activity, &side[..3]).contains("n_trials = 20"));
    assert!(refused(&activity, &["left"; 20]).contains("two values"));
    let mut odd = activity.clone();
    odd[[1, 2, 3]] = f64::NAN;
    assert!(refused(&odd, &side).contains("trial 1, time 2, unit 3"));
    for fold_of in
        [vec![0; 20], vec![2; 20], (0..20).map(|trial| trial % 2).collect::<Vec<usize>>(), vec![usize::MAX; 20]]
    {
        let error = decoding.clone().fold_of(&fold_of).of_arrays(&activity, &side).unwrap_err().to_string();
        assert!(error.contains("`fold_of`"), "{error}");
    }
    // Trials without a class are left out.
    let some: Vec<Option<&str>> = (0..20).map(|trial| (trial >= 4).then_some(side[trial])).collect();
    let decoded = decoding.of_arrays(&activity, &some).unwrap();
    assert_eq!((decoded.left_out, decoded.n_trials), (4, vec![8, 8]));
    // Activity that says nothing: one class is said of all.
    for classifier in [Classifier::Logistic, Classifier::LinearSvm] {
        let silent = decoding.clone().classifier(classifier).of_arrays(&Array3::ones((20, 2, 3)), &side).unwrap();
        assert_eq!(silent.accuracy, Array2::from_elem((2, 2), 0.5), "{classifier:?}");
        assert_eq!(silent.auc, Array2::from_elem((2, 2), 0.5));
    }
    let error = decoding.clone().classifier(Classifier::Lda).of_arrays(&Array3::ones((20, 2, 3)), &side).unwrap_err();
    assert!(error.to_string().contains("another decoder"), "{error}");
    // The same trials over and over, in thousands, and more units than trials.
    for scale in [1e-9, 1e9] {
        for classifier in [Classifier::Logistic, Classifier::LinearSvm, Classifier::Lda] {
            let wide = Array3::from_shape_fn((20, 1, 50), |(trial, _, unit)| {
                scale * (activity[[trial, unit % 6, unit % 5]] + if trial % 2 == 1 { 9.0 } else { 0.0 })
            });
            let decoded = decoding.clone().classifier(classifier).of_arrays(&wide, &side).unwrap();
            assert_eq!(decoded.accuracy[[0, 0]], 1.0, "{classifier:?} {scale}");
        }
    }
}
