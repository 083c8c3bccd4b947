//! The code of a notebook cell: a task of the user's own, and a network trained on it. A kernel compiles a cell in the
//! same way, items beside the body of a function that returns a `Result`.

use psychrnn::prelude::*;

#[derive(Clone, Trial)]
struct Tones {
    loud: f32,
    left: bool,
}

struct LouderSide {
    difference: f32,
}

impl Task for LouderSide {
    type Trial = Tones;
    fn spec(&self) -> TaskSpec {
        TaskSpec::new(2, 2)
            .dt(20.0)
            .epoch("wait", Duration::uniform(100.0, 200.0))
            .epoch("tones", 200.0)
            .epoch("answer", 200.0)
    }
    fn draw(&self, rng: &mut TrialRng) -> Tones {
        Tones { loud: rng.uniform(0.5, 1.0), left: rng.chance(0.5) }
    }
    fn step(&self, _t: f32, tones: &Tones, rng: &mut TrialRng, now: &mut Step) {
        let side = if tones.left { 0 } else { 1 };
        now.mask.fill(0.0);
        if now.is_in("tones") {
            now.input[side] = tones.loud + rng.normal(0.0, 0.1);
            now.input[1 - side] = tones.loud - self.difference + rng.normal(0.0, 0.1);
        }
        if now.is_in("answer") {
            now.target[side] = 1.0;
            now.mask.fill(1.0);
        }
    }
}

#[test]
fn a_task_from_a_notebook_cell_trains() -> Result<()> {
    let task = LouderSide { difference: 0.4 };
    let mut network = Rnn::new(&task, RnnConfig::default().units(30).seed(1))?;
    Trainer::default().updates(200).batch_size(64).learning_rate(0.003).silent().train(&mut network, &task)?;
    let session = network.run(&task.batch(1000, Seed(2))?)?;
    assert!(session.accuracy() > 0.9, "{}", session.accuracy());
    let table = session.trials();
    assert_eq!(
        table.names().collect::<Vec<_>>(),
        ["loud", "left", "trial", "choice", "correct", "wait_start", "tones_start", "answer_start", "duration"]
    );
    Ok(())
}
