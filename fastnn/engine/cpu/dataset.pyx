"""A training set, and the batches that are taken from it."""

cimport numpy as cnp

import numpy as np

from cython cimport floating
from libc.string cimport memcpy

from fastnn.engine.cpu.executor cimport Input, Steps, Walk
from fastnn.engine.cpu.gather cimport Table
from fastnn.engine.cpu.inputs cimport Inputs, described
from fastnn.plan.structs cimport SPACE_TARGET, tensor_t
from fastnn.engine.cpu.memory cimport owned_zeros
from fastnn.engine.cpu.steps cimport StepAxis

cnp.import_array()

cdef extern from "Python.h":
    # An item of a list, without a count of who uses it.
    void *item_of "PyList_GET_ITEM"(void *, Py_ssize_t) noexcept nogil

cdef extern from "tables/elementwise.h":
    enum:
        MIXED_SHARE
        MIXED_TOP
        MIXED_BOTTOM
        MIXED_LEFT
        MIXED_RIGHT

cdef extern from "data/mix.h":
    void blend_f32(Py_ssize_t, float, const float *, float *) noexcept nogil
    void blend_f64(Py_ssize_t, double, const double *, double *) noexcept nogil


cdef class Dataset:
    """Rows of inputs, of y and, perhaps, of sample weights that belong together.

    Weights are one for each sample, or that and one more for each loss. Samples that
    are mixed have so many numbers, and, where that is by windows of images, so have
    their lines and pixels; else these are 0.
    """

    def __cinit__(
        self, tuple inputs, tuple tables, y, sample_weight, Py_ssize_t n_losses,
    ):
        self.inputs = Inputs(described(inputs), tables)
        real_type("y", y)
        self.y = Table(y, "y")
        self.n_losses = n_losses
        if sample_weight is not None:
            real_type("sample_weight", sample_weight)
            if sample_weight.ndim == 1:
                sample_weight = sample_weight.reshape(-1, 1)
            self.sample_weight = Table(sample_weight, "sample_weight")
            if self.sample_weight.n_columns not in (1, 1 + n_losses):
                raise ValueError(
                    f"sample_weight must have 1 column or {1 + n_losses}, got "
                    f"{self.sample_weight.n_columns}")
        self.n_rows = self.inputs.n_rows
        for table in (self.y, self.sample_weight):
            if table is not None and (<Table> table).n_rows != self.n_rows:
                raise ValueError(
                    f"X has {self.n_rows} rows, y or sample_weight "
                    f"{(<Table> table).n_rows}")

    cdef check_widths(self, const tensor_t *tensors, Py_ssize_t n_tensors):
        """Raise ValueError unless a plan reads targets of this width."""
        cdef Py_ssize_t n_targets = width_of(tensors, n_tensors, SPACE_TARGET)
        if self.y.n_columns != n_targets:
            raise ValueError(
                f"this plan reads {n_targets} columns of y, got {self.y.n_columns}")

    cdef Batch new_batch(
        self, Py_ssize_t n_rows, const Steps *steps, Py_ssize_t itemsize, list owners,
    ):
        """Buffers for so many different rows, kept alive by owners."""
        cdef Batch batch
        batch.weight_rows = NULL
        cdef size_t n_bytes = self.inputs.bytes_for(n_rows, steps, itemsize)
        batch.input = owned_zeros(n_bytes, 1, owners)
        batch.target = owned_zeros(n_rows * self.y.n_columns, itemsize, owners)
        cdef Py_ssize_t columns = self.weight_columns()
        batch.weight = owned_zeros(n_rows * columns, itemsize, owners)
        if columns > 1:
            batch.weight_rows = owned_zeros(n_rows * columns, itemsize, owners)
        return batch

    cdef Py_ssize_t weight_columns(self) noexcept nogil:
        """1, or 1 more than losses where each has weights of its own."""
        return 1 if self.sample_weight is None else self.sample_weight.n_columns

    cdef void gather(
        self, const Py_ssize_t *rows, Py_ssize_t count, Py_ssize_t capacity,
        Batch *batch, floating *input, Input *inputs, Steps *steps,
    ) noexcept nogil:
        """Gathers rows into the batch, with room for ``capacity`` of them.

        input is the batch's own: its type says what is computed in.
        """
        cdef floating *weight = <floating *> batch.weight
        self.inputs.gather(rows, count, capacity, input, inputs, steps)
        self.y.gather(rows, count, <floating *> batch.target)
        if self.sample_weight is None:
            return
        if batch.weight_rows == NULL:
            self.sample_weight.gather(rows, count, weight)
        else:
            self.sample_weight.gather(rows, count, <floating *> batch.weight_rows)
            transpose(count, 1 + self.n_losses,
                      <const floating *> batch.weight_rows, weight)

    cdef Py_ssize_t steps_of(
        self, Py_ssize_t axis, const Py_ssize_t *rows, Py_ssize_t count) noexcept nogil:
        """How many steps some rows have on an axis."""
        return (<StepAxis> item_of(<void *> self.inputs.axes, axis)).total(rows, count)

    cdef void mix(
        self, Py_ssize_t count, const Batch *other, const Input *others,
        const double *scalars, Batch *batch, floating *input,
    ) noexcept nogil:
        """Gives rows of the batch their shares of as many others, as scalars say.

        It is inputs of numbers side by side, targets and weights that are mixed.
        """
        cdef const floating *from_input = <const floating *> others[0].rows
        cdef floating share = <floating> scalars[MIXED_SHARE]
        cdef Py_ssize_t width = self.width
        cdef Py_ssize_t i, row, start, top, bottom, left, right
        if self.line == 0:
            blend(count * width, share, from_input, input)
        else:
            top = <Py_ssize_t> scalars[MIXED_TOP]
            left = <Py_ssize_t> scalars[MIXED_LEFT]
            bottom = min(<Py_ssize_t> scalars[MIXED_BOTTOM], width // self.line)
            right = min(<Py_ssize_t> scalars[MIXED_RIGHT], self.line // self.pixel)
            top, left = max(top, 0), max(min(left, right), 0)
            for i in range(count):
                for row in range(top, bottom):
                    start = i * width + row * self.line + left * self.pixel
                    memcpy(input + start, from_input + start,
                           (right - left) * self.pixel * sizeof(floating))
        blend(count * self.y.n_columns, share, <const floating *> other.target,
              <floating *> batch.target)
        if self.sample_weight is not None:
            blend(count * self.weight_columns(), share,
                  <const floating *> other.weight, <floating *> batch.weight)

    cdef double show(
        self, Batch *batch, Walk *walk, floating *weight, double *weight_sums,
    ) noexcept nogil:
        """Gives a walk the batch's rows; returns the sum of their weights.

        weight is the batch's own. The sums of the weights that each loss has are added
        to weight_sums.
        """
        cdef double weight_sum = 0, own_sum
        cdef Py_ssize_t i, loss
        walk.target = batch.target
        if self.sample_weight is None:
            weight_sum = walk.count
        else:
            walk.weight = weight
            if batch.weight_rows != NULL:
                walk.weight_lead = walk.count
            for i in range(walk.count):
                weight_sum += weight[i]
        for loss in range(self.n_losses):
            own_sum = weight_sum
            if walk.weight_lead:
                own_sum = 0
                for i in range(walk.count):
                    own_sum += weight[(1 + loss) * walk.weight_lead + i]
            weight_sums[loss] += own_sum
        return weight_sum


cdef inline void blend(
    Py_ssize_t n, floating share, const floating *other, floating *own,
) noexcept nogil:
    if floating is float:
        blend_f32(n, share, other, own)
    else:
        blend_f64(n, share, other, own)


cdef void transpose(
    Py_ssize_t m, Py_ssize_t n, const floating *rows, floating *columns,
) noexcept nogil:
    cdef Py_ssize_t i, j
    for j in range(n):
        for i in range(m):
            columns[j * m + i] = rows[i * n + j]


cdef void *plain(
    str name, array, int number_type, Py_ssize_t size, bint writable=False,
) except? NULL:
    """Where the numbers of an array begin that loops may trust; NULL for None.

    Raises
    ------
    ValueError
        If it does not hold so many numbers of this type, native, aligned, side by side
        and, where they are changed, writable.
    """
    if array is None:
        return NULL
    cdef cnp.ndarray numbers
    if cnp.PyArray_Check(array):
        numbers = <cnp.ndarray> array
        if (cnp.PyArray_TYPE(numbers) == number_type
                and cnp.PyArray_SIZE(numbers) == size
                and cnp.PyArray_IS_C_CONTIGUOUS(numbers)
                and cnp.PyArray_ISBEHAVED_RO(numbers)
                and (cnp.PyArray_ISWRITEABLE(numbers) or not writable)):
            return cnp.PyArray_DATA(numbers)
    expected = "float64" if number_type == cnp.NPY_DOUBLE else "float32"
    got = (f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray)
           else type(array).__name__)
    raise ValueError(
        f"{name} must be a C-contiguous{', writable' * writable} array of {size} "
        f"native {expected}, got {got}")


cdef int real_type(str name, array) except -1:
    """NumPy's number of the type of an array that is float32 or float64."""
    cdef int number_type = cnp.NPY_NOTYPE
    if cnp.PyArray_Check(array):
        number_type = cnp.PyArray_TYPE(<cnp.ndarray> array)
    if number_type != cnp.NPY_FLOAT and number_type != cnp.NPY_DOUBLE:
        raise ValueError(
            f"{name} must be an array of float32 or float64, got "
            f"{getattr(array, 'dtype', type(array).__name__)}")
    return number_type


cdef Py_ssize_t count_losses(ops) except -1:
    """How many losses the ops of a plan add to, at least 1."""
    return 1 + max(int(ops["loss"].max(initial=0)), 0)


cdef Py_ssize_t width_of(
    const tensor_t *tensors, Py_ssize_t n_tensors, int space) noexcept nogil:
    """Numbers in a row of a space, as a plan reads them."""
    cdef Py_ssize_t i, width = 0
    for i in range(n_tensors):
        if tensors[i].space == space:
            width = max(
                width, tensors[i].train_offset + tensors[i].first + tensors[i].size)
    return width


cdef void *address(array):
    """Where the numbers of an array begin; NULL for None."""
    return NULL if array is None else cnp.PyArray_DATA(<cnp.ndarray?> array)
