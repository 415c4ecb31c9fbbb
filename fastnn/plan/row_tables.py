"""Tables whose gradients are rows, while a plan is being written."""

from dataclasses import replace
from typing import Any

from fastnn.plan.records import Parameter
from fastnn.plan.tensor import Tensor, aligned


class RowTables:
    """What a tape notes of them: where they lie, and which tokens read them.

    They stand behind all other parameters, so that the buffer of gradients, which has
    no place for them, is laid out as the first part of that of parameters.
    """

    def __init__(self) -> None:
        # By number of tensor.
        self._tables: dict[int, tuple[Parameter, dict[str, Any]]] = {}
        self._uses: list[tuple[int, int, int]] = []

    def add(self, value: Tensor, parameter: Parameter, block: dict[str, Any]) -> None:
        """Note a table, with what its parameter and block will be once it is placed."""
        self._tables[value.number] = parameter, block

    def __contains__(self, value: Tensor) -> bool:
        return value.number in self._tables

    def name(self, value: Tensor) -> str:
        return self._tables[value.number][0].name

    def use(self, table: Tensor, tokens: Tensor, gradient: Tensor) -> None:
        """Note rows of the gradient of a table: one for each token."""
        self._uses.append((table.number, tokens.number, gradient.number))

    def place(
        self, offset: int, tensors: list[dict[str, Any]]
    ) -> tuple[list[Parameter], list[dict[str, Any]], int]:
        """Their parameters and blocks from an offset on, and where they end.

        The tensors that stand for them learn where they lie.
        """
        parameters, blocks = [], []
        for number, (parameter, block) in self._tables.items():
            tensors[number] |= {"train_offset": offset, "predict_offset": offset}
            parameters.append(replace(parameter, offset=offset))
            blocks.append({**block, "offset": offset})
            offset += aligned(parameter.size)
        return parameters, blocks, offset

    def uses(self, first_block: int) -> list[dict[str, int]]:
        """Records of what makes their gradients, with blocks from a number on."""
        blocks = {number: first_block + i for i, number in enumerate(self._tables)}
        return [
            {"block": blocks[table], "tokens": tokens, "gradient": gradient}
            for table, tokens, gradient in self._uses
        ]
