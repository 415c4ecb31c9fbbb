"""The compiled part; everything else is in ``pyproject.toml``.

The C row loops are one static library, with which one extension module per
``.pyx`` of the package is linked.
"""

import os
import sys
from glob import glob

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_clib import build_clib
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

HEADERS = sorted(glob("csrc/**/*.h", recursive=True))
# What is compiled for the card at hand, when it is first used.
KERNELS = HEADERS + sorted(glob("csrc/**/*.cu", recursive=True))
LOOPS = sorted(glob("csrc/**/*.c", recursive=True))
INCLUDE_DIRS = ["csrc", numpy.get_include()]

if sys.platform == "win32":
    COMMON_FLAGS = ["/O2", "/openmp:experimental"]  # the latter only for "omp simd"
    CYTHON_FLAGS = []
    LINK_FLAGS = []
else:
    # Without the two -fno- flags tanh and Adam's square root stay scalar. Never
    # -ffast-math: a NaN must stay one. Never -march=native: the row loops pick their
    # instruction set at run time, and one wheel serves all.
    COMMON_FLAGS = [
        "-O3",
        "-g0",
        "-pthread",
        "-fopenmp-simd",
        "-fno-math-errno",
        "-fno-trapping-math",
        "-fvisibility=hidden",
        "-Wall",
        "-Wextra",
    ]
    # What the C code that Cython writes trips over, and ours does not.
    CYTHON_FLAGS = [
        "-Wno-unused-parameter",
        "-Wno-missing-field-initializers",
        "-Wno-cast-function-type",
    ]
    LINK_FLAGS = ["-pthread"]

DIRECTIVES = {
    "language_level": "3",
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
}


def default_folders(distribution):
    """The ``build`` command's own folders.

    An editable install compiles in temporary folders, everything anew each time. Using
    these instead makes it as incremental as ``setup.py build_ext --inplace``.
    """
    build = distribution.get_command_class("build")(distribution)
    build.ensure_finalized()
    return build


class BuildPackage(build_py):
    """Takes the kernels along, which a checkout has beside the package."""

    def run(self):
        super().run()
        if not self.editable_mode:
            for source, target in self._kernels():
                self.mkpath(os.path.dirname(target))
                self.copy_file(source, target)

    def _kernels(self):
        return [
            (path, os.path.join(self.build_lib, "fastnn", path)) for path in KERNELS
        ]

    def get_outputs(self, include_bytecode=1):
        kernels = [target for _, target in self._kernels()]
        return super().get_outputs(include_bytecode) + kernels


class BuildLoops(build_clib):
    def finalize_options(self):
        super().finalize_options()
        folder = default_folders(self.distribution).build_temp
        self.build_clib = self.build_temp = folder

    def build_libraries(self, libraries):
        # Archivers add to a library that is there: it would keep what sources that
        # were renamed or deleted have left in it.
        for library in glob(f"{self.build_clib}/*fastnn_loops.*"):
            os.remove(library)
        super().build_libraries(libraries)


class BuildExtensions(build_ext):
    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()
        if self.editable_mode:
            build = default_folders(self.distribution)
            self.build_lib, self.build_temp = build.build_platlib, build.build_temp

    def run(self):
        self.run_command("build_clib")
        super().run()

    def build_extensions(self):
        translated = cythonize(
            self.extensions,
            compiler_directives=DIRECTIVES,
            nthreads=self.parallel if sys.platform == "linux" else 0,
            quiet=True,
        )
        c_sources = {extension.name: extension.sources for extension in translated}
        for extension in self.extensions:
            extension.sources = c_sources[extension.name]
        super().build_extensions()


extensions = [
    Extension(
        path.removesuffix(".pyx").replace("/", "."),
        [path],
        include_dirs=INCLUDE_DIRS,
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        extra_compile_args=COMMON_FLAGS + CYTHON_FLAGS,
        extra_link_args=LINK_FLAGS,
        depends=HEADERS + LOOPS,
    )
    for path in sorted(
        p.replace(os.sep, "/") for p in glob("fastnn/**/*.pyx", recursive=True)
    )
]

loops = (
    "fastnn_loops",
    {
        "sources": LOOPS,
        "include_dirs": INCLUDE_DIRS,
        "cflags": COMMON_FLAGS,
        "obj_deps": {"": HEADERS + LOOPS},
    },
)

setup(
    ext_modules=extensions,
    libraries=[loops],
    cmdclass={
        "build_clib": BuildLoops,
        "build_ext": BuildExtensions,
        "build_py": BuildPackage,
    },
)
