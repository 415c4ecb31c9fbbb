"""What refusals.c counts and refuses, in a process that it was loaded into first."""

import ctypes
import os
from contextlib import contextmanager

import numpy as np

LIBRARY = os.environ.get("FASTNN_REFUSALS")

SET_HANDLER = 304  # the place of PyDataMem_SetHandler in the table of NumPy's functions
HANDLER_NAME = b"mem_handler"  # capsules keep the address


class Refusals:
    """Requests of the core, and of NumPy for the numbers of arrays."""

    def __init__(self):
        self.library = ctypes.CDLL(LIBRARY)

    def count(self):
        """Begin to count, and refuse nothing."""
        self.library.refuse(0)

    def refuse(self, number):
        """Have the request of this number refused, counted from here on from 1."""
        self.library.refuse(number)

    @property
    def asked(self):
        return self.library.asked()

    @property
    def refused(self):
        return bool(self.library.refused())

    @property
    def buffers(self):
        """How many there are."""
        return self.library.buffers()

    @contextmanager
    def of_arrays(self):
        """What NumPy asks for on this thread is counted and refused as well."""
        set_handler = self._numpy_function(SET_HANDLER)
        before = set_handler(self._handler())
        try:
            yield
        finally:
            self.count()
            set_handler(before)

    def _handler(self):
        new = ctypes.pythonapi.PyCapsule_New
        new.restype = ctypes.py_object
        new.argtypes = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p
        address = ctypes.addressof(ctypes.c_char.in_dll(self.library, "numpy_handler"))
        return new(address, HANDLER_NAME, None)

    def _numpy_function(self, number):
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype = ctypes.c_void_p
        pointer.argtypes = ctypes.py_object, ctypes.c_char_p
        table = pointer(np._core.multiarray._ARRAY_API, None)
        functions = (ctypes.c_void_p * (number + 1)).from_address(table)
        return ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(functions[number])
