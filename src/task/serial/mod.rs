//! Tasks around other tasks, which say what the next trial is about by what was before.

mod answers;
mod bias_correction;
mod blocks;
mod in_sessions;
mod matching_pennies;
mod side_bias;
mod staircase;
mod transitions;

pub use answers::{AnswerRule, Answers};
pub use bias_correction::BiasCorrection;
pub use blocks::Blocks;
pub use in_sessions::InSessions;
pub use matching_pennies::MatchingPennies;
pub use side_bias::SideBias;
pub use staircase::Staircase;
pub use transitions::Transitions;

/// The methods of a task around another one, `self.task`, of whose trials it only says which comes next.
macro_rules! of_task_within {
    () => {
        fn complete(&self, trial: &mut Self::Trial) -> $crate::Result<()> {
            self.task.complete(trial)
        }

        fn epochs(
            &self,
            spec: &$crate::task::TaskSpec,
            trial: &Self::Trial,
            rng: &mut $crate::random::TrialRng,
        ) -> $crate::task::Epochs {
            self.task.epochs(spec, trial, rng)
        }

        fn step(
            &self,
            t: f32,
            trial: &Self::Trial,
            rng: &mut $crate::random::TrialRng,
            now: &mut $crate::task::Step<'_>,
        ) {
            self.task.step(t, trial, rng, now);
        }

        fn answer(&self, trial: &Self::Trial) -> Option<usize> {
            self.task.answer(trial)
        }
    };
}
use of_task_within;

/// The trials of a session of a task whose trials depend on those before, where nobody said how many: see
/// [`Sessions`](super::Sessions).
const USUAL: usize = 1000;

/// In sessions, of the usual length unless there are some already.
fn in_sessions(spec: super::TaskSpec) -> super::TaskSpec {
    if spec.sessions.trials == 1 { spec.session(USUAL) } else { spec }
}
