"""``python -m benchmarks.around_fit.importing MODULE``: seconds of an import."""

import importlib
import json
import sys
import time

if __name__ == "__main__":
    start = time.perf_counter()
    importlib.import_module(sys.argv[1])
    print(json.dumps({"seconds": time.perf_counter() - start}))
