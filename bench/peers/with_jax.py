"""JAX as a contestant of `cargo xtask bench`: `scan` over the steps, compiled by `jit`."""

import jax
import jax.numpy as jnp
import optax

import protocol

ALPHA = protocol.DT / protocol.TAU
inputs, targets, mask = (jnp.asarray(protocol.steps_first(array)) for array in protocol.batch())
N_BATCH = inputs.shape[1]


FUNCTIONS = {
    "linear": lambda x: x,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "softplus": jax.nn.softplus,
    "softmax": jax.nn.softmax,
    "rectified_tanh": lambda x: jax.nn.relu(jnp.tanh(x)),
    "rectified_power": lambda x: jnp.square(jax.nn.relu(x)),
}


def rnn(p, inputs, transfer):
    """States and sums of the leaky network, `[n_steps, n_batch, n]`."""
    drive = ALPHA * (inputs @ p["W_in"].T + p["b_rec"])

    def step(state, drive):
        state = (1 - ALPHA) * state + ALPHA * (transfer(state) @ p["W_rec"].T) + drive
        return state, state

    start = jnp.broadcast_to(p["init_state"], (N_BATCH, protocol.UNITS))
    _, states = jax.lax.scan(step, start, drive)
    return states, transfer(states) @ p["W_out"].T + p["b_out"]


def lstm(p, inputs, _):
    """Hidden states and sums of the LSTM, `[n_steps, n_batch, n]`. Its four gates are one product."""
    drive = inputs @ p["w_input"] + p["bias"]

    def step(state, drive):
        hidden, cell = state
        forget, new, candidate, output = jnp.split(drive + hidden @ p["w_hidden"], 4, axis=1)
        cell = jax.nn.sigmoid(forget) * cell + jax.nn.sigmoid(new) * jnp.tanh(candidate)
        hidden = jax.nn.sigmoid(output) * jnp.tanh(cell)
        return (hidden, cell), hidden

    start = [jnp.broadcast_to(p[name], (N_BATCH, protocol.UNITS)) for name in ("init_hidden", "init_cell")]
    _, hidden = jax.lax.scan(step, tuple(start), drive)
    return hidden, hidden @ p["W_out"].T + p["b_out"]


def parameters():
    if protocol.MODEL == "rnn":
        names = ["W_in", "W_rec", "W_out", "b_rec", "b_out", "init_state"]
        return {name: jnp.asarray(array) for name, array in protocol.arrays(protocol.WEIGHTS, names).items()}
    gates = [protocol.arrays(protocol.WEIGHTS, [f"W_{gate}", f"b_{gate}"]) for gate in "fico"]
    weights, biases = zip(*(gate.values() for gate in gates))
    weights = jnp.concatenate(weights, axis=1)
    joined = {
        "w_hidden": weights[: protocol.UNITS],
        "w_input": weights[protocol.UNITS :],
        "bias": jnp.concatenate([bias.reshape(-1) for bias in biases]),
    }
    names = ["W_out", "b_out", "init_hidden", "init_cell"]
    rest = protocol.arrays(protocol.WEIGHTS, names)
    return joined | {name: jnp.asarray(array) for name, array in rest.items()}


adam = optax.adam(protocol.LEARNING_RATE)


def clipped(gradient):
    return gradient * jnp.minimum(1.0, protocol.CLIP / jnp.maximum(jnp.linalg.norm(gradient), 1e-30))


def make(transfer, readout):
    """An update and a forward run of the network with these functions."""

    def model(p, inputs):
        states, sums = {"rnn": rnn, "lstm": lstm}[protocol.MODEL](p, inputs, FUNCTIONS[transfer])
        return states, FUNCTIONS[readout](sums)

    def loss(p, inputs, targets, mask):
        return jnp.mean((mask * (model(p, inputs)[1] - targets)) ** 2)

    @jax.jit
    def step(p, moments, inputs, targets, mask):
        value, gradients = jax.value_and_grad(loss)(p, inputs, targets, mask)
        changes, moments = adam.update(jax.tree.map(clipped, gradients), moments)
        return optax.apply_updates(p, changes), moments, value

    run = jax.jit(model)
    p = parameters()
    moments = adam.init(p)

    def update():
        nonlocal p, moments
        p, moments, value = step(p, moments, inputs, targets, mask)
        return float(value)

    def forward():
        jax.block_until_ready(run(p, inputs))

    return update, forward


protocol.serve(make, "jax", "optax")
