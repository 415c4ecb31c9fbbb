"""A fitted net, as a function from X to probabilities in each library.

X is a clean float32 NumPy array, and so is what comes back; each library is told how
many threads it may use, and is otherwise as its users would have it.
"""

import warnings
from dataclasses import replace

import numpy as np
import sklearn

import fastnn
from benchmarks.suite.training import new_model


def fit(workload, threads):
    """A fastnn classifier after an epoch on 1,000 rows; more would not be faster."""
    X, y = replace(workload, n_samples=1_000).data()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return new_model(workload, epochs=1, n_jobs=threads).fit(X, y)


def ours(model, threads):
    return model.predict_proba, f"fastnn {fastnn.__version__}"


def scikit_learn(model, threads):
    return model.to_sklearn().predict_proba, f"scikit-learn {sklearn.__version__}"


def onnxruntime(model, threads):
    # Imported here, as torch below is, because neither need be installed.
    import onnxruntime
    import skl2onnx

    there = model.to_sklearn()
    exported = skl2onnx.to_onnx(
        there,
        np.zeros((1, model.n_features_in_), np.float32),
        options={id(there): {"zipmap": False}},
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        exported.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return (
        lambda X: session.run(["probabilities"], {"X": X})[0],
        f"onnxruntime {onnxruntime.__version__}",
    )


def torch(model, threads):
    import torch

    torch.set_num_threads(threads)
    layers = []
    for kernel, bias in zip(model.coefs_, model.intercepts_, strict=True):
        linear = torch.nn.Linear(*kernel.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(kernel.T))
            linear.bias.copy_(torch.from_numpy(bias))
        layers += [linear, torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1]).eval()

    def predict_proba(X):
        with torch.inference_mode():
            z = net(torch.from_numpy(X))
            if z.shape[1] > 1:
                return z.softmax(1).numpy()
            p = z.sigmoid()
            return torch.cat((1 - p, p), 1).numpy()

    return predict_proba, f"PyTorch {torch.__version__}"


# The packages that each needs.
LIBRARIES = {
    "sklearn": (scikit_learn, ("sklearn",)),
    "onnxruntime": (onnxruntime, ("onnxruntime", "skl2onnx")),
    "torch": (torch, ("torch",)),
    "fastnn": (ours, ("fastnn",)),
}
