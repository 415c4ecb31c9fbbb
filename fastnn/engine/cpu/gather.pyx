"""Tables of numbers in any layout, from which batches of rows are taken."""

cimport numpy as cnp

import numpy as np
from scipy import sparse as sp

from libc.stdint cimport int32_t, int64_t

from fastnn.engine.cpu.executor cimport sparse_rows_t

cnp.import_array()

ctypedef fused index_t:
    int32_t
    int64_t

cdef extern from "data/gather.h":
    ctypedef void (*gather_loop_f32)(
        Py_ssize_t, Py_ssize_t, const void *, Py_ssize_t, Py_ssize_t,
        const Py_ssize_t *, float *) noexcept nogil
    ctypedef void (*gather_loop_f64)(
        Py_ssize_t, Py_ssize_t, const void *, Py_ssize_t, Py_ssize_t,
        const Py_ssize_t *, double *) noexcept nogil
    ctypedef void (*gather_tokens_loop)(
        Py_ssize_t, Py_ssize_t, const void *, Py_ssize_t, Py_ssize_t,
        const Py_ssize_t *, Py_ssize_t, int32_t *) noexcept nogil
    const gather_loop_f32 *gather_loops_f32
    const gather_loop_f64 *gather_loops_f64
    const gather_tokens_loop gather_tokens_loops[]
    enum:
        TABLE_I8, TABLE_U8, TABLE_I16, TABLE_U16
        TABLE_I32, TABLE_U32, TABLE_I64, TABLE_U64
        TABLE_F32, TABLE_F64


cdef int table_type(cnp.ndarray X) noexcept:
    """What the loops call the type of an array; -1 where there are none for it."""
    cdef int number_type = cnp.PyArray_TYPE(X)
    if not cnp.PyArray_ISNOTSWAPPED(X):
        return -1
    if number_type == cnp.NPY_FLOAT:
        return TABLE_F32
    if number_type == cnp.NPY_DOUBLE:
        return TABLE_F64
    if number_type == cnp.NPY_BOOL:
        return TABLE_U8
    if not cnp.PyArray_ISINTEGER(X):
        return -1
    cdef bint is_signed = cnp.PyArray_ISSIGNED(X)
    cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(X)
    if item == 1:
        return TABLE_I8 if is_signed else TABLE_U8
    if item == 2:
        return TABLE_I16 if is_signed else TABLE_U16
    if item == 4:
        return TABLE_I32 if is_signed else TABLE_U32
    return TABLE_I64 if is_signed else TABLE_U64


def check_index(str name, str what, numbers):
    """An index array of a sparse matrix, as int32 or int64 and side by side.

    Raises
    ------
    ValueError
        If it is not a one-dimensional array of integers.
    """
    if is_index(numbers):
        return numbers
    if not isinstance(numbers, np.ndarray) or (
            numbers.ndim != 1 or numbers.dtype.kind not in "iu"):
        got = (
            f"{numbers.dtype} of shape {numbers.shape}"
            if isinstance(numbers, np.ndarray) else type(numbers).__name__)
        raise ValueError(
            f"the {what} of the sparse {name} must be a one-dimensional array of "
            f"integers, got {got}")
    # Unsigned numbers beyond int64 become negative, and are found out as such.
    return np.require(numbers, np.int64, ["C", "A"])


cdef bint is_index(numbers):
    """Whether the loops below can read it."""
    return (
        cnp.PyArray_Check(numbers)
        and cnp.PyArray_NDIM(<cnp.ndarray> numbers) == 1
        and cnp.PyArray_ISSIGNED(<cnp.ndarray> numbers)
        and cnp.PyArray_ITEMSIZE(<cnp.ndarray> numbers) in (4, 8)
        and cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray> numbers)
        and cnp.PyArray_ISBEHAVED_RO(<cnp.ndarray> numbers))


def check_range(str name, str what, numbers, Py_ssize_t end):
    """Raise ValueError unless all numbers of an index are from 0 to end - 1."""
    check_first(name, what, check_index(name, what, numbers), len(numbers), end)


