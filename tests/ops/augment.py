"""Augmentation of images: maps, contrast and erasing, by Philox' random numbers."""

from itertools import product

import numpy as np
from ops.noise import philox, point
from writers import by_hand, dense

from fastnn.layers import (
    Augment,
    BatchNorm,
    Dense,
    Flatten,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Rescaling,
)
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan import ops
from fastnn.plan.tables import FILL_MODES, WARPS

# Coordinates are multiples of one over this, in pixels.
UNIT = 2**40


def words_of(walk, op, position):
    return philox(walk.seed, int(position), walk.step << 16 | int(op["code"]))


def between(word, low, high):
    return low + (high - low) * (word / 2**32)


# ------------------------------------------------------------------------------- maps


def run_warp(walk, op, dim, x, *_):
    shape, out_shape, taps, constant = maps_of(walk, op, dim[2])
    x, y = x.reshape(shape), np.zeros(out_shape)
    for at, parts in taps.items():
        for place, weight in parts:
            y[at] += weight * (constant if place is None else x[place])
    return (y,)


def run_warp_gradient(walk, op, dim, dy, *_):
    shape, out_shape, taps, _ = maps_of(walk, op, dim[2])
    dy, dx = dy.reshape(out_shape), np.zeros(shape)
    for at, parts in taps.items():
        for place, weight in parts:
            if place is not None:
                dx[place] += weight * dy[at]
    return (dx,)


def maps_of(walk, op, n):
    """Shapes of all samples, of what becomes of them, and what each pixel is made of.

    The third is a dict from sample, row and column of a pixel to pairs of the same of
    another one, None for the constant, and its weight. The last is the constant.
    """
    params = walk.params[op["params"] :][:9].tolist()
    kind, height, width, channels, *window = params[:6]
    interpolates, fill, bits = params[6:]
    names = {code: name for name, code in FILL_MODES.items()}
    taps = {}
    for sample in range(n):
        words = words_of(walk, op, sample)
        start, steps = drawn_map(kind, op["scalar"], words, height, width)
        whole = all(number % UNIT == 0 for number in (*start, *steps[0], *steps[1]))
        for at in product(*map(range, window)):
            place = [
                first + at[0] * step[0] + at[1] * step[1]
                for first, step in zip(start, steps, strict=True)
            ]
            found = taps_at(place, interpolates and not whole)
            taps[(sample, *at)] = [
                (filled(sample, pixel, (height, width), names[fill]), weight)
                for pixel, weight in found
            ]
    constant = float(np.int64(bits).view(np.float64))
    return (n, height, width, channels), (n, *window, channels), taps, constant


def drawn_map(kind, options, words, height, width):
    """Where the first pixel is read, and how far from it those of rows and columns.

    For y and for x, each. All are integers, in units.
    """
    first, second = (between(words[i], *options[2 * i : 2 * i + 2]) for i in range(2))
    linear, shift = np.eye(2), np.zeros(2)
    centre = np.array([height - 1, width - 1]) / 2
    if kind == WARPS["flip"]:
        linear[0, 0] = -1 if options[0] and words[0] >= 2**31 else 1
        linear[1, 1] = -1 if options[2] and words[1] >= 2**31 else 1
    elif kind == WARPS["shift"]:
        shift[:] = first, second
    elif kind == WARPS["rotation"]:
        turn = np.exp(1j * np.pi / 2 * first)
        c, s = turn.real, turn.imag
        linear[:] = [[c, s], [-s, c]]
    else:
        linear[0, 0] = first
        linear[1, 1] = second if kind == WARPS["zoom"] else first
    start = centre + shift - linear @ centre
    return in_units(start), [in_units(row) for row in linear]


def in_units(values):
    return [int(np.floor(value * UNIT + 0.5)) for value in values]


