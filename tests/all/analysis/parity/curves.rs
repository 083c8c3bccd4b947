//! What a network does beside standing still at points: lines of fixed points, folds, cycles, exponents.

use ndarray::{Array1, Array2, Array3, ArrayView1, Axis, Ix1};
use psychrnn::analysis::{BifurcationKind, Cycles, FixedPoints, Lyapunov};

use super::Network;
use crate::case::{Case, Outcome};

/// How near a fold must be.
const FOLD: f64 = 1e-7;
/// How near a state of a cycle, and a multiplier, must be.
const CYCLE: f64 = 1e-8;
/// How near a line must be: its weights are rounded to single precision.
const LINE: f64 = 1e-6;
/// How many standard errors of both an exponent may be off.
const ERRORS: f64 = 4.0;
/// What part of their steps is gone here: it takes long, and our standard errors tell how sure ours are.
const PART: f64 = 0.1;

pub(super) fn check(case: &mut Case, network: &Network) -> Outcome {
    folds(case, network)?;
    line(case, network)?;
    cycles(case, network)?;
    exponents(case, network)
}

fn far(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    (&a - &b).fold(0.0, |most: f64, x| most.max(x.abs()))
}

/// How far two directions are from each other, whatever their lengths and signs.
fn apart(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    let unit = |x: ArrayView1<'_, f64>| &x / x.dot(&x).sqrt();
    let (a, b) = (unit(a), unit(b));
    far(a.view(), b.view()).min(far(a.view(), (-b).view()))
}

/// All folds on the branches through the fixed points at the first input, within the range in which they are known.
fn folds(case: &mut Case, network: &Network) -> Outcome {
    if !case.has("fold_s") {
        return Ok(());
    }
    let inputs: Array2<f64> = case.take("inputs")?;
    let direction: Array1<f64> = case.take("fold_direction")?;
    let (s, x): (Array1<f64>, Array2<f64>) = (case.take("fold_s")?, case.take("fold_x")?);
    let most = if x.ncols() <= 2 { 3.0 } else { 1.0 };
    let branches = case.timed(|| {
        let search = FixedPoints::default().input(&inputs.row(0).to_vec());
        search.of(&network.simulator, network.session.as_ref())?.along(&direction.to_vec(), -most..most)
    })?;
    let ours: Vec<_> = branches.of_kind(BifurcationKind::Fold).collect();
    case.equal("number of folds", ours.len(), s.len());
    for (s, x) in s.iter().zip(x.outer_iter()) {
        let distances = ours.iter().map(|fold| (fold.s - s).abs().max(far(fold.state.view(), x)));
        case.far("folds", distances.fold(f64::INFINITY, f64::min), FOLD);
    }
    case.note(format!("{} folds", s.len()));
    Ok(())
}

/// A line of fixed points, with where it ends, the modes on it, and the direction that selects where an input pushes.
fn line(case: &mut Case, network: &Network) -> Outcome {
    if !case.has("direction") {
        return Ok(());
    }
    let inputs: Array2<f64> = case.take("inputs")?;
    let input = inputs.row(0);
    let set = case.timed(|| FixedPoints::default().input(&input.to_vec()).of(&network.simulator, None))?;
    case.equal("number of lines", set.lines.len(), 1);
    let line = set.lines.first().ok_or("there is no line")?;
    let direction: Array1<f64> = case.take("direction")?;
    case.far("direction", apart(line.directions.row(0), direction.view()), LINE);
    if case.has("segment_ends") {
        let ends: Array2<f64> = case.take("segment_ends")?;
        for theirs in ends.outer_iter() {
            let distances = line.ends.iter().flatten().map(|end| far(end.view(), theirs));
            case.far("ends", distances.fold(f64::INFINITY, f64::min), LINE);
        }
    }
    let states: Array2<f64> = match case.has("points_on_line") {
        true => case.take("points_on_line")?,
        false => line.state.clone().insert_axis(Axis(0)),
    };
    let (flow, map): (Array2<f64>, Array2<f64>) = (case.take("eig_flow")?, case.take("eig_map")?);
    for state in states.outer_iter() {
        let linear = network.simulator.linearize(&state.to_vec(), &input.to_vec())?;
        case.far("drift on the line", far(linear.next.view(), state), LINE);
        for ((one, flow), map) in linear.eigenvalues()?.iter().zip(flow.outer_iter()).zip(map.outer_iter()) {
            let ours = one.flow.ok_or("steps are not those of a flow")?;
            case.close("eigenvalues", &[ours.re, ours.im], flow, LINE);
            case.close("of steps", &[one.map.re, one.map.im], map, LINE);
        }
    }
    let modes = network.simulator.linearize(&states.row(0).to_vec(), &input.to_vec())?.modes()?;
    if case.has("left") {
        let left: Array1<f64> = case.take("left")?;
        let ours = modes.modes[0].left.mapv(|part| part.re);
        case.far("selection vector", apart(ours.view(), left.view()), LINE);
    }
    if case.has("tau_ms_flow") {
        // An infinite time constant is a rate of 0.
        let theirs = case.take::<Ix1>("tau_ms_flow")?.mapv(f64::recip);
        let ours: Vec<f64> = modes.eigenvalues().map(|one| one.time_constant.recip()).collect();
        case.close("rates", &ours, &theirs, LINE);
    }
    Ok(())
}