cdef check_first(
    str name, str what, cnp.ndarray numbers, Py_ssize_t count, Py_ssize_t end,
):
    """The same for the first of them."""
    cdef const void *first = cnp.PyArray_DATA(numbers)
    cdef bint within
    if cnp.PyArray_ITEMSIZE(numbers) == 8:
        within = all_within(<const int64_t *> first, count, end)
    else:
        within = all_within(<const int32_t *> first, count, end)
    if not within:
        used = numbers[:count]
        raise ValueError(
            f"the {what} of the sparse {name} must be at least 0 and below {end}, got "
            f"{used.min()} to {used.max()}")


cdef bint all_within(
    const index_t *numbers, Py_ssize_t count, Py_ssize_t end) noexcept nogil:
    cdef bint within = True
    cdef Py_ssize_t i
    for i in range(count):
        within &= (numbers[i] >= 0) & (numbers[i] < end)
    return within


cdef bint rises(const index_t *numbers, Py_ssize_t count) noexcept nogil:
    """Whether none is below the one before: compared, because differences may wrap."""
    cdef bint rising = True
    cdef Py_ssize_t i
    for i in range(1, count):
        rising &= numbers[i] >= numbers[i - 1]
    return rising


def check_compressed(
    str name, indices, indptr, data, Py_ssize_t n_rows, Py_ssize_t n_columns,
    str what="column indices",
):
    """The index arrays of a matrix in CSR format, or a kin of it.

    Parameters
    ----------
    name : str
        What the caller calls the matrix.
    indices, indptr, data : ndarray
        As SciPy has them.
    n_rows, n_columns : int
        Ends of the index pointer and of the indices.
    what : str
        What the indices count.

    Returns
    -------
    indices, indptr : ndarray of int32 or int64, C-contiguous

    Raises
    ------
    ValueError
        If they lead out of the matrix or of its stored values.
    """
    indices = check_index(name, what, indices)
    indptr = check_index(name, "index pointer", indptr)
    cdef const void *starts = cnp.PyArray_DATA(<cnp.ndarray> indptr)
    cdef Py_ssize_t n_values = 0
    cdef bint whole = (
        cnp.PyArray_Check(data)
        and cnp.PyArray_NDIM(<cnp.ndarray> data) > 0
        and cnp.PyArray_DIM(<cnp.ndarray> indptr, 0) == n_rows + 1
        and indptr[0] == 0)
    if whole:
        n_values = indptr[n_rows]
        whole = n_values <= min(len(indices), len(data)) and (
            rises(<const int64_t *> starts, n_rows + 1)
            if cnp.PyArray_ITEMSIZE(<cnp.ndarray> indptr) == 8
            else rises(<const int32_t *> starts, n_rows + 1))
    if not whole:
        raise ValueError(
            f"the index pointer of the sparse {name} is damaged: it must rise from 0 "
            f"to the number of stored values; {name}.check_format() tells more"
        )
    check_first(name, what, indices, n_values, n_columns)
    return indices, indptr


