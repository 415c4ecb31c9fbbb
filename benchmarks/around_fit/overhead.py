"""``python -m benchmarks.around_fit.overhead``: a fit with hardly any arithmetic.

One epoch on 100 rows of 5 features, and beside it what scikit-learn's own classifier
spends on validating and encoding the same input before it trains. Prints JSON.
"""

import json
import warnings

from sklearn import neural_network

import fastnn
from benchmarks.suite.workloads import WORKLOADS
from benchmarks.timing import seconds_per_call


def measure():
    warnings.simplefilter("ignore")
    X, y = WORKLOADS["W1"].data()
    X, y = X[:100, :5].copy(), y[:100]
    options = {"max_iter": 1, "n_iter_no_change": 1, "random_state": 0}
    ours = fastnn.MLPClassifier(**options)
    theirs = neural_network.MLPClassifier(**options)

    def validate_and_encode():
        _, labels = theirs._validate_input(X, y, incremental=False, reset=True)
        theirs._label_binarizer.transform(labels)

    calls = {
        "fastnn": lambda: ours.fit(X, y),
        "sklearn": lambda: theirs.fit(X, y),
        "validation": validate_and_encode,
        "parameters": theirs._validate_params,
    }
    return {name: seconds_per_call(call, 0.5) for name, call in calls.items()}


if __name__ == "__main__":
    print(json.dumps(measure()))
