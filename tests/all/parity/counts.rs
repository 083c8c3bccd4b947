//! Cases that count: excitatory units, updates, steps.

use std::ops::Range;
use std::sync::Mutex;

use ndarray::{Array1, Array2};
use psychrnn::prelude::*;

use super::fixture::{Case, Outcome};

/// The smallest task there is.
struct Nothing;

impl Task for Nothing {
    type Trial = ();
    fn spec(&self) -> TaskSpec {
        TaskSpec::new(1, 2).duration(10.0)
    }
    fn draw(&self, _: &mut TrialRng) {}
    fn step(&self, _: f32, (): &(), _: &mut TrialRng, now: &mut Step<'_>) {
        now.target[0] = 1.0;
    }
}

/// Compares a column of counts.
fn compare(case: &Case, name: &str, by: &str, ours: Vec<usize>) -> Outcome {
    let ours: Array1<f64> = ours.into_iter().map(|count| count as f64).collect();
    case.compare_wide(name, by, ours.into_dyn())
}

/// How many units are excitatory, and how many project to the output.
pub(crate) fn check_dale_split(case: &Case) -> Outcome {
    let (ratios, sizes) = (case.wide_input("dale_ratio")?, case.wide_input("N_rec")?);
    let (mut excitatory, mut projecting) = (Vec::new(), Vec::new());
    for (&ratio, &n_rec) in ratios.iter().zip(&sizes) {
        let config = RnnConfig::default().units(n_rec as usize).dale_ratio(ratio);
        // Every weight exists, so that its sign is that of its presynaptic unit.
        let config = config.initial(InitialWeights::all(Draw::Uniform { low: 1.0, high: 1.0 }));
        match Rnn::new(&Nothing, config) {
            Ok(network) => {
                let weights = network.weights()?;
                let count = |matrix: Array2<f32>| matrix.row(0).iter().filter(|&&weight| weight > 0.0).count();
                excitatory.push(count(weights.matrix("W_rec")?));
                projecting.push(count(weights.matrix("W_out")?));
            }
            // Without any excitatory unit nothing would project to the output, so that is refused.
            Err(error) if error.to_string().contains("dale_ratio") => {
                excitatory.push(0);
                projecting.push(0);
            }
            Err(error) => return Err(error.into()),
        }
    }
    compare(case, "n_excitatory", "constraints", excitatory)?;
    compare(case, "n_output_units", "constraints", projecting)
}

/// A task that counts how often it is asked for trials.
struct Counted(Mutex<usize>);

impl TrialSource for Counted {
    fn spec(&self) -> Result<TaskSpec> {
        TrialSource::spec(&Nothing)
    }
    fn trials(&self, numbers: Range<u64>, seed: Seed) -> Result<Batch> {
        *self.0.lock().unwrap() += 1;
        Nothing.trials(numbers, seed)
    }
}

/// How many updates a number of trials makes, and what is drawn, measured and recorded meanwhile.
pub(crate) fn check_training(case: &Case) -> Outcome {
    let column = |name: &str| -> Outcome<Vec<usize>> {
        Ok(case.wide_input(name)?.iter().map(|&number| number as usize).collect())
    };
    let batch_size = case.number_or_size("N_batch")? as usize;
    let (mut updates, mut losses, mut drawn, mut measured) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let rows = column("training_iters")?.into_iter().zip(column("loss_epoch")?).zip(column("performance_measure_on")?);
    for ((trials, every), measures) in rows {
        let source = Counted(Mutex::new(0));
        let mut network = Rnn::new(&Nothing, RnnConfig::default().units(2))?;
        let mut trainer = Trainer::default().trials(trials).batch_size(batch_size).record_every(every).silent();
        if measures == 1 {
            // A cut-off that is never reached.
            trainer = trainer.until(Goal::custom(|_| false)).check_every(1).check_trials(batch_size);
        }
        let counts = match trainer.train(&mut network, &source) {
            Ok(training) => (training.updates, training.losses.len(), training.checks.len()),
            // Training on nothing is refused.
            Err(error) if trials == 0 && error.to_string().contains("trials") => (0, 0, 0),
            Err(error) => return Err(error.into()),
        };
        updates.push(counts.0);
        losses.push(counts.1);
        measured.push(counts.2);
        // PsychRNN draws one batch more, of which it reads nothing but the size.
        drawn.push(*source.0.lock().unwrap() + 1);
    }
    compare(case, "n_updates", "trainer", updates)?;
    compare(case, "n_losses", "trainer", losses)?;
    compare(case, "n_measure_calls", "trainer", measured)?;
    compare(case, "n_batches_drawn", "trainer", drawn)
}