cdef class Table:
    """A two-dimensional array or CSR matrix of numbers, read and never copied.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns) or CSR matrix or array
        Floats, or integers unless it is sparse. Any strides, C order, Fortran order or
        neither. Of a sparse one the structure is checked once, here: the loops that
        read it afterwards do not.
    name : str, default="X"
        What messages call it.
    n_tokens : int, default=0
        Above 0 they are tokens, integers below it.

    Raises
    ------
    ValueError
        If the dtype, the number of dimensions or the sparse structure do not fit.
    """

    def __cinit__(self, X, str name="X", Py_ssize_t n_tokens=0):
        self.n_tokens = n_tokens
        if isinstance(X, np.ndarray):
            self._open_dense(name, X)
        elif sp.issparse(X) and X.format == "csr" and n_tokens == 0:
            self._open_sparse(name, X)
        else:
            kinds = "" if n_tokens else " or a sparse matrix in CSR format"
            raise ValueError(
                f"{name} must be an array{kinds}, got {type(X).__name__}"
            )

    def _open_dense(self, str name, cnp.ndarray X):
        self.kind = table_type(X)
        if cnp.PyArray_NDIM(X) != 2 or self.kind < 0 or (
                self.n_tokens and self.kind > TABLE_U64):
            kinds = "" if self.n_tokens else ", float32 or float64"
            raise ValueError(
                f"{name} must be a two-dimensional array of integers{kinds}, got "
                f"{X.ndim} dimension(s) of {X.dtype}"
            )
        self.wide = self.kind != TABLE_F32 and self.n_tokens == 0
        cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(X)
        if (cnp.PyArray_STRIDE(X, 0) % item or cnp.PyArray_STRIDE(X, 1) % item
                or not cnp.PyArray_ISBEHAVED_RO(X)):
            X = np.array(X)  # a field of packed records, say
        self.owners = X
        self.n_rows, self.n_columns = cnp.PyArray_DIM(X, 0), cnp.PyArray_DIM(X, 1)
        self.values = cnp.PyArray_DATA(X)
        self.row_stride = cnp.PyArray_STRIDE(X, 0) // item
        self.column_stride = cnp.PyArray_STRIDE(X, 1) // item
        if self.n_columns == 1:
            self.column_stride = 1

    def _open_sparse(self, str name, X):
        if X.ndim != 2 or X.dtype not in (np.float32, np.float64):
            raise ValueError(
                f"the sparse {name} must be a two-dimensional array of float32 or "
                f"float64, got {X.ndim} dimension(s) of {X.dtype}"
            )
        self.sparse = True
        self.wide = X.dtype == np.float64
        self.n_rows, self.n_columns = X.shape
        indices, indptr = check_compressed(
            name, X.indices, X.indptr, X.data, self.n_rows, self.n_columns)
        data = X.data
        if not cnp.PyArray_IS_C_CONTIGUOUS(data) or not cnp.PyArray_ISBEHAVED_RO(data):
            data = np.array(data, order="C")
        self.owners = (data, indices, indptr)
        self.values = cnp.PyArray_DATA(<cnp.ndarray> data)
        self.columns = cnp.PyArray_DATA(<cnp.ndarray> indices)
        self.starts = cnp.PyArray_DATA(<cnp.ndarray> indptr)
        self.long_columns = cnp.PyArray_ITEMSIZE(<cnp.ndarray> indices) == 8
        self.long_starts = cnp.PyArray_ITEMSIZE(<cnp.ndarray> indptr) == 8

    def take(self, const Py_ssize_t[::1] rows, gathered_t[:, ::1] out):
        """Copy rows of a dense table to an array, as its dtype; without the GIL.

        Parameters
        ----------
        rows : ndarray of shape (n,), intp
            Numbers of rows, which are trusted to be there.
        out : ndarray of shape (n, n_columns), C-contiguous
            float32 or float64; int32 of tokens.
        """
        if self.sparse or (out.shape[0], out.shape[1]) != (len(rows), self.n_columns):
            raise ValueError("out must have the shape of rows of a dense table")
        cdef bint takes_tokens = False
        if gathered_t is int32_t:
            takes_tokens = True
        if (self.n_tokens > 0) != takes_tokens:
            raise ValueError("out must be int32 if these are tokens, and only then")
        if out.size:
            with nogil:
                self.gather(&rows[0], rows.shape[0], &out[0, 0])

    cdef const void *in_place(self, Py_ssize_t first, size_t itemsize) noexcept nogil:
        """Where rows from first on lie, if they can be read as they are; else NULL."""
        cdef int kind = TABLE_F64 if itemsize == sizeof(double) else TABLE_F32
        if (self.sparse or self.column_stride != 1 or self.kind != kind
                or self.row_stride != self.n_columns):
            return NULL
        first *= self.row_stride * <Py_ssize_t> itemsize
        return <const char *> self.values + first

    cdef void gather(
        self, const Py_ssize_t *rows, Py_ssize_t count, gathered_t *to) noexcept nogil:
        """Copies rows of a dense table side by side: numbers as floats, or tokens."""
        if gathered_t is float:
            gather_loops_f32[self.kind](
                count, self.n_columns, self.values, self.row_stride,
                self.column_stride, rows, to)
        elif gathered_t is double:
            gather_loops_f64[self.kind](
                count, self.n_columns, self.values, self.row_stride,
                self.column_stride, rows, to)
        else:
            gather_tokens_loops[self.kind](
                count, self.n_columns, self.values, self.row_stride,
                self.column_stride, rows, self.n_tokens, to)

    cdef sparse_rows_t sparse_rows(self, const Py_ssize_t *rows) noexcept nogil:
        """Rows of a sparse table, which are read where they lie."""
        cdef sparse_rows_t found
        found.rows = rows
        found.starts, found.columns = self.starts, self.columns
        found.values = self.values
        found.long_starts, found.long_columns = self.long_starts, self.long_columns
        found.wide = self.wide
        return found
