"""``python -m benchmarks.images.image LIBRARY``: probabilities of one image by N1.

Run by ``benchmarks.images`` in fresh processes, one thread. Prints one line of JSON.
"""

import argparse
import json
from functools import partial

import numpy as np

from benchmarks.timing import seconds_per_call
from fastnn.optimizers import SGD

from . import net

NET = net.NETS["N1"]


def ours(threads):
    from .fastnn import new_model, version

    X, y = NET.data()
    model = new_model(NET, threads, optimizer=SGD(1e-30), epochs=1)
    return model.fit(X[:100], y[:100]).predict_proba, version()


def torch(threads):
    # Imported here, as onnxruntime is below, because neither need be installed.
    import torch

    from .torch import as_images, new_module, version

    torch.set_num_threads(threads)
    module = new_module(NET).eval()

    def predict_proba(X):
        with torch.inference_mode():
            return module(as_images(torch.from_numpy(X))).softmax(1).numpy()

    return predict_proba, version()


def onnxruntime(threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        as_onnx().SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def predict_proba(X):  # of a single channel, so that first and last are the same
        return session.run(None, {"X": X.reshape(-1, 1, *NET.shape[:-1])})[0]

    return predict_proba, f"onnxruntime {onnxruntime.__version__}"


def as_onnx():
    """N1 with channels first, which ONNX asks for."""
    import onnx
    from onnx.helper import make_graph, make_model, make_node, make_tensor_value_info
    from onnx.numpy_helper import from_array

    nodes, values, found = [], [], iter(NET.weights())

    def write(kind, *inputs, **attributes):
        output = f"{kind}_{len(nodes)}"
        nodes.append(make_node(kind, inputs, [output], **attributes))
        return output

    def constants(*arrays):
        names = [f"value_{len(values) + i}" for i in range(len(arrays))]
        values.extend(map(from_array, map(np.ascontiguousarray, arrays), names))
        return names

    x, places = "X", None
    for number, (layer, shape) in enumerate(NET.with_shapes()):
        match layer:
            case net.Conv():
                kernel, bias = next(found)
                kernel = constants(kernel.transpose(3, 2, 0, 1), bias)
                x = write("Relu", write("Conv", x, *kernel))
            case net.Pool():
                x = write("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
            case net.Flatten():
                x, places = write("Flatten", x), shape
            case net.Dense():
                kernel, bias = next(found)
                if places is not None:  # the rows of the kernel, channels first
                    kernel = kernel.reshape(*places, -1).transpose(2, 0, 1, 3)
                    kernel, places = kernel.reshape(-1, kernel.shape[-1]), None
                x = write("Gemm", x, *constants(kernel, bias))
                if number < len(NET.layers):
                    x = write("Relu", x)
    write("Softmax", x)
    ends = {"X": [None, 1, 28, 28], nodes[-1].output[0]: [None, NET.n_classes]}
    read, given = (
        [make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)]
        for name, shape in ends.items()
    )
    graph = make_graph(nodes, "N1", read, given, values)
    model = make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


# The packages that each needs.
LIBRARIES = {
    "onnxruntime": (onnxruntime, ("onnxruntime", "onnx")),
    "torch": (torch, ("torch",)),
    "fastnn": (ours, ("fastnn",)),
}


def measure(library, threads=1, seconds=0.5):
    predict_proba, version = LIBRARIES[library][0](threads)
    X = NET.data(seed=1)[0]
    seconds = seconds_per_call(partial(predict_proba, X[:1]), seconds)
    return {
        "library": library,
        "version": version,
        "image": seconds,
        "probabilities": predict_proba(X[:1])[0].tolist(),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("--seconds", type=float, default=0.5)
    print(json.dumps(measure(**vars(parser.parse_args()))))
