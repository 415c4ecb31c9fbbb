from fastnn.engine.cpu.executor cimport Precision

cdef extern from "ops/product/multiply.h":
    ctypedef void (*sgemm_function)(
        char *, char *, int *, int *, int *, float *, float *, int *,
        float *, int *, float *, float *, int *,
    ) noexcept nogil
    ctypedef void (*dgemm_function)(
        char *, char *, int *, int *, int *, double *, double *, int *,
        double *, int *, double *, double *, int *,
    ) noexcept nogil
    void prepare_products(sgemm_function, dgemm_function) noexcept
    bint is_for_blas "goes_to_blas"(double) noexcept
    void multiply_f32(
        Py_ssize_t count, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
        const float *a, Py_ssize_t a_lead, Py_ssize_t a_stride, bint a_transposed,
        const float *b, Py_ssize_t b_lead, Py_ssize_t b_stride, bint b_transposed,
        float beta, float *c, Py_ssize_t c_lead, Py_ssize_t c_stride,
        Py_ssize_t smallest, Precision *precision,
    ) noexcept nogil
    void multiply_f64(
        Py_ssize_t count, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
        const double *a, Py_ssize_t a_lead, Py_ssize_t a_stride, bint a_transposed,
        const double *b, Py_ssize_t b_lead, Py_ssize_t b_stride, bint b_transposed,
        double beta, double *c, Py_ssize_t c_lead, Py_ssize_t c_stride,
        Py_ssize_t smallest, Precision *precision,
    ) noexcept nogil
