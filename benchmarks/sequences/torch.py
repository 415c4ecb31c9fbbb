"""PyTorch, eager, in the form that its documentation recommends: fused Adam, an
``EmbeddingBag`` in place of an embedding and a mean, packed sequences where lengths
differ. Its LSTM over samples of one length is oneDNN's.

Denormal numbers, which gradients that vanish over many steps become, are zeros, as in
the other libraries: with them its steps take several times longer. Its recurrent layers
have two biases. That of the state stays zero in an LSTM, so that both are one.
"""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from benchmarks.peers.net import LEARNING_RATE
from benchmarks.peers.torch_net import loop, use_threads, version

from . import net

__all__ = ["prepare", "prepare_with", "version"]


class Last(nn.Module):
    """The last output of a recurrent layer."""

    def __init__(self, recurrent):
        super().__init__()
        self.recurrent = recurrent

    def forward(self, x, lengths):
        if lengths is not None:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        state = self.recurrent(x)[1]
        return (state[0] if isinstance(state, tuple) else state)[-1]


class Stack(nn.Module):
    """Layers one after another; those that look across steps are told the lengths."""

    def __init__(self, modules):
        super().__init__()
        self.parts = nn.ModuleList(modules)

    def forward(self, x, lengths):
        for part in self.parts:
            x = part(x, lengths) if isinstance(part, Last) else part(x)
        return x


def loaded(module, **values):
    with torch.no_grad():
        for name, value in values.items():
            getattr(module, name).copy_(torch.from_numpy(value))
    return module


def recurrent(layer, width, arrays):
    kernel, state_kernel, bias = arrays
    if isinstance(layer, net.LSTM):
        module = nn.LSTM(width, layer.units, batch_first=True)
        own, of_state = bias, 0 * bias
        module.bias_hh_l0.requires_grad_(False)
    else:
        module = nn.GRU(width, layer.units, batch_first=True)
        own, of_state = bias
        # PyTorch's gates are r, z and n.
        kernel, state_kernel, own, of_state = (
            torch.from_numpy(each).unflatten(-1, (3, -1))[..., [1, 0, 2], :].flatten(-2)
            .numpy() for each in (kernel, state_kernel, own, of_state)
        )  # fmt: skip
    return loaded(
        module,
        weight_ih_l0=kernel.T,
        weight_hh_l0=state_kernel.T,
        bias_ih_l0=own,
        bias_hh_l0=of_state,
    )


def new_module(workload, last=Last):
    modules = []
    found = list(zip(workload.with_shapes(), workload.weights(), strict=True))
    for number, ((layer, width), arrays) in enumerate(found):
        match layer:
            case net.Embedding(n_tokens, units):
                kind = nn.Embedding
                if isinstance(found[number + 1][0][0], net.Mean):
                    kind = nn.EmbeddingBag  # whose mode is the mean
                modules.append(loaded(kind(n_tokens, units), weight=arrays[0]))
            case net.LSTM() | net.GRU():
                modules.append(last(recurrent(layer, width, arrays)))
            case net.Dense(units):
                kernel, bias = arrays
                linear = nn.Linear(width, units)
                modules += [loaded(linear, weight=kernel.T, bias=bias), nn.ReLU()]
    return Stack(modules[:-1])


def prepare(workload, X, y, threads):
    return prepare_with(new_module(workload), workload, X, y, threads)


def prepare_with(module, workload, X, y, threads):
    torch.set_flush_denormal(True)  # of this thread, and of those that it starts
    use_threads(threads)
    lengths = None
    if workload.mean_length is not None:
        X, lengths = net.padded(X)
        lengths = torch.from_numpy(lengths)
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    trained = [each for each in module.parameters() if each.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=LEARNING_RATE, fused=True)

    def step(rows):
        optimizer.zero_grad(set_to_none=True)
        x, n = X[rows], None
        if lengths is not None:
            n = lengths[rows]
            x = x[:, : int(n.max())]
        z = module(x, n)
        if workload.n_classes > 2:
            loss = nn.functional.cross_entropy(z, y[rows])
        else:
            truth = y[rows].to(z.dtype)
            loss = nn.functional.binary_cross_entropy_with_logits(z[:, 0], truth)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return loop(workload, step, len(X))
