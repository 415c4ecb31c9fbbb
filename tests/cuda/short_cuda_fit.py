"""Short fits on a GPU that together launch every kind of kernel.

    python tests/cuda/short_cuda_fit.py

It is what ``make test-cuda`` runs under compute-sanitizer. Every buffer is then an
allocation of its own: within CuPy's pool, what lies beyond a buffer is memory as well,
and no tool can tell.
"""

import warnings

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from fastnn import (
    Branches,
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
)
from fastnn.averaging import EMA
from fastnn.constraints import MaxNorm
from fastnn.engine.cuda import device as cuda_device
from fastnn.engine.cuda.device import import_cupy
from fastnn.layers import (
    Activation,
    AlphaDropout,
    BatchNorm,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    LayerNorm,
    Masking,
    MaxPooling2D,
    MultiHeadAttention,
    Permute,
    PositionEmbedding,
    PReLU,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    Rescaling,
    Reshape,
    RMSNorm,
    SpatialDropout2D,
)
from fastnn.losses import CustomLoss, Focal, Huber
from fastnn.optimizers import SGD, AdamW

# The last line that is printed, without which a run has not come to its end.
DONE = "all of them are finite"

# No multiples of anything: what lies beyond a row is the next one, or nobody's.
N, WIDTH = 131, 37

# So many steps of an epoch that several are recorded together, and a few.
# Of the tall one, so many rows in one that sums over them are divided.
BATCH_SIZES = {"classifier": 3, "tall": 9 * N}


def squares(y, z):
    return ((z - y) ** 2).sum(axis=1), 2 * (z - y)


NORMED = Sequential(
    [
        *(Dense(33), BatchNorm(), PReLU(), Dropout(0.2)),
        *(Dense(21, "gelu"), LayerNorm(), GaussianNoise(0.1)),
        *(Dense(19, "selu"), RMSNorm(), AlphaDropout(0.1), PReLU(shared=False)),
        *(Dense(7, "softmax"), Activation("silu")),
    ]
)
LIMITED = Sequential(
    [
        Dense(35, "tanh", kernel_constraint=MaxNorm(1.0), kernel_regularizer="l1_l2"),
        *(Dense(300, "hard_swish", use_bias=False), BatchNorm()),
    ]
)
# Branches that are multiplied, and stand side by side: those of a shared layer, of the
# input itself and behind normalisation are copied there.
SHARED = Dense(5, "tanh")
BRANCHED = Sequential(
    [
        Rescaling(0.5, 0.1),
        Branches(
            [("a", SHARED), ("b", Sequential([SHARED, Dense(5)]))], merge="multiply"
        ),
        Branches([("same", Sequential([])), ("normed", LayerNorm())]),
    ]
)
CONVOLVED = Sequential(
    [
        *(Dense(42), Reshape((1, 7, 6)), Permute((3, 2, 1))),
        *(Conv2D(5, (3, 2), "relu", padding="same"), SpatialDropout2D(0.2)),
        *(Conv2DTranspose(3, 3, strides=2), MaxPooling2D(3, 2, "same")),
        GlobalAveragePooling2D(),
    ]
)
# No biases: that of the keys has a gradient of 0, of whose rounding Adam makes steps.
ATTENDED = Sequential(
    [
        *(Dense(10), Reshape((5, 2)), PositionEmbedding(7)),
        MultiHeadAttention(1, 3, dropout=0.1, use_bias=False, use_causal_mask=True),
        GlobalAveragePooling1D(),
    ]
)
# Tokens, as many in each sample.
LOOKED_UP = Sequential(
    [Embedding(50, 5), Dense(4, "relu"), Masking(), GlobalAveragePooling1D()]
)
# Images of a single line, in front of what is trained and behind it.
AUGMENTED = Sequential(
    [
        *(Reshape((1, WIDTH, 1)), RandomFlip(), Dense(2), RandomRotation(0.3)),
        *(RandomContrast(0.5, value_range=(-1, 1)), RandomErasing(0.5)),
        *(RandomCrop(1, WIDTH - 2), Flatten()),
    ]
)

FITS = {
    "normed": NeuralNetClassifier(
        NORMED, optimizer=AdamW(clip_norm=0.1), averaging=EMA(), validation=0.2
    ),
    "limited": NeuralNetRegressor(
        LIMITED, optimizer=SGD(momentum=0.9, clip_value=0.1), loss=Huber()
    ),
    "focal": NeuralNetClassifier(Sequential([Dense(9, "mish")]), loss=Focal()),
    "own_loss": NeuralNetRegressor(
        Sequential([Dense(9, "softplus")]), loss=CustomLoss(squares)
    ),
    "branched": NeuralNetClassifier(BRANCHED),
    "convolved": NeuralNetClassifier(CONVOLVED),
    "augmented": NeuralNetClassifier(AUGMENTED),
    "looked_up": NeuralNetClassifier(LOOKED_UP),
    "attended": NeuralNetClassifier(ATTENDED),
    "classifier": MLPClassifier((64, 64)),
    "wide": MLPClassifier((300,), solver="sgd", dtype="float64"),
    "regressor": MLPRegressor("poisson", (13,), early_stopping=True),
    "tall": NeuralNetClassifier(Sequential([Dense(9, "relu"), BatchNorm()])),
    "sparse": NeuralNetClassifier(Sequential([Dense(13, "logistic"), BatchNorm()])),
    "sparse_alone": MLPClassifier((13,), activation="logistic"),
    "on_the_card": MLPClassifier((13,), early_stopping=True),
}


def samples(name, model):
    """X, y and weights of one of the fits."""
    rng = np.random.default_rng(0)
    n = 10 * N if name == "tall" else N
    X = rng.normal(size=(n, WIDTH)).astype(np.float32)
    weight = rng.uniform(0.5, 2, n)
    if hasattr(model, "predict_proba"):
        y = np.arange(n) % 3
    else:
        y = np.abs(X[:, :2] if name == "limited" else X[:, 0])
    if name == "looked_up":
        X = rng.integers(0, 50, X.shape)
    if name.startswith("sparse"):
        X = sp.csr_array(X * (X > 0.5))
    if name == "on_the_card" and model.device != "cpu":
        X = cuda_device.import_cupy().asarray(X)
    return X, y, weight


def fit(name, device="cuda"):
    """Fits it for three epochs, of which each ends in a smaller mini-batch."""
    model = clone(FITS[name])
    epochs = "epochs" if hasattr(model, "epochs") else "max_iter"
    model.set_params(random_state=0, device=device, **{epochs: 3})
    model.set_params(batch_size=BATCH_SIZES.get(name, 32))
    X, y, weight = samples(name, model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y, sample_weight=weight)


def outputs(name, model):
    X, _, _ = samples(name, model)
    found = getattr(model, "predict_proba", model.predict)(X)
    return found if isinstance(found, np.ndarray) else found.get()


def main():
    import_cupy().cuda.set_allocator(None)
    for name in FITS:
        model = fit(name)
        found = outputs(name, model)
        if not (np.isfinite(found).all() and np.isfinite(model.loss_curve_).all()):
            raise SystemExit(f"{name}: outputs or losses that are not finite")
        print(f"{name}: loss {model.loss_curve_[-1]:.4f}", flush=True)
    print(DONE)


if __name__ == "__main__":
    main()
