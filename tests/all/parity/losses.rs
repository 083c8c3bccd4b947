//! Losses of made-up outputs.

use ndarray::{Array3, arr0};
use psychrnn::network::{Activity, Trials};
use psychrnn::prelude::*;
use psychrnn::tch::Kind;
use psychrnn::train::Loss;

use super::fixture::{Case, Outcome};

/// The prefixes of PsychRNN's names, and our losses.
const LOSSES: [(&str, &dyn Loss); 2] =
    [("mse_", &MeanSquaredError { per_mask: false }), ("bce_", &BinaryCrossEntropy { logits: false, per_mask: false })];

/// Compares each loss, named `loss_outputs_targets_mask`, in single and in double precision.
pub(crate) fn check(case: &Case) -> Outcome {
    for (prefix, loss) in LOSSES {
        for which in case.named(prefix) {
            let parts: Vec<&str> = which.split('_').collect();
            let [outputs, targets, mask] = parts[..] else {
                return Err(format!("{prefix}{which} does not name outputs, targets and mask").into());
            };
            let outputs = if outputs == "pred" { outputs.to_owned() } else { format!("pred_{outputs}") };
            let outputs = beginning(case, &outputs)?;
            let targets = beginning(case, &format!("target_{targets}"))?;
            let mask = match mask.trim_start_matches("mask") {
                "zero" => Array3::zeros(targets.dim()),
                kind => beginning(case, &format!("mask_{kind}"))?,
            };
            check_one(case, &format!("{prefix}{which}"), loss, outputs, targets, mask)?;
        }
    }
    Ok(())
}

fn check_one(
    case: &Case,
    name: &str,
    loss: &dyn Loss,
    outputs: Array3<f32>,
    targets: Array3<f32>,
    mask: Array3<f32>,
) -> Outcome {
    let (n_batch, n_steps, n_out) = targets.dim();
    let spec = TaskSpec::new(1, n_out).duration(n_steps as f32);
    let batch = Batch::from_arrays(&spec, Array3::zeros((n_batch, n_steps, 1)), targets, mask)?;
    let value = |kind: Kind| -> Outcome<_> {
        let mut trials = Trials::new(&batch)?;
        trials.targets = trials.targets.to_kind(kind);
        trials.mask = trials.mask.to_kind(kind);
        let outputs = psychrnn::tch::Tensor::try_from(&outputs)?.to_kind(kind);
        let activity = Activity { states: outputs.copy(), rates: outputs.copy(), outputs };
        Ok(arr0(loss.loss(&activity, &trials)?.double_value(&[])).into_dyn())
    };
    // The clipping of probabilities makes single precision another function: like is compared with like.
    case.compare_alone(name, "libtorch", value(Kind::Float)?)?;
    let double = format!("{name}_f64");
    if case.has(&double) {
        case.compare_in_double_precision(&double, "libtorch", value(Kind::Double)?)?;
    }
    Ok(())
}

/// The input of this name, or else the one whose name begins so.
fn beginning(case: &Case, name: &str) -> Outcome<Array3<f32>> {
    let longer = || case.names().find(|array| array.starts_with(name));
    let found = case.names().find(|array| *array == name).or_else(longer);
    case.input(found.ok_or_else(|| format!("no array is named like {name}"))?)
}
