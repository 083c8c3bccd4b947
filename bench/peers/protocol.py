"""What the Python contestants of `cargo xtask bench` share: requests, answers, the weights and the batch.

A contestant is started as `python SCRIPT MODEL FOLDER UNITS THREADS`. It first says its versions, and then answers each
request, a line `WORK COUNT`, with a line of JSON: `losses` with the loss before each of so many updates, any other work
with the milliseconds that one of so many took. Work may name the functions of another network with the same weights, as
`update:tanh,linear`: its transfer function and its readout; otherwise they are `relu,linear`.
"""

import importlib.metadata
import json
import os
import platform
import sys
import time

import numpy

MODEL, FOLDER = sys.argv[1:3]
UNITS, THREADS = map(int, sys.argv[3:5])
DT, TAU, CLIP, LEARNING_RATE = 10.0, 100.0, 1.0, 1e-3
WEIGHTS = os.path.join(FOLDER, f"{MODEL}-{UNITS}.npz")

# Libraries talk on standard output, too: what they say goes where errors go.
_answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def arrays(path, names):
    """Named arrays of an .npz file, in single precision."""
    with numpy.load(path) as file:
        return {name: numpy.asarray(file[name], numpy.float32) for name in names}


def batch():
    """Inputs, targets and mask, each `[n_batch, n_steps, n]`."""
    return arrays(os.path.join(FOLDER, "batch.npz"), ["inputs", "targets", "mask"]).values()


def steps_first(array):
    """`[n_steps, n_batch, n]`, contiguous."""
    return numpy.ascontiguousarray(array.transpose(1, 0, 2))


def answer(**fields):
    print(json.dumps(fields), file=_answers, flush=True)


def requests(*packages):
    """Says the versions of these packages, then gives each request as its work and its count."""
    versions = [f"{package} {importlib.metadata.version(package)}" for package in (*packages, "numpy")]
    answer(versions=", ".join([*versions, f"Python {platform.python_version()}"]))
    for line in sys.stdin:
        work, count = line.split()
        yield work, int(count)


def serve(make, *packages):
    """Answers all requests.

    `make(transfer, readout)` makes a network with these functions from the weights, and gives two functions: one makes an
    update and returns the loss before it, the other runs the network forward.
    """
    made = {}
    for request, count in requests(*packages):
        work, _, functions = request.partition(":")
        functions = functions or "relu,linear"
        if functions not in made:
            made[functions] = dict(zip(("update", "forward"), make(*functions.split(","))))
        works = made[functions]
        if work == "losses":
            answer(losses=[works["update"]() for _ in range(count)])
            continue
        start = time.perf_counter()
        for _ in range(count):
            works[work]()
        answer(ms=(time.perf_counter() - start) * 1e3 / count)
