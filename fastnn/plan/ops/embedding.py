"""Rows of a table that tokens are the numbers of."""

from fastnn.plan.tape import ALWAYS, TRAIN, Tape
from fastnn.plan.tensor import Tensor, rows_of


def embedding(tape: Tape, tokens: Tensor, table: Tensor) -> Tensor:
    """The row of a table for each token, of shape ``(*tokens.shape, dim)``.

    Parameters
    ----------
    tokens : Tensor
        An input of tokens.
    table : Tensor of shape (n, dim)
        A parameter, with a row for each token at least. Its gradient is rows if it was
        made with ``rows=True``, and else dense.
    """
    if not tokens.n_tokens:
        raise ValueError(
            "an embedding reads an input of tokens: make it by "
            "Tape.input(shape, name, tokens=...)"
        )
    if len(table.shape) != 2 or table.shape[0] < tokens.n_tokens:
        raise ValueError(
            f"an embedding of {tokens.n_tokens} tokens needs a matrix of as many rows, "
            f"got shape {table.shape}"
        )
    if tape.is_view(tokens):
        raise ValueError(
            "an embedding reads all tokens of an input, not columns of it: make an "
            "input for each range of columns"
        )
    dim = table.shape[1]
    y = tape.activation((*tokens.shape, dim), table)
    tape.emit("embedding", (tokens, table), (y,), ALWAYS, **rows_of(y, dim))

    def adjoint() -> None:
        dy = tape.dense_gradient_of(y)
        if tape.is_by_rows(table):
            tape.row_gradient(table, tokens, dy)
            return
        dtable, accumulate = tape.accumulator(table)
        tape.emit(
            "embedding_gradient", (tokens, dy), (dtable,), TRAIN,
            accumulate=accumulate, **rows_of(y, dim),
        )  # fmt: skip

    tape.record(y, adjoint)
    return y
