from fastnn.engine.cpu.executor cimport Precision

cdef Precision new_precision(str name, list owners)
