# Each target sets up what it needs (a virtual environment in .venv, the build, the
# packages) and does the job. A second call repeats nothing that has not changed.

PYTHON ?= python3
VENV ?= .venv
CC ?= cc
PYTEST_FLAGS ?=
SANITIZE_FLAGS ?=
BENCH_FLAGS ?=
ASV_RANGE ?= main~3..main
BASE ?= main~1
N ?= 10000
SEED ?= 1000
JOBS ?= 2

RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check --quiet
SOURCES := setup.py pyproject.toml $(shell find csrc -name "*.[ch]") \
	$(shell find fastnn -name "*.pyx" -o -name "*.pxd")
C_FILES := $(shell find csrc tests -name "*.[ch]" -o -name "*.cu")

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-instructions test-long test-whole test-cuda fuzz sanitize lint \
	format docs-tables bench performance bench-cuda bench-compare asv wheel clean

help:  ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */make \1|/' \
		| awk -F '|' '{ printf "%-20s %s\n", $$1, $$2 }'
	@echo
	@echo "PYTHON=python3.12 picks another Python than python3, VENV=folder another folder"
	@echo "than .venv, PYTEST_FLAGS and BENCH_FLAGS add to the commands of test and of the"
	@echo "benchmarks, ASV_RANGE=main~9..main and BASE=main~5 choose revisions."
	@echo "make fuzz N=300000 SEED=1000 JOBS=2 chooses how many cases, from which one on."
	@echo "make sanitize SANITIZE_FLAGS=thread (address, refusals) runs one part, --choice"
	@echo "some of the tests of each."

demo: $(VENV)/.ready-demo  ## Cross-validate fastnn next to scikit-learn on real data
	$(RUN) examples/demo.py

test: $(VENV)/.ready-test  ## Run the tests
	$(RUN) tests/side_by_side.py $(PYTEST_FLAGS)

# How often tests that draw a moment or a place do so, and how many fits a process makes.
LONG := FASTNN_TEST_SIGNALS=60 FASTNN_TEST_LINES=400 FASTNN_TEST_KILLS=150 \
	FASTNN_TEST_FITS=10000
test-long: $(VENV)/.ready-test  ## Run the tests of signals, deaths and memory far longer
	$(LONG) $(RUN) -m pytest $(PYTEST_FLAGS) $(addprefix tests/process/test_, \
		signals.py interrupts.py deaths.py memory_bounds.py)

# Each combination where `make test` takes pairs of values, and blocks of an emulated card
# of as many threads as on a card.
test-whole: $(VENV)/.ready-test  ## Run what make test takes in part, in full
	FASTNN_TEST_WHOLE=1 $(RUN) -m pytest $(PYTEST_FLAGS) -m pairs
	FASTNN_TEST_WHOLE=1 $(RUN) -m pytest $(PYTEST_FLAGS) -m "not pairs" tests/cuda

test-instructions: $(VENV)/.ready-test  ## Test what is computed, as on older processors
	$(RUN) tests/instruction_sets.py $(PYTEST_FLAGS)

# What has passed is noted when all of it has: not where PYTEST_FLAGS may choose tests.
test-cuda: $(VENV)/.ready-test-cuda  ## Run the tests of GPUs on an NVIDIA card, and look for races
	FASTNN_TEST_CARD=1 FASTNN_TEST_WHOLE=1 $(RUN) -m pytest $(PYTEST_FLAGS) \
		$(wildcard tests/cuda/test_cuda_*.py)
	$(RUN) tests/cuda/sanitize_cuda.py
	$(if $(PYTEST_FLAGS),,PYTHONPATH=.:tests $(RUN) tests/cuda/gpu_support.py --passed)

# One seed is one case. N=1 runs a case again and tells all about it.
fuzz: $(VENV)/.ready-test  ## Run N random cases, from SEED on, in JOBS processes
	cd tests && $(abspath $(RUN)) -m fuzz $(SEED) --cases $(N) --jobs $(JOBS)

# A part is passed over, and says so, where the compiler has no such sanitizer.
sanitize: $(VENV)/.ready-test  ## Run the core's tests under gcc's sanitizers, and without memory
	$(RUN) tests/sanitizers $(SANITIZE_FLAGS)

lint: $(VENV)/.ready-dev  ## Check style, types, layering and compiler warnings
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	PATH="$(abspath $(VENV))/bin:$$PATH" cython-lint fastnn
	$(VENV)/bin/clang-format --dry-run -Werror $(C_FILES)
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports
	for file in $(filter %.c,$(C_FILES)); do \
		$(CC) -O3 -fopenmp-simd -fno-math-errno -fno-trapping-math \
			-Wall -Wextra -Werror -Icsrc -c $$file -o /dev/null || exit 1; \
	done

format: $(VENV)/.ready-dev  ## Rewrite the sources in the project's style
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .
	$(VENV)/bin/clang-format -i $(C_FILES)

docs-tables: $(VENV)/.ready-test  ## Write the tables of the pages on GPUs anew
	PYTHONPATH=.:tests $(RUN) tests/cuda/gpu_support.py
	$(RUN) -m benchmarks.cuda --predict

bench: $(VENV)/.ready-bench  ## Time training against scikit-learn and other peers
	$(RUN) -m benchmarks.peers $(BENCH_FLAGS)

performance: $(VENV)/.ready-peers  ## Measure anew every number of docs/performance.md
	$(RUN) -m benchmarks.report --again $(BENCH_FLAGS)

# The card is looked for before the gigabytes of what it is compared with are fetched.
bench-cuda: $(VENV)/.ready-cuda  ## Time training on an NVIDIA card, and write its page
	$(RUN) -m benchmarks.cuda --missing
	$(MAKE) $(VENV)/.ready-bench-cuda
	$(RUN) -m benchmarks.cuda $(BENCH_FLAGS)

bench-compare: $(VENV)/.ready-bench  ## Fail if this tree is 10% slower than BASE
	$(RUN) -m benchmarks.compare --base $(BASE) $(BENCH_FLAGS)

asv: $(VENV)/.ready-bench  ## Time the last commits with asv; pages in benchmarks/.asv/html
	cd benchmarks && $(abspath $(RUN)) -m asv machine --yes
	cd benchmarks && $(abspath $(RUN)) -m asv run --skip-existing-commits --show-stderr $(ASV_RANGE)
	cd benchmarks && $(abspath $(RUN)) -m asv publish

wheel: $(VENV)/.ready-dev  ## Build an sdist and a wheel into dist/
	$(RUN) -m build

clean:  ## Remove builds, caches and the virtual environment
	rm -rf $(VENV) build dist *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
	find fastnn -name "*.c" -o -name "*.so" | xargs rm -f

# An editable install with the packages of one extra: demo, test, dev, cuda, bench, ...
$(VENV)/.ready-%: $(SOURCES) | $(VENV)/.build-requirements
	PYTHONWARNINGS=ignore $(PIP) install --no-build-isolation --editable '.[$*]'
	@touch $@

# What pyproject.toml names under build-system, once, so that builds need not fetch it.
$(VENV)/.build-requirements: pyproject.toml | $(RUN)
	$(RUN) -c "import tomllib; \
		build = tomllib.load(open('pyproject.toml', 'rb'))['build-system']; \
		print(*build['requires'], sep='\n')" > $(VENV)/build-requirements.txt
	$(PIP) install --upgrade pip -r $(VENV)/build-requirements.txt
	@touch $@

$(RUN):
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and \
		'fastnn needs Python 3.11 or newer: make PYTHON=python3.11 ...')"
	$(PYTHON) -m venv $(VENV)
