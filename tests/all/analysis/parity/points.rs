//! Fixed points at each input, with their eigenvalues, and slow points.

use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2, Axis, Ix0, Ix1};
use num_complex::Complex64;
use psychrnn::analysis::{Completeness, FixedPointSet, FixedPoints};

use super::Network;
use crate::case::{Case, Outcome};

/// How near a found point must be to be the true one.
const POSITION: f64 = 1e-9;
/// How near an eigenvalue must be, relative to its size.
const EIGENVALUE: f64 = 1e-8;
const OUTPUT: f64 = 1e-9;
/// How near a slow point must be.
const SLOW: f64 = 1e-6;

pub(super) fn check(case: &mut Case, network: &Network) -> Outcome {
    if !case.has("fixed_points_0") {
        return Ok(());
    }
    let inputs: Array2<f64> = case.take("inputs")?;
    let mut counts = Vec::new();
    for (k, input) in inputs.outer_iter().enumerate() {
        let search = FixedPoints::default().input(&input.to_vec()).slow(case.has(&format!("slow_points_{k}")));
        let set = case.timed(|| search.of(&network.simulator, network.session.as_ref()))?;
        counts.push(set.points.len().to_string());
        compare(case, k, &set)?;
    }
    case.note(format!("{} points", counts.join(" ")));
    Ok(())
}

fn compare(case: &mut Case, k: usize, set: &FixedPointSet) -> Outcome {
    let truth: Array2<f64> = case.take(&format!("fixed_points_{k}"))?;
    let index: Array1<f64> = case.take(&format!("index_{k}"))?;
    // How good the truth is.
    drop(case.take::<Ix1>(&format!("residual_{k}")));
    let states: Vec<ArrayView1<'_, f64>> = set.points.iter().map(|point| point.state.view()).collect();
    let Some(order) = matched(case, &format!("points at input {k}"), &states, truth.view()) else { return Ok(()) };
    let optional = |case: &mut Case, name: &str| -> Outcome<Option<Array1<f64>>> {
        let name = format!("{name}_{k}");
        if case.has(&name) { case.take(&name).map(Some) } else { Ok(None) }
    };
    let unstable = [optional(case, "n_unstable_flow")?, optional(case, "n_unstable_map")?];
    let outputs: Option<Array2<f64>> =
        if case.has(&format!("outputs_{k}")) { Some(case.take(&format!("outputs_{k}"))?) } else { None };
    let mut eigenvalues: [Option<Array3<f64>>; 2] = [None, None];
    for (eigenvalues, name) in eigenvalues.iter_mut().zip(["eig_flow", "eig_map"]) {
        let name = format!("{name}_{k}");
        *eigenvalues = if case.has(&name) { Some(case.take(&name)?) } else { None };
    }
    for (i, &found) in order.iter().enumerate() {
        let (point, theirs) = (&set.points[found], truth.row(i));
        case.close("positions", point.state.iter(), theirs.iter(), POSITION);
        case.equal(&format!("index of point {i} at input {k}"), f64::from(point.index), index[i]);
        for (theirs, ours) in unstable.iter().zip([point.unstable, point.unstable_steps]) {
            if let Some(theirs) = theirs {
                case.equal(&format!("growing modes of point {i} at input {k}"), ours as f64, theirs[i]);
            }
        }
        if let Some(outputs) = &outputs {
            case.close("outputs", point.outputs.iter(), outputs.row(i).iter(), OUTPUT);
        }
    }
    for (i, &found) in order.iter().enumerate() {
        let ours: Vec<_> = case.timed(|| set.at(found)?.eigenvalues())?;
        for (name, theirs) in ["flow", "map"].into_iter().zip(&eigenvalues) {
            let Some(theirs) = theirs else { continue };
            let mut ours: Vec<Complex64> =
                ours.iter().map(|one| if name == "map" { one.map } else { one.flow.unwrap_or_default() }).collect();
            for theirs in theirs.index_axis(Axis(0), i).outer_iter() {
                let theirs = Complex64::new(theirs[0], theirs[1]);
                let nearest =
                    (0..ours.len()).min_by(|&a, &b| (ours[a] - theirs).norm().total_cmp(&(ours[b] - theirs).norm()));
                let ours = ours.swap_remove(nearest.ok_or("there are fewer eigenvalues")?);
                case.far("eigenvalues", (ours - theirs).norm() / theirs.norm(), EIGENVALUE);
            }
        }
    }
    slow(case, k, set)?;
    completeness(case, k, set, &index)
}

/// Each slow point is found, where some are known.
fn slow(case: &mut Case, k: usize, set: &FixedPointSet) -> Outcome {
    if !case.has(&format!("slow_points_{k}")) {
        return Ok(());
    }
    let truth: Array2<f64> = case.take(&format!("slow_points_{k}"))?;
    let speed: Array1<f64> = case.take(&format!("slow_speed_per_ms_{k}"))?;
    // Half of the squared residual, which is the speed in other units.
    drop(case.take::<Ix1>(&format!("slow_q_{k}"))?);
    for (theirs, speed) in truth.outer_iter().zip(&speed) {
        let far = |state: &Array1<f64>| (state - &theirs).mapv(|x| x * x).sum().sqrt();
        let nearest = set.slow.iter().min_by(|a, b| far(&a.state).total_cmp(&far(&b.state)));
        let nearest = nearest.ok_or_else(|| format!("no slow point at input {k}"))?;
        case.far("slow points", far(&nearest.state), SLOW);
        case.close("speed", &[nearest.speed], [speed], SLOW);
    }
    case.note(format!("{} slow, of which {} are known", set.slow.len(), truth.nrows()));
    Ok(())
}

/// Of each true point the number of the one that was found, if each is there and none besides.
fn matched(
    case: &mut Case,
    what: &str,
    found: &[ArrayView1<'_, f64>],
    truth: ArrayView2<'_, f64>,
) -> Option<Vec<usize>> {
    let distance = |a: &ArrayView1<'_, f64>, b: &ArrayView1<'_, f64>| (a - b).mapv(|x| x * x).sum().sqrt();
    let nearest = |theirs: ArrayView1<'_, f64>| {
        let by_distance = found.iter().enumerate().map(|(i, ours)| (i, distance(ours, &theirs)));
        by_distance.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, far)| *far < 1e-4).map(|(i, _)| i)
    };
    let order: Vec<Option<usize>> = truth.outer_iter().map(nearest).collect();
    let missing = order.iter().filter(|found| found.is_none()).count();
    let besides = found.len() + missing - truth.nrows().min(found.len() + missing);
    if missing > 0 || found.len() != truth.nrows() {
        case.fail(format!("{what}: {missing} of {} are missing, {besides} are none", truth.nrows()));
        return None;
    }
    order.into_iter().collect()
}

fn completeness(case: &mut Case, k: usize, set: &FixedPointSet, index: &Array1<f64>) -> Outcome {
    // Whether the truth is proved, which ours may be where it is not.
    drop(case.take::<Ix0>(&format!("complete_{k}")));
    let sum = index.sum();
    match &set.completeness {
        Completeness::Proved => {}
        Completeness::IndexConsistent { .. } if sum == 1.0 => {}
        Completeness::Undecided { .. } if sum != 1.0 => {}
        other => case.fail(format!("at input {k} the indices add up to {sum}: {other}")),
    }
    Ok(())
}
