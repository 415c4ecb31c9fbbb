from fastnn.engine.cpu.executor cimport Call

cdef void op_product_f32(const Call *call) noexcept nogil
cdef void op_product_f64(const Call *call) noexcept nogil
