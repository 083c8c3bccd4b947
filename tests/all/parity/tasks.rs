//! PsychRNN's three tasks: trials without noise, the size of the noise, how choices are scored.

use ndarray::{Array1, Array3, Array4, ArrayD, Axis, concatenate};
use psychrnn::prelude::*;

use super::fixture::{Case, Outcome};

/// Plays each trial of a case again and compares it with PsychRNN's; then scores made-up outputs.
pub(crate) fn check(case: &Case) -> Outcome {
    let n_trials = case.arrays()["inputs"].values.len_of(Axis(0));
    let batches: Vec<Batch> = (0..n_trials).map(|trial| play(case, trial)).collect::<Outcome<_>>()?;
    let all = |part: fn(&Batch) -> &Array3<f32>| -> Outcome<Array3<f32>> {
        let parts: Vec<_> = batches.iter().map(|batch| part(batch).view()).collect();
        Ok(concatenate(Axis(0), &parts)?)
    };
    case.compare("inputs", "task", &all(|batch| &batch.inputs)?)?;
    case.compare("targets", "task", &all(|batch| &batch.targets)?)?;
    case.compare("mask", "task", &all(|batch| &batch.mask)?)?;
    for name in case.named("param_") {
        let ours: Array1<f64> = batches.iter().map(|batch| value(batch, &name)).collect::<Outcome<_>>()?;
        case.compare_wide(&format!("param_{name}"), "task", ours.into_dyn())?;
    }
    check_scores(case, &batches[0].spec)
}

/// One trial of the task, with the values that PsychRNN drew.
fn play(case: &Case, trial: usize) -> Outcome<Batch> {
    let size = |name: &str| case.number_or_size(name).map(|size| size as f32);
    let value = |name: &str| -> Outcome<f32> { Ok(case.wide_input(&format!("param_{name}"))?[trial] as f32) };
    let (dt, tau, duration) = (size("dt")?, size("tau")?, size("T")?);
    let noise = size("stim_noise")?;
    Ok(if case.has("param_coherence") {
        let task = PerceptualDiscrimination::default()
            .dt(dt)
            .tau(tau)
            .duration(duration)
            .noise(noise)
            .onset(value("onset_time")?)
            .stimulus(value("stim_duration")?)
            .coherences(&[value("coherence")?])
            .direction(value("direction")? as usize);
        task.batch(1, Seed(0))?
    } else if case.has("param_f1") {
        let (f1, f2) = (value("f1")?, value("f2")?);
        let (first, delay, second) = (value("stimulus_1")?, value("delay")?, value("stimulus_2")?);
        let (decision, end) = (value("decision")?, value("end")?);
        let task = DelayedDiscrimination::psychrnn()
            .dt(dt)
            .tau(tau)
            .duration(duration)
            .noise(noise)
            .fixation(first)
            .first(delay - first)
            .delay(second - delay)
            .second(decision - second)
            .decision(end - decision)
            .pairs(&[(f1.min(f2), f1.max(f2))])
            .answer(value("choice")? as usize);
        task.batch(1, Seed(0))?
    } else if case.has("param_angle") {
        let task = MatchToCategory::psychrnn()
            .dt(dt)
            .tau(tau)
            .channels(size("N_in")? as usize)
            .categories(size("N_out")? as usize)
            .noise(noise)
            .fixation(value("onset_time")?)
            .stimulus(value("input_dur")?)
            .decision(value("output_dur")?)
            .angle(value("angle")?);
        task.batch(1, Seed(0))?
    } else {
        return Err("no task of ours has these parameters".into());
    })
}

/// What a batch of one trial says about a value that PsychRNN names.
fn value(batch: &Batch, name: &str) -> Outcome<f64> {
    let epochs = &batch.epochs[0];
    let start = |epoch: &str| epochs.start(epoch).map(f64::from).ok_or_else(|| format!("there is no epoch {epoch}"));
    let length = |epoch: &str| match epochs.get(epoch) {
        Some(epoch) => Ok(f64::from(epoch.end) - f64::from(epoch.start)),
        None => Err(format!("there is no epoch {epoch}")),
    };
    let column = |name: &str| batch.values.numbers(name).map(|values| values[0]);
    Ok(match name {
        "coherence" | "direction" | "f1" | "f2" | "angle" | "category" => column(name)?,
        "choice" => f64::from(u8::from(column("f1")? <= column("f2")?)),
        "onset_time" => start("stimulus")?,
        "stim_duration" | "input_dur" => length("stimulus")?,
        "output_dur" => length("decision")?,
        "stimulus_1" => start("first")?,
        "delay" => start("delay")?,
        "stimulus_2" => start("second")?,
        "decision" => start("decision")?,
        "end" => start("decision")? + length("decision")?,
        other => return Err(format!("no task of ours has a value {other}").into()),
    })
}

