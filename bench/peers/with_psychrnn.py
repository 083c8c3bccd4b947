"""PsychRNN as a contestant of `cargo xtask bench`."""

import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_NUM_INTRAOP_THREADS"] = sys.argv[4]

import protocol
from psychrnn.backend.models.basic import Basic
from psychrnn.tasks.perceptual_discrimination import PerceptualDiscrimination

inputs, targets, mask = protocol.batch()
n_batch, n_steps, _ = inputs.shape
task = PerceptualDiscrimination(dt=protocol.DT, tau=protocol.TAU, T=n_steps * protocol.DT, N_batch=n_batch)
constants = {"name": "bench", "N_rec": protocol.UNITS, "load_weights_path": protocol.WEIGHTS}
model = Basic(task.get_task_params() | constants)
recorded = (inputs, targets, mask, None)


def loss():
    return float(model.sess.run(model.reg_loss, {model.x: inputs, model.y: targets, model.output_mask: mask}))


def trials():
    """Trials for `train`, which makes an update with each batch before it asks for the next one.

    So the time from one batch to the request for the next is that of an update, and requests are answered here, in
    between: `train` itself could not be called again and again, since each call compiles its graph anew.
    """
    yield recorded  # `train` looks at the first batch to learn its size.
    drawn = task.batch_generator()
    for work, count in protocol.requests("PsychRNN", "tensorflow-cpu"):
        if work == "losses":
            losses = []
            for _ in range(count):
                losses.append(loss())
                yield recorded
            protocol.answer(losses=losses)
            continue
        start = time.perf_counter()
        for _ in range(count):
            if work == "update":
                yield recorded
            elif work == "update_with_batch":
                yield next(drawn)
            else:
                model.test(inputs)
        protocol.answer(ms=(time.perf_counter() - start) * 1e3 / count)


try:
    # No loss is computed besides: those of the default settings would cost a forward run in ten updates.
    model.train(trials(), {"training_iters": float("inf"), "loss_epoch": sys.maxsize, "verbosity": False})
except StopIteration:
    pass