def taps_at(place, interpolates):
    """Rows and columns that a place lies between, and their weights."""
    if not interpolates:
        return [([(p + UNIT // 2) // UNIT for p in place], 1.0)]
    taps = []
    for beyond in product((0, 1), repeat=2):
        pixel = [p // UNIT + more for p, more in zip(place, beyond, strict=True)]
        weight = 1.0
        for p, more in zip(place, beyond, strict=True):
            part = p % UNIT / UNIT
            weight *= part if more else 1 - part
        taps.append((pixel, weight))
    return taps


def filled(sample, pixel, lengths, fill_mode):
    """The pixel that stands at a place, as NumPy would pad; None for the constant."""
    found = [sample]
    for i, n in zip(pixel, lengths, strict=True):
        if fill_mode == "constant" and not 0 <= i < n:
            return None
        if fill_mode == "nearest":
            found.append(min(max(i, 0), n - 1))
            continue
        again = [*range(n)] + ([*reversed(range(n))] if fill_mode == "reflect" else [])
        found.append(again[i % len(again)])
    return tuple(found)


# --------------------------------------------------------------------------- contrast


def run_contrast(walk, op, dim, x, *_):
    mean, factor, x = contrasts(walk, op, dim, x)
    return (np.clip(mean + factor * (x - mean), *op["scalar"][2:]),)


def run_contrast_gradient(walk, op, dim, dy, x, *_):
    mean, factor, x = contrasts(walk, op, dim, x)
    y = mean + factor * (x - mean)
    low, high = op["scalar"][2:]
    passed = np.where((y < low) | (y > high), 0, dy.reshape(x.shape))
    return (factor * passed + (1 - factor) * passed.mean(axis=1, keepdims=True),)


def contrasts(walk, op, dim, x):
    channels = walk.params[op["params"]]
    x = x.reshape(dim[2], -1, channels)
    factors = [
        between(words_of(walk, op, sample)[0], *op["scalar"][:2])
        for sample in range(dim[2])
    ]
    return x.mean(axis=1, keepdims=True), np.reshape(factors, (-1, 1, 1)), x


# ---------------------------------------------------------------------------- erasing


def run_erase(walk, op, dim, x, *_):
    height, width, channels, chances = walk.params[op["params"] :][:4].tolist()
    y = x.reshape(dim[2], height, width, channels).copy()
    least, most, low, high = op["scalar"]
    size = height * width * channels
    blocks = 2 + -(-size // 4)
    for sample in range(dim[2]):
        first = sample * blocks
        if words_of(walk, op, first + 1)[0] >= chances:
            continue
        words = words_of(walk, op, first)
        spans = []
        for n, (side, place) in ((height, words[:2]), (width, words[2:])):
            length = np.sqrt(between(side, least, most)) * n
            start = between(place, 0, n - length)
            spans.append([i for i in range(n) if start <= i + 0.5 < start + length])
        noise = np.full(size, low)
        if low < high:
            noise = np.concatenate(
                [normal_of(words_of(walk, op, first + b)) for b in range(2, blocks)]
            )[:size]
            noise = np.clip(noise * high, low, high)
        at = np.ix_([sample], *spans)
        y[at] = noise.reshape(1, height, width, channels)[np.ix_([0], *spans)]
    return (y,)


def normal_of(words):
    """Four normal numbers."""
    return [*point(*words[:2]), *point(*words[2:])]


# ------------------------------------------------------------------- Python functions


def run_custom_augment(walk, op, dim, x, *_):
    number, rank, *shape = walk.params[op["params"] :].tolist()
    key = np.array([walk.seed, walk.step << 16 | number], np.uint64)
    rng = np.random.Generator(np.random.Philox(key=key))
    x = x.reshape(-1, *shape[:rank]).copy()
    return (walk.functions[op["code"]](x, rng),)


def shaken(x, rng):
    """In place, and drawn for each sample."""
    x += rng.normal(size=(len(x), 1, 1, 1)).astype(x.dtype)
    return x[:, ::-1]


OPS = {
    "custom_augment": run_custom_augment,
    "warp": run_warp,
    "warp_gradient": run_warp_gradient,
    "contrast": run_contrast,
    "contrast_gradient": run_contrast_gradient,
    "erase": run_erase,
}

# ------------------------------------------------------------------------------ plans

SHAPE = 5, 6, 2


def first(*layers, input_shape=SHAPE):
    """In front of all that is trained."""
    return lambda: lower(
        Sequential([*layers, Flatten(), Dense(2)]),
        input_shape=input_shape,
        loss=SquaredError(),
    )


def behind(*layers, input_shape=SHAPE):
    """Behind what is trained, so that gradients come back through it."""
    return first(Dense(3, "tanh"), *layers, input_shape=input_shape)


def drawn_twice(tape, x):
    """Two maps of one value, of which each draws its own, and the value itself."""
    h = dense(tape, x, "first", 3, "tanh")
    turned = ops.warp(tape, h, "rotation", (-1.0, 2.0))
    moved = ops.warp(tape, h, "shift", (-2.5, 3.0, -1.5, 2.0), fill_mode="wrap")
    return dense(tape, ops.add(tape, ops.add(tape, turned, moved), h), "last", 2)


CASES = {
    "flip": first(RandomFlip()),
    "flip_behind": behind(RandomFlip("horizontal"), RandomFlip("vertical")),
    **{
        f"shift_{mode}": behind(
            RandomTranslation(0.6, (-1, 1), fill_mode=mode, fill_value=0.7)
        )
        for mode in FILL_MODES
    },
    "shift_nearest_pixel": behind(
        RandomTranslation(0.4, 0.3, "constant", "nearest", fill_value=-0.3)
    ),
    "rotation": first(Rescaling(0.5), RandomRotation(0.3, "constant")),
    "rotation_behind": behind(RandomRotation((-0.1, 0.7))),
    "rotation_of_a_line": behind(RandomRotation(1.0, "wrap"), input_shape=(1, 9, 1)),
    "zoom": behind(RandomZoom((-0.4, 0.5))),
    "zoom_apart": behind(RandomZoom(0.8, (-0.9, 0.1), "wrap")),
    "zoom_nearest_pixel": behind(RandomZoom(0.5, 0.5, "nearest", "nearest")),
    "crop": first(RandomCrop(4, 3)),
    "crop_behind": behind(BatchNorm(), RandomCrop(2, 6), RandomFlip()),
    "contrast": first(RandomContrast(0.5, value_range=(-0.9, 1.1))),
    "contrast_behind": behind(RandomContrast((0.9, 0.2), value_range=None)),
    "contrast_cut_off": behind(RandomContrast(0.7, value_range=(-0.4, 0.5))),
    "erase": first(RandomErasing(fill_value=0.5, value_range=(-1, 1))),
    "erase_behind": behind(RandomErasing(0.7, (0.2, 0.9), value_range=(-1, 1))),
    "custom_augment": first(Augment(shaken), Dense(3, "tanh")),
    "custom_augment_twice": first(RandomFlip(), Augment(shaken), Augment(shaken)),
    "drawn_twice": lambda: by_hand(drawn_twice, SHAPE),
}
