"""The same code under two imports: scikit-learn's perceptron, then fastnn's.

Prints the scores of both, which agree, and the time that each task took.
"""

import time
import warnings
from statistics import median

import numpy as np
from sklearn import neural_network
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import fastnn

LIBRARIES = {"scikit-learn": neural_network, "fastnn": fastnn}
ROUNDS = 3


def load(dataset):
    X, y = dataset(return_X_y=True)
    return X.astype(np.float32), y  # scikit-learn computes in the type of X


# Code of ten years. `library` is what its import line says.


def cross_validate_digits(library):
    X, y = load(load_digits)
    model = library.MLPClassifier((100,), max_iter=30, random_state=0)
    return cross_val_score(make_pipeline(StandardScaler(), model), X, y, cv=3).mean()


def search_penalties(library):
    X, y = load(load_breast_cancer)
    model = library.MLPClassifier(
        (32, 16), batch_size=32, early_stopping=True, random_state=0
    )
    pipeline = make_pipeline(StandardScaler(), model)
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4, 1e-1]}, cv=3)
    return search.fit(X, y).best_score_


def fit_a_regressor_by_lbfgs(library):
    X, y = load(load_diabetes)
    model = library.MLPRegressor(
        hidden_layer_sizes=(16,),
        solver="lbfgs",
        alpha=30.0,
        max_iter=60,
        random_state=0,
    )
    return cross_val_score(make_pipeline(StandardScaler(), model), X, y, cv=3).mean()


def learn_from_a_stream(library):
    X, y = load(load_digits)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    model = library.MLPClassifier((200,), random_state=0)
    for _ in range(10):
        for start in range(0, len(X_train), 100):
            batch = slice(start, start + 100)
            model.partial_fit(X_train[batch], y_train[batch], classes=np.arange(10))
    return model.score(X_test, y_test)


TASKS = [
    cross_validate_digits,
    search_penalties,
    fit_a_regressor_by_lbfgs,
    learn_from_a_stream,
]


def compare(task, rounds):
    """Score and median seconds of each library, which take turns."""
    seconds = {name: [] for name in LIBRARIES}
    scores = {}
    for _ in range(rounds):
        for name, library in LIBRARIES.items():
            start = time.perf_counter()
            scores[name] = task(library)
            seconds[name].append(time.perf_counter() - start)
    return scores, {name: median(seconds[name]) for name in LIBRARIES}


def largest_difference():
    """Of any weight after ten epochs in float64, with the samples in one order."""
    X, y = load_digits(return_X_y=True)
    options = {"max_iter": 10, "shuffle": False, "random_state": 0}
    theirs = neural_network.MLPClassifier(**options).fit(X / 16, y)
    ours = fastnn.MLPClassifier(**options, dtype=None).fit(X / 16, y)
    return max(
        np.abs(a - b).max() for a, b in zip(ours.coefs_, theirs.coefs_, strict=True)
    )


def main():
    print(f"One thread each; seconds are medians of {ROUNDS} turns.\n")
    print(f"{'':<26}{'------ score ------':^24}{'------ seconds ------':^24}")
    print(
        f"{'task':<26}" + "".join(f"{name:>13}" for name in [*LIBRARIES] * 2), "ratio"
    )
    for task in TASKS:
        scores, seconds = compare(task, ROUNDS)
        print(
            f"{task.__name__.replace('_', ' '):<26}"
            + "".join(f"{scores[name]:>13.3f}" for name in LIBRARIES)
            + "".join(f"{seconds[name]:>13.3f}" for name in LIBRARIES)
            + f"{seconds['scikit-learn'] / seconds['fastnn']:>6.1f}"
        )
    print(f"\nWithout shuffling, weights differ by at most {largest_difference():.1e}.")


if __name__ == "__main__":
    # "Maximum iterations reached" is the point here, not a problem.
    warnings.simplefilter("ignore", ConvergenceWarning)
    with threadpool_limits(1):
        main()
