from fastnn.engine.cpu.executor cimport Call

cdef void op_add_f32(const Call *call) noexcept nogil
cdef void op_add_f64(const Call *call) noexcept nogil
cdef void op_add_gradient_f32(const Call *call) noexcept nogil
cdef void op_add_gradient_f64(const Call *call) noexcept nogil
