//! The twenty tasks of Yang et al. (2019).

use std::f64::consts::PI;

use ndarray::{Array1, Array2, Array3, Axis, IxDyn, s};
use psychrnn::prelude::*;
use psychrnn::task::{Ring, Sensory};
use psychrnn::tasks::{Rule, Targets, Yang, YangTrial};
use serde_json::Value as Json;

use super::{Check, NEAR, compare, most};
use crate::case::{Case, Outcome};

/// How near angles must be that are read from outputs.
const ANGLES: f64 = 1e-5;

/// What compares the case of this name, if it is one of these.
pub(super) fn check(name: &str) -> Option<Check> {
    let rule = |name: &str| name.parse::<Rule>().ok();
    Some(match name.strip_prefix("yang_")? {
        name if rule(name).is_some() => |case, about| runs(case, about),
        "crossentropy" => |case, about| for_each_rule(case, about, one_hot),
        "psychometric" => |case, about| for_each_rule(case, about, bumps),
        "test_grid" => |case, about| for_each_rule(case, about, grid),
        "readout" => readout,
        _ => return None,
    })
}

/// Parameters that only say how others were drawn, or that follow from them.
const BESIDE: [&str; 16] = [
    "batch_size",
    "stim_dist",
    "stims_mean",
    "stims_coh",
    "stims_sign",
    "mod12_diff",
    "stim_dur",
    "delay_dur",
    "stim_time",
    "delay_time",
    "check_ons",
    "matchnogo",
    "attend_mod",
    "matchs",
    "cats",
    "response_locs",
];

/// Some runs of one rule.
fn runs(case: &mut Case, about: &Json) -> Outcome {
    let rule: Rule = about["task"].as_str().ok_or("there is no rule")?.parse()?;
    leave_out(case);
    let n = (0..).take_while(|run| case.has(&format!("run{run}_inputs"))).count();
    (0..n).try_for_each(|run| bumps(case, &format!("run{run}"), rule))?;
    case.note(format!("{n} runs"));
    Ok(())
}

