//! Whether the regularizer against vanishing gradients helps on a task with a long delay: updates until 95 % of held-out trials
//! are right, with and without it, from the same initial weights on the same trials.
//!
//! `cargo run --release --package psychrnn-examples --bin vanishing_gradient -- [DELAY_MS] [SEEDS]`

use psychrnn::prelude::*;
use psychrnn::train::Stop;

/// Which of two cues was shown before the delay.
#[derive(Clone, Trial)]
struct Cue {
    side: usize,
}

struct Memory {
    delay: f32,
}

impl Task for Memory {
    type Trial = Cue;

    fn spec(&self) -> TaskSpec {
        TaskSpec::new(3, 2)
            .dt(20.0)
            .tau(100.0)
            .epoch("cue", 200.0)
            .epoch("delay", Duration::uniform(0.8 * self.delay, 1.2 * self.delay))
            .epoch("answer", 300.0)
    }

    fn draw(&self, rng: &mut TrialRng) -> Cue {
        Cue { side: rng.index(2) }
    }

    fn step(&self, _: f32, trial: &Cue, _: &mut TrialRng, now: &mut Step) {
        if now.is_in("cue") {
            now.input[trial.side] = 1.0;
        }
        if now.is_in("answer") {
            (now.input[2], now.target[trial.side]) = (1.0, 1.0);
            now.mask.fill(1.0);
        }
    }
}

fn main() -> Result<()> {
    let number = |place: usize, otherwise: f32| {
        std::env::args().nth(place).map_or(Ok(otherwise), |text| text.parse()).map_err(|error| Error::Argument {
            name: "argument".into(),
            expected: "a number".into(),
            got: format!("{error}"),
        })
    };
    let (task, seeds) = (Memory { delay: number(1, 1000.0)? }, number(2, 5.0)? as u64);
    const UPDATES: usize = 3000;
    println!("delay {} ms, at most {UPDATES} updates of 20 trials", task.delay);
    for seed in 0..seeds {
        let mut line = format!("seed {seed}");
        for strength in [0.0, 2.0] {
            // PyCog's network, noise and clipping, but a smaller spectral radius: recurrence that fades.
            let config = RnnConfig::default()
                .units(50)
                .dale_ratio(0.8)
                .dale(Dale::Rectified)
                .autapses(false)
                .initial(InitialWeights::pycog())
                .spectral_radius(1.2, RadiusOf::Effective)
                .noise(0.05)
                .freeze("b_rec")
                .freeze("b_out")
                .seed(seed);
            let mut network = Rnn::new(&task, config)?;
            let training = Trainer::default()
                .updates(UPDATES)
                .batch_size(20)
                .seed(seed)
                .learning_rate(0.003)
                .clip(Clip::Global(1.0))
                .loss(MeanSquaredError { per_mask: true })
                .vanishing_gradient(strength)
                .until(0.95)
                .check_every(50)
                .check_trials(200)
                .silent()
                .train(&mut network, &task)?;
            let accuracy = network.run(&task.batch(500, Seed(1000))?)?.accuracy();
            let reached = match training.stop {
                Stop::Reached => format!("{} updates", training.updates),
                _ => "not reached".to_owned(),
            };
            line += &format!("; strength {strength}: {reached}, accuracy {accuracy:.2}, {:.0} s", training.seconds);
        }
        println!("{line}");
    }
    Ok(())
}
