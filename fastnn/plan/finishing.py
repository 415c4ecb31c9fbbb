"""What makes a plan of all that a tape has written."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fastnn.plan.memory import assign_offsets
from fastnn.plan.named_data import NamedData
from fastnn.plan.parameters import Parameters
from fastnn.plan.records import Input, Output, Plan
from fastnn.plan.tables import (
    BLOCK_DTYPE,
    FLAGS,
    KINDS,
    OP_DTYPE,
    OP_FLAGS,
    PHASES,
    ROW_GRADIENT_DTYPE,
    TENSOR_DTYPE,
)
from fastnn.plan.tensor import Tensor, rows_of
from fastnn.plan.views import Fields
from fastnn.plan.writer import Writer

TRAIN, PREDICT = PHASES["train"], PHASES["predict"]
WITHOUT_GRADIENT = PREDICT | PHASES["evaluate"]


def finished(
    writer: Writer,
    parameters: Parameters,
    named_data: NamedData,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    most_steps: Mapping[int, int],
) -> Plan:
    """The plan of a forward and a backward pass that have been written.

    Its predictions are put side by side, its activations placed, its records frozen.
    """
    outputs, output = _predictions(writer, inputs, outputs)
    writer.place_scratch()
    if len(named_data.targets) > 1:
        writer.views.spread_targets(named_data.target_columns, writer.ops)
    writer.views.separate_rows(writer.ops)
    made, described_blocks, n_parameters = parameters.placed()
    uses = parameters.row_gradients()
    ops = _records(writer.ops, OP_DTYPE)
    for field in ("input", "output"):
        present = ops[field] >= 0
        ops[f"n_{field}s"] = (present * np.arange(1, present.shape[1] + 1)).max(axis=1)
    tensors = _records(writer.tensors, TENSOR_DTYPE)
    blocks = _records(described_blocks, BLOCK_DTYPE)
    row_gradients = _records(uses, ROW_GRADIENT_DTYPE)
    kept = [use["gradient"] for use in uses]
    axes = range(1 + int(tensors["axis"].max()))
    train_size, *train_sizes_of_steps = (
        assign_offsets(ops, tensors, TRAIN, "train_offset", kept, axis) for axis in axes
    )
    predict_size, *predict_sizes_of_steps = (
        assign_offsets(
            ops, tensors, WITHOUT_GRADIENT, "predict_offset", [output.number], axis
        )
        for axis in axes
    )
    params = np.array(writer.params, np.int64)
    for records in (ops, tensors, blocks, params, row_gradients):
        records.setflags(write=False)
    sizes = [each.size for each in outputs.values()]
    return Plan(
        ops=ops,
        tensors=tensors,
        blocks=blocks,
        parameters=made,
        n_parameters=n_parameters,
        train_size=train_size,
        predict_size=predict_size,
        train_sizes_of_steps=tuple(train_sizes_of_steps),
        predict_sizes_of_steps=tuple(predict_sizes_of_steps),
        output=output.number,
        inputs=tuple(
            Input(
                name,
                value.shape,
                value.n_tokens,
                _may_be_sparse(ops, tensors, value),
                value.axis,
                most_steps.get(value.axis, 0),
            )
            for name, value in inputs.items()
        ),
        targets=tuple(named_data.targets),
        outputs=tuple(
            Output(name, sum(sizes[:i]), each.shape)
            for i, (name, each) in enumerate(outputs.items())
        ),
        losses=tuple(named_data.losses),
        statistic_size=writer.statistic_size,
        functions=tuple(writer.functions),
        params=params,
        n_gradients=parameters.n_gradients,
        row_gradients=row_gradients,
    )


def _predictions(
    writer: Writer, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], Tensor]:
    """The outputs, none of them a view, and the one tensor that holds all of them.

    Their links stand behind all other ops.
    """
    for name, each in outputs.items():
        if each.axis:
            raise ValueError(
                f"the output {name!r} would be of each step of a sequence, and not of "
                "each sample: let the network end in a value of each sample, as "
                "pooling over the steps or the last state of a recurrent layer gives"
            )
    links = [op for op in writer.ops if op["phase"] == PREDICT]
    writer.ops = [op for op in writer.ops if op["phase"] != PREDICT]
    named = {
        name: writer.dense(each, WITHOUT_GRADIENT) for name, each in outputs.items()
    }
    (output, *others) = named.values()
    if others:
        output = _joined(writer, [output, *others], links)
    elif output.number in {each.number for each in inputs.values()}:
        read, output = output, writer.activation(output.shape)
        writer.emit("add", (read,), (output,), PREDICT, axes=(output, None))
    else:  # an auxiliary loss may have made predictions too
        writer.ops += [op for op in links if op["output"][0] == output.number]
    return named, output


def _joined(
    writer: Writer, outputs: Sequence[Tensor], links: Sequence[Fields]
) -> Tensor:
    """One tensor of several outputs side by side.

    Raw outputs are copied there, and the links applied to columns of that.
    """
    width, first = sum(output.size for output in outputs), 0
    raw, joined = writer.activation((width,)), writer.activation((width,))
    has_link = {link["output"][0] for link in links} & {t.number for t in outputs}
    for output in outputs:
        own = [link for link in links if link["output"][0] == output.number]
        source = own[0]["input"][0] if own else output.number
        record = writer.tensors[source]
        flat = replace(output, number=source, shape=(output.size,), record=record)
        part = writer.view(raw, first, output.size)
        writer.copy(flat, part, WITHOUT_GRADIENT)
        if has_link:
            _link(writer, own, part, writer.view(joined, first, output.size))
        first += output.size
    return joined if has_link else raw


def _link(writer: Writer, links: Sequence[Fields], x: Tensor, y: Tensor) -> None:
    """Write the links of an output on a row of its numbers; none is x itself."""
    softmax = [link for link in links if link["kind"] == KINDS["softmax"]]
    for link in softmax:
        width = link["dim"][3]
        for row in range(0, x.size, link["lead"][0]):
            start = row + link["stride"][0]
            own, to = (writer.view(each, start, width) for each in (x, y))
            writer.emit(
                "softmax", (own,), (to,), PREDICT, lead=(width, 0, 0),
                **rows_of(own, width),
            )  # fmt: skip
    if not softmax:
        options = {key: link[key] for link in links for key in ("code", "scalar")}
        writer.emit("add", (x,), (y,), PREDICT, axes=(x, None), **options)


def _records(described: Sequence[Fields], dtype: np.dtype) -> NDArray:
    records = np.zeros(len(described), dtype)
    for record, fields in zip(records, described, strict=True):
        for field, value in fields.items():
            record[field] = value
    return records


def _may_be_sparse(ops: NDArray, tensors: NDArray, value: Tensor) -> bool:
    """Whether all that reads an input takes sparse rows of it, one for each sample.

    Nothing reads columns of it.
    """
    if value.n_tokens or value.axis or len(value.shape) != 1:
        return False
    number = value.number
    first, others = ops["input"][:, 0] == number, ops["input"][:, 1:] == number
    reading = ops[first]
    reads_sparse = OP_FLAGS[reading["kind"]] & FLAGS["reads_sparse"]
    dim, transposed = reading["dim"], reading["transpose"] & 1
    rows = np.where(transposed, dim[:, 3], dim[:, 1])
    whole = not others.any() and not (tensors["base"] == number).any()
    return bool(reads_sparse.all() and (rows == 1).all() and whole)
