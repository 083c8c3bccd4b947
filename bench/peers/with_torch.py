"""PyTorch as a contestant of `cargo xtask bench`: the leaky network step by step, the LSTM as `torch.nn.LSTM`."""

import torch

import protocol

ALPHA = protocol.DT / protocol.TAU
torch.set_num_threads(protocol.THREADS)
inputs, targets, mask = (torch.from_numpy(protocol.steps_first(array)) for array in protocol.batch())
N_STEPS, N_BATCH, N_IN = inputs.shape


FUNCTIONS = {
    "linear": lambda x: x,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": torch.nn.functional.softplus,
    "softmax": lambda x: torch.softmax(x, -1),
    "rectified_tanh": lambda x: torch.relu(torch.tanh(x)),
    "rectified_power": lambda x: torch.relu(x).square(),
}


def loaded(*names):
    arrays = protocol.arrays(protocol.WEIGHTS, names)
    return [torch.nn.Parameter(torch.from_numpy(array)) for array in arrays.values()]


class Rnn(torch.nn.Module):
    """The leaky network; states and outputs are `[n_steps, n_batch, n]`."""

    def __init__(self, transfer, readout):
        super().__init__()
        self.transfer, self.readout = FUNCTIONS[transfer], FUNCTIONS[readout]
        self.w_in, self.w_rec, self.w_out = loaded("W_in", "W_rec", "W_out")
        self.b_rec, self.b_out, self.init_state = loaded("b_rec", "b_out", "init_state")

    def forward(self, inputs):
        drive = ALPHA * (inputs @ self.w_in.T + self.b_rec)
        weights = (ALPHA * self.w_rec).T
        state = self.init_state.expand(N_BATCH, protocol.UNITS)
        states = []
        for now in drive.unbind():
            state = torch.addmm(now + (1 - ALPHA) * state, self.transfer(state), weights)
            states.append(state)
        states = torch.stack(states)
        return states, self.readout(self.transfer(states) @ self.w_out.T + self.b_out)


class Lstm(torch.nn.Module):
    """`torch.nn.LSTM` with our weights. It has two biases that are added up: the second stays zero."""

    def __init__(self, _, readout):
        super().__init__()
        self.readout = FUNCTIONS[readout]
        self.lstm = torch.nn.LSTM(N_IN, protocol.UNITS)
        self.w_out, self.b_out, self.init_hidden, self.init_cell = loaded("W_out", "b_out", "init_hidden", "init_cell")
        weights = torch.cat(loaded(*(f"W_{gate}" for gate in "ifco")), dim=1).T
        biases = torch.cat([bias.reshape(-1) for bias in loaded(*(f"b_{gate}" for gate in "ifco"))])
        with torch.no_grad():
            self.lstm.weight_hh_l0.copy_(weights[:, : protocol.UNITS])
            self.lstm.weight_ih_l0.copy_(weights[:, protocol.UNITS :])
            self.lstm.bias_ih_l0.copy_(biases)
            self.lstm.bias_hh_l0.zero_()
        self.lstm.bias_hh_l0.requires_grad_(False)

    def forward(self, inputs):
        start = [state.expand(N_BATCH, protocol.UNITS).unsqueeze(0) for state in (self.init_hidden, self.init_cell)]
        hidden, _ = self.lstm(inputs, tuple(state.contiguous() for state in start))
        return hidden, self.readout(hidden @ self.w_out.T + self.b_out)


def make(transfer, readout):
    """An update and a forward run of the network with these functions."""
    model = {"rnn": Rnn, "lstm": Lstm}[protocol.MODEL](transfer, readout)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    adam = torch.optim.Adam(trained, protocol.LEARNING_RATE)

    def update():
        adam.zero_grad()
        loss = (mask * (model(inputs)[1] - targets)).square().mean()
        loss.backward()
        for parameter in trained:
            torch.nn.utils.clip_grad_norm_([parameter], protocol.CLIP)
        adam.step()
        return loss.item()

    def forward():
        with torch.no_grad():
            model(inputs)

    return update, forward


protocol.serve(make, "torch")