/// Several rules, each with arrays that begin with its name.
fn for_each_rule(case: &mut Case, about: &Json, check: fn(&mut Case, &str, Rule) -> Outcome) -> Outcome {
    leave_out(case);
    let names: Vec<&str> = about["tasks"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    names.iter().try_for_each(|name| check(case, name, name.parse()?))?;
    case.note(format!("{} rules", names.len()));
    Ok(())
}

fn leave_out(case: &mut Case) {
    case.keep(|name| {
        !name.split_once("param_").is_some_and(|(_, name)| {
            name == "stim_on" || name.starts_with("n_") || BESIDE.iter().any(|beside| name.contains(beside))
        })
    });
}

/// The task of arrays with this beginning.
fn task(case: &mut Case, of: &str, n_out: usize) -> Outcome<Yang> {
    let dt = case.take::<IxDyn>(&format!("{of}_param_dt"))?.sum();
    Ok(Yang::default().sensory(Sensory::default()).dt(dt as f32).ring(n_out - 1))
}

/// The trials that their parameters describe.
fn trials(case: &mut Case, of: &str, rule: Rule, dt: f32, n: usize) -> Outcome<Vec<YangTrial>> {
    let mut all = vec![YangTrial::new(rule); n];
    // One for each trial, or the same for all.
    let mut put = |case: &mut Case, name: &str, set: &dyn Fn(&mut YangTrial, f32)| -> Outcome<bool> {
        let name = format!("{of}_param_{name}");
        if !case.has(&name) {
            return Ok(false);
        }
        let values = case.take::<IxDyn>(&name)?;
        let values: Vec<f64> = values.iter().copied().collect();
        for (trial, one) in all.iter_mut().enumerate() {
            set(one, values[if values.len() == 1 { 0 } else { trial }] as f32);
        }
        Ok(true)
    };
    put(case, "stim_locs", &|t, angle| t.angle1 = angle)?;
    put(case, "stim1_locs", &|t, angle| t.angle1 = angle)?;
    put(case, "stim2_locs", &|t, angle| t.angle2 = Some(angle))?;
    put(case, "stim_mod", &|t, ring| t.modality1 = Some(ring as usize))?;
    put(case, "stim1_mod", &|t, ring| t.modality1 = Some(ring as usize))?;
    put(case, "stim2_mod", &|t, ring| t.modality2 = Some(ring as usize))?;
    // Where one ring is shown it has its name from the rule.
    let second_ring = matches!(rule, Rule::Dm2 | Rule::DelayDm2);
    put(case, "stim1_strengths", &|t, g| {
        (t.strength11, t.strength12) = if second_ring { (None, Some(g)) } else { (Some(g), None) };
    })?;
    put(case, "stim2_strengths", &|t, g| {
        (t.strength21, t.strength22) = if second_ring { (None, Some(g)) } else { (Some(g), None) };
    })?;
    put(case, "stim1_mod1_strengths", &|t, g| t.strength11 = Some(g))?;
    put(case, "stim1_mod2_strengths", &|t, g| t.strength12 = Some(g))?;
    put(case, "stim2_mod1_strengths", &|t, g| t.strength21 = Some(g))?;
    put(case, "stim2_mod2_strengths", &|t, g| t.strength22 = Some(g))?;
    // When they begin, in steps, becomes how long they last.
    put(case, "stim_ons", &|t, on| t.timing.fixation = on)?;
    put(case, "stim1_ons", &|t, on| t.timing.fixation = on)?;
    let mut delayed = put(case, "stim_offs", &|t, off| t.timing.stimulus1 = off)?;
    delayed |= put(case, "stim1_offs", &|t, off| t.timing.stimulus1 = off)?;
    let two = put(case, "stim2_ons", &|t, on| t.timing.delay1 = on)?;
    let three = put(case, "stim2_offs", &|t, off| t.timing.stimulus2 = off)?;
    let go = put(case, "fix_offs", &|t, go| match (delayed, two) {
        (_, true) => t.timing.delay2 = go,
        (true, false) => t.timing.delay1 = go,
        (false, false) => t.timing.stimulus1 = go,
    })?;
    put(case, "tdim", &|t, end| t.timing.response = end)?;
    for trial in &mut all {
        let timing = &mut trial.timing;
        let mut last = 0.0;
        let mut lasts = |end: &mut f32, is_there: bool| {
            if is_there {
                (*end, last) = ((*end - last) * dt, *end);
            }
        };
        lasts(&mut timing.fixation, true);
        lasts(&mut timing.stimulus1, delayed || go);
        lasts(&mut timing.delay1, two || (delayed && go));
        lasts(&mut timing.stimulus2, three);
        lasts(&mut timing.delay2, three);
        lasts(&mut timing.response, true);
    }
    Ok(all)
}

/// The response that is asked for in each step, -1 for fixation.
fn asked(batch: &Batch) -> Outcome<Array2<f32>> {
    let responses = batch.values.numbers("target")?;
    let mut asked = Array2::from_elem((batch.n_trials(), batch.n_steps()), -1.0);
    for (trial, response) in responses.into_iter().enumerate().filter(|(_, response)| !response.is_nan()) {
        let steps = batch.steps_of(trial, "response").ok_or("there is no response")?;
        asked.slice_mut(s![trial, steps]).fill(response as f32);
    }
    Ok(asked)
}

/// Given trials: inputs, targets, mask and response in each step.
fn bumps(case: &mut Case, of: &str, rule: Rule) -> Outcome {
    let inputs: Array3<f64> = case.take(&format!("{of}_inputs"))?;
    let targets: Array3<f64> = case.take(&format!("{of}_targets"))?;
    let mut task = task(case, of, targets.len_of(Axis(2)))?;
    // A rule input that is another one is said nowhere else: it is that of the first step, which all must have.
    let strengths = inputs.slice(s![0, 0, 1 + 2 * task.ring..]);
    let there: Vec<(Rule, f32)> =
        Rule::ALL.into_iter().zip(strengths.mapv(|x| x as f32)).filter(|(_, g)| *g != 0.0).collect();
    if there != [(rule, 1.0)] {
        task = task.instructed(&there);
    }
    let trials = trials(case, of, rule, task.dt, inputs.len_of(Axis(0)))?;
    let batch = case.timed(|| task.of(&trials, Seed(1)))?;
    compare(case, &format!("{of}_inputs"), &batch.inputs.view(), NEAR)?;
    compare(case, &format!("{of}_targets"), &batch.targets.view(), NEAR)?;
    compare(case, &format!("{of}_mask"), &batch.mask.slice(s![.., .., ..2]), 0.0)?;
    let ring = batch.mask.slice(s![.., .., 1..]);
    case.equal("mask of all outputs of the ring", ring.iter().copied().collect(), {
        let one = ring.slice(s![.., .., ..1]);
        one.broadcast(ring.dim()).map(|all| all.iter().copied().collect::<Vec<f32>>()).unwrap_or_default()
    });
    let asked = asked(&batch)?;
    let theirs: Array2<f64> = case.take(&format!("{of}_response_loc"))?;
    case.far("response", most(&(asked.mapv(f64::from) - theirs)), NEAR);
    Ok(())
}

/// Given trials with one output that is 1.
fn one_hot(case: &mut Case, of: &str, rule: Rule) -> Outcome {
    let (n, _, n_out) = case.take::<ndarray::Ix3>(&format!("{of}_targets"))?.dim();
    let task = task(case, of, n_out)?.targets(Targets::OneHot);
    let trials = trials(case, of, rule, task.dt, n)?;
    let batch = case.timed(|| task.of(&trials, Seed(1)))?;
    compare(case, &format!("{of}_targets"), &batch.targets.view(), 0.0)?;
    (0..n_out).try_for_each(|k| compare(case, &format!("{of}_mask"), &batch.mask.index_axis(Axis(2), k), NEAR))
}

/// The grid of the paper's analyses.
fn grid(case: &mut Case, of: &str, rule: Rule) -> Outcome {
    let rows: Array1<f64> = case.take(&format!("{of}_trials"))?;
    let n_in = case.take::<ndarray::Ix3>(&format!("{of}_inputs"))?.len_of(Axis(2));
    let task = task(case, of, 1 + (n_in - 1 - Rule::ALL.len()) / 2)?;
    let batch = case.timed(|| task.test_grid(rule, Seed(1)))?;
    let n: Array1<f64> = case.take(&format!("{of}_n"))?;
    case.equal("trials and steps", vec![batch.n_trials() as f64, batch.n_steps() as f64], n.to_vec());
    let rows: Vec<usize> = rows.iter().map(|&row| row as usize).collect();
    compare(case, &format!("{of}_inputs"), &batch.select(&rows).inputs.view(), NEAR)?;
    // The values of all trials are those of theirs.
    let theirs = trials(case, of, rule, task.dt, batch.n_trials())?;
    let theirs = task.of(&theirs, Seed(1))?;
    for name in ["angle1", "angle2", "strength11", "strength12", "strength21", "strength22", "modality1", "modality2"] {
        let (ours, theirs) = (batch.values.numbers(name)?, theirs.values.numbers(name)?);
        case.equal(&format!("missing {name}"), missing(&ours), missing(&theirs));
        let apart = ours.iter().zip(&theirs).map(|(a, b)| a - b).filter(|apart| !apart.is_nan());
        case.far("values", most(&apart.collect::<Vec<_>>()), NEAR);
    }
    let asked = asked(&batch)?;
    let last: Array1<f64> = case.take(&format!("{of}_target_loc_at_end"))?;
    case.far("response", most(&(asked.column(batch.n_steps() - 1).mapv(f64::from) - last)), NEAR);
    for (name, ours) in [("input_sum", &batch.inputs), ("target_sum", &batch.targets)] {
        let ours: Vec<f64> = ours.outer_iter().map(|trial| trial.iter().copied().map(f64::from).sum()).collect();
        let theirs: Array1<f64> = case.take(&format!("{of}_{name}"))?;
        case.close("sums", &ours, &theirs, NEAR);
    }
    Ok(())
}

fn missing(values: &[f64]) -> Vec<bool> {
    values.iter().map(|value| value.is_nan()).collect()
}

/// Angles of a ring, and whether they are right.
fn readout(case: &mut Case, _: &Json) -> Outcome {
    let outputs: Array2<f64> = case.take("outputs")?;
    let (asked, angles): (Array1<f64>, Array1<f64>) = (case.take("target_loc")?, case.take("popvec")?);
    let correct: Array1<f64> = case.take("correct")?;
    let (n, n_out) = outputs.dim();
    // What is asked for as one output that is 1: the angle lies within a rounding of that.
    let mut targets = Array3::zeros((n, 1, n_out));
    for (asked, mut target) in asked.iter().zip(targets.outer_iter_mut()) {
        match *asked < 0.0 {
            true => target[[0, 0]] = 1.0,
            false => (1..n_out).for_each(|k| {
                target[[0, k]] = 1.0 + (asked - 2.0 * PI * (k - 1) as f64 / (n_out - 1) as f64).cos() as f32;
            }),
        }
    }
    let outputs = outputs.mapv(|x| x as f32).insert_axis(Axis(1));
    let read = |ring: Ring| -> Outcome<Session> {
        let spec = TaskSpec::new(0, n_out).duration(10.0).decision(Decision::ring(ring));
        let batch = Batch::from_arrays(&spec, Array3::zeros((n, 1, 0)), targets.clone(), Array3::ones((n, 1, n_out)))?;
        Ok(Session::new(batch, outputs.clone(), outputs.clone(), outputs.clone())?)
    };
    let scored = read(Ring::new(1..n_out).fixation(0))?;
    for (trial, (ours, theirs)) in scored.correct.iter().zip(&correct).enumerate() {
        case.equal(&format!("trial {trial}"), *ours, Some(*theirs == 1.0));
    }
    // Whoever fixates has no angle, so that it is read without.
    let ours = read(Ring::new(1..n_out))?.responses();
    let ours: Vec<f64> = ours.into_iter().map(|angle| angle.unwrap_or(f64::NAN)).collect();
    let apart = |(a, b): (&f64, &f64)| {
        let apart = (a - b).rem_euclid(2.0 * PI);
        apart.min(2.0 * PI - apart)
    };
    let apart = most(&ours.iter().zip(&angles).map(apart).collect::<Vec<_>>());
    case.far("angles", apart, ANGLES);
    case.note(format!("{n} outputs"));
    Ok(())
}