/// Which of the made-up choices are correct, and the share of them.
fn check_scores(case: &Case, spec: &TaskSpec) -> Outcome {
    let part = |name: &str| case.input::<ndarray::Ix3>(name);
    let batch = Batch::from_arrays(spec, part("inputs")?, part("targets")?, part("mask")?)?;
    let sets: Array4<f32> = case.input("test_outputs")?;
    let (mut correct, mut accuracy) = (Vec::new(), Vec::new());
    for outputs in sets.outer_iter() {
        let session = Session::new(batch.clone(), outputs.to_owned(), outputs.to_owned(), outputs.to_owned())?;
        let unscored = session.correct.iter().filter(|correct| correct.is_none()).count();
        let scored = (batch.n_trials() - unscored) as f64;
        // A trial that asks for nothing has no score here. PsychRNN takes it for correct.
        for (trial, one) in session.correct.iter().enumerate() {
            if one.is_none() && batch.mask.index_axis(Axis(0), trial).iter().any(|&weight| weight != 0.0) {
                return Err(format!("trial {trial} has no score, although its mask is not empty").into());
            }
            correct.push(f64::from(u8::from(one.unwrap_or(true))));
        }
        accuracy.push((session.accuracy() * scored + unscored as f64) / batch.n_trials() as f64);
    }
    let shape = vec![accuracy.len(), batch.n_trials()];
    case.compare_wide("correct", "session", ArrayD::from_shape_vec(shape, correct)?)?;
    case.compare_wide("accuracy", "session", ArrayD::from_shape_vec(vec![accuracy.len()], accuracy)?)
}

/// A task whose inputs are the standard Gaussian numbers that another task scales to its noise.
struct Standard<T>(T);

impl<T: Task> Task for Standard<T> {
    type Trial = T::Trial;
    fn spec(&self) -> TaskSpec {
        Task::spec(&self.0)
    }
    fn draw(&self, rng: &mut TrialRng) -> T::Trial {
        self.0.draw(rng)
    }
    fn epochs(&self, spec: &TaskSpec, trial: &T::Trial, rng: &mut TrialRng) -> Epochs {
        self.0.epochs(spec, trial, rng)
    }
    fn step(&self, _: f32, _: &T::Trial, rng: &mut TrialRng, now: &mut Step<'_>) {
        for input in now.input.iter_mut() {
            *input = rng.normal(0.0, 1.0);
        }
    }
}

/// The standard deviation of a task's noise: the ratio of its first inputs, which must all have the same one, to the standard
/// numbers from which they came.
fn noise_sd<T: Task + Clone>(task: &T) -> Outcome<f64> {
    let (noise, standard) = (task.batch(8, Seed(3))?.inputs, Standard(task.clone()).batch(8, Seed(3))?.inputs);
    let first = |inputs: &Array3<f32>| inputs.index_axis(Axis(1), 0).mapv(f64::from);
    let ratios = first(&noise) / first(&standard);
    let mean = ratios.mean().unwrap_or(f64::NAN);
    match ratios.iter().find(|&&ratio| (ratio / mean - 1.0).abs() > 1e-6) {
        Some(ratio) => Err(format!("the noise is {ratio} of a standard number here, but {mean} on average").into()),
        None => Ok(mean),
    }
}

/// The standard deviation of the noise of each task by time step, and the number of steps.
pub(crate) fn check_noise(case: &Case) -> Outcome {
    let dts = case.wide_input("dt")?;
    for task in case.named("sd_") {
        let sd = |&dt: &f64| match task.as_str() {
            "perceptual_discrimination" => noise_sd(&PerceptualDiscrimination::default().dt(dt as f32).onset(500.0)),
            "delayed_discrimination" => {
                // Long enough for any fixation.
                let task = DelayedDiscrimination::default().dt(dt as f32).duration(5000.0);
                noise_sd(&task.fixation(500.0))
            }
            "match_to_category" => noise_sd(&MatchToCategory::default().dt(dt as f32).fixation(500.0)),
            other => Err(format!("there is no task {other}").into()),
        };
        let ours: Array1<f64> = dts.iter().map(sd).collect::<Outcome<_>>()?;
        case.compare_wide(&format!("sd_{task}"), "task", ours.into_dyn())?;
    }
    if case.has("steps_N") {
        let (durations, dts) = (case.wide_input("steps_T")?, case.wide_input("steps_dt")?);
        let steps = |(&duration, &dt): (&f64, &f64)| -> Outcome<f64> {
            let spec = TaskSpec::new(1, 1).dt(dt as f32).duration(duration as f32);
            Ok(spec.n_steps(duration as f32)? as f64)
        };
        let ours: Array1<f64> = durations.iter().zip(&dts).map(steps).collect::<Outcome<_>>()?;
        case.compare_wide("steps_N", "task", ours.into_dyn())?;
    }
    Ok(())
}