/// All cycles of each period, and none besides.
fn cycles(case: &mut Case, network: &Network) -> Outcome {
    let periods = (1..=8).take_while(|period| case.has(&format!("cycles_{period}"))).count();
    if periods == 0 {
        return Ok(());
    }
    // What share of the leak a step takes, which the network says itself.
    drop(case.take::<Ix1>("alpha")?);
    let set = case.timed(|| Cycles::default().periods(1..=periods).of(&network.simulator, None))?;
    let mut counts = Vec::new();
    for period in 1..=periods {
        let truth: Array3<f64> = case.take(&format!("cycles_{period}"))?;
        let multipliers: Array3<f64> = case.take(&format!("multipliers_{period}"))?;
        let ours: Vec<_> = set.cycles.iter().filter(|cycle| cycle.period() == period).collect();
        case.equal(&format!("cycles of {period} steps"), ours.len(), truth.len_of(Axis(0)));
        counts.push(ours.len().to_string());
        for (states, theirs) in truth.outer_iter().zip(multipliers.outer_iter()) {
            // Wherever they begin.
            let turned = |ours: &Array2<f64>, by: usize| {
                let rows = (0..period).map(|row| far(ours.row(row), states.row((row + by) % period)));
                rows.fold(0.0, f64::max)
            };
            let distance = |ours: &Array2<f64>| (0..period).map(|by| turned(ours, by)).fold(f64::INFINITY, f64::min);
            let nearest = ours.iter().min_by(|a, b| distance(&a.states).total_cmp(&distance(&b.states)));
            let Some(nearest) = nearest else { continue };
            case.far("cycles", distance(&nearest.states), CYCLE);
            let mut theirs: Vec<f64> = theirs.outer_iter().map(|z| z[0].hypot(z[1])).collect();
            theirs.sort_by(|a, b| b.total_cmp(a));
            let ours: Vec<f64> = nearest.multipliers.iter().map(|z| z.norm()).collect();
            case.close("multipliers", &ours, &theirs, CYCLE);
        }
    }
    case.note(format!("{} cycles", counts.join(" ")));
    Ok(())
}

/// Lyapunov exponents, each within standard errors of ours and theirs.
fn exponents(case: &mut Case, network: &Network) -> Outcome {
    if !case.has("exponents_per_s") {
        return Ok(());
    }
    let number = |case: &mut Case, name: &str| -> Outcome<f64> { Ok(case.take::<ndarray::Ix0>(name)?.into_scalar()) };
    let (steps, burn_in) = (number(case, "steps")?, number(case, "burn_in")?);
    let theirs: Array1<f64> = case.take("exponents_per_s")?;
    let errors: Array1<f64> = case.take("standard_error")?;
    let largest = number(case, "largest_by_two_trajectories")?;
    let simulator = &network.simulator;
    let dt = f64::from(simulator.constants().dt());
    let found = case.timed(|| Lyapunov::default().duration(PART * steps * dt).burn_in(burn_in * dt).of(simulator))?;
    for (i, (exponent, error)) in theirs.iter().zip(&errors).enumerate() {
        let error = found.standard_errors[i].hypot(*error);
        case.far("exponents in standard errors", (found.exponents[i] - exponent).abs() / error, ERRORS);
    }
    let error = found.standard_errors[0].hypot(errors[0]);
    case.far("the largest by two trajectories", (found.exponents[0] - largest).abs() / error, ERRORS);
    // Where the sum of the first exponents is 0: as sure as these.
    let dimension = number(case, "kaplan_yorke")?;
    case.close("dimension", &[found.kaplan_yorke], &[dimension], 0.1);
    Ok(())
}
