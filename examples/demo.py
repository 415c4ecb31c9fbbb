"""fastnn next to scikit-learn: the same pipelines, cross-validated on real data.

Prints scores and times of both, and draws their loss curves into demo.png.
"""

import argparse
import time
import warnings
from statistics import median

import numpy as np
from matplotlib.figure import Figure
from sklearn import neural_network
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import fastnn

# name, data, estimator, hyper-parameters of both libraries
TASKS = [
    ("digits", load_digits, "MLPClassifier", {"hidden_layer_sizes": (100,)}),
    ("breast cancer", load_breast_cancer, "MLPClassifier", {"batch_size": 32}),
    (
        "diabetes",
        load_diabetes,
        "MLPRegressor",
        {"hidden_layer_sizes": (64, 64), "batch_size": 32, "alpha": 1.0},
    ),
]
EPOCHS = 60
LIBRARIES = {"scikit-learn": (neural_network, {}), "fastnn": (fastnn, {"n_jobs": 1})}


def new_pipeline(library, estimator, parameters):
    """The pipeline; the estimators of both libraries differ only in their import."""
    module, extra = LIBRARIES[library]
    model = getattr(module, estimator)(
        **parameters,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,  # no early stop: both make the same number of epochs
        random_state=0,
        **extra,
    )
    return make_pipeline(StandardScaler(), model)


def compare(X, y, estimator, parameters, folds=5, rounds=3):
    """Scores and median seconds of cross_val_score, the libraries taking turns."""
    seconds = {library: [] for library in LIBRARIES}
    scores = {}
    for _ in range(rounds):
        for library in LIBRARIES:
            pipeline = new_pipeline(library, estimator, parameters)
            start = time.perf_counter()
            scores[library] = cross_val_score(pipeline, X, y, cv=folds)
            seconds[library].append(time.perf_counter() - start)
    return scores, {library: median(seconds[library]) for library in LIBRARIES}


def print_row(name, X, scores, seconds):
    sklearn, ours = "scikit-learn", "fastnn"
    cells = [f"{scores[lib].mean():.3f} ± {scores[lib].std():.3f}" for lib in LIBRARIES]
    print(
        f"{name:<14}{'x'.join(map(str, X.shape)):<10}"
        f"{cells[0]:>16}{cells[1]:>16}"
        f"{seconds[sklearn]:>13.2f} s{seconds[ours]:>9.2f} s"
        f"{seconds[sklearn] / seconds[ours]:>7.1f}x"
    )


def draw_losses(axes, name, X, y, estimator, parameters):
    styles = {"scikit-learn": {"lw": 5, "alpha": 0.35}, "fastnn": {"lw": 1.5}}
    for library, style in styles.items():
        model = new_pipeline(library, estimator, parameters).fit(X, y)[-1]
        epochs = np.arange(1, model.n_iter_ + 1)
        axes.plot(epochs, model.loss_curve_, label=library, **style)
    axes.set(title=name, xlabel="epoch", ylabel="training loss", yscale="log")
    axes.legend()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--picture", default="demo.png", help="where the curves go")
    picture = parser.parse_args().picture
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    print("5-fold cross_val_score of make_pipeline(StandardScaler(), MLP...), float32,")
    print(f"Adam, {EPOCHS} epochs, one thread each; seconds are medians of 3 turns.\n")
    print(
        f"{'':<24}{'--- score: mean ± std ---':^32}"
        f"{'--- seconds ---':^26}\n"
        f"{'data':<14}{'X':<10}{'scikit-learn':>16}{'fastnn':>16}"
        f"{'scikit-learn':>15}{'fastnn':>11}{'ratio':>8}"
    )
    for axes, (name, load, estimator, parameters) in zip(
        figure.subplots(1, len(TASKS)), TASKS, strict=True
    ):
        X, y = load(return_X_y=True)
        X = X.astype(np.float32)  # scikit-learn computes in the dtype of X
        print_row(name, X, *compare(X, y, estimator, parameters))
        draw_losses(axes, name, X, y, estimator, parameters)
    figure.savefig(picture, dpi=120)
    print(f"\nThe loss curves of both are in {picture}.")


if __name__ == "__main__":
    # "Maximum iterations reached" is the point here, not a problem.
    warnings.simplefilter("ignore", ConvergenceWarning)
    with threadpool_limits(1):
        main()
