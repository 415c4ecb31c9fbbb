"""One network with two branches and two heads, on what a census asked 48,842 people.

One branch reads the numbers of the table, the other one the words. One head tells who
earns more than 50,000 dollars a year, the other one how many hours a week somebody
works. `cross_validate` judges it beside two networks of one output each, and beside
scikit-learn's gradient boosting. The pictures are branches_and_heads.svg, the network,
and branches_and_heads.png, the losses of its heads.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import fetch_openml
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.model_selection import KFold, cross_validate

from fastnn import (
    Branches,
    Heads,
    NeuralNet,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
)
from fastnn.layers import BatchNorm, Dense, Dropout
from fastnn.metrics import head_scorer

NUMBERS = ["age", "education-num", "capital-gain", "capital-loss"]
SCORING = {
    "income": head_scorer("income", "roc_auc"),
    "hours": head_scorer("hours", "r2"),
}
CV = KFold(5, shuffle=True, random_state=0)


def load():
    """The table "Adult", from OpenML."""
    return fetch_openml("adult", version=2, as_frame=True, parser="auto").frame


def make_data(table):
    """X, whose words have become columns of zeros and ones, and y of two columns."""
    X = table.drop(columns=["class", "hours-per-week", "fnlwgt"])
    X[["capital-gain", "capital-loss"]] = np.log1p(X[["capital-gain", "capital-loss"]])
    hours = table["hours-per-week"].astype(float)
    y = pd.DataFrame(
        {
            "income": np.where(table["class"] == ">50K", "more", "less"),
            "hours": (hours - 40) / 12,  # differences from a full week, about -3 to 5
        }
    )
    return pd.get_dummies(X).astype("float32"), y


def body():
    """What all networks here begin with."""
    return [
        Branches(
            [
                ("numbers", Sequential([BatchNorm(), Dense(32, "relu")]), NUMBERS),
                ("words", Dense(32, "relu"), "rest"),
            ]
        ),
        Dropout(0.1),
        Dense(32, "relu"),
    ]


def two_heads(**options):
    heads = Heads([("income", Dense(16, "relu")), ("hours", Dense(16, "relu"))])
    return NeuralNet(Sequential([*body(), heads]), **options)


def compare(X, y, cv=CV, **options):
    """Means over the folds of the score of each target, by the name of the model."""
    options = {"epochs": 10, "batch_size": 128, "random_state": 0} | options
    found = cross_validate(two_heads(**options), X, y, scoring=SCORING, cv=cv)
    scores = {"one network, two heads": [found[f"test_{name}"] for name in SCORING]}
    single = Sequential([*body(), Dense(16, "relu")])
    alone = {
        "two networks": [
            NeuralNetClassifier(single, **options),
            NeuralNetRegressor(single, **options),
        ],
        "gradient boosting": [
            HistGradientBoostingClassifier(random_state=0),
            HistGradientBoostingRegressor(random_state=0),
        ],
    }
    for name, models in alone.items():
        scores[name] = [
            cross_validate(model, X, y[target], scoring=scoring, cv=cv)["test_score"]
            for model, target, scoring in zip(
                models, SCORING, ["roc_auc", "r2"], strict=True
            )
        ]
    return scores


def draw_losses(history, axes):
    """The losses of a head on one axes each."""
    for ax, head in zip(axes, SCORING, strict=True):
        for name, label in (("loss", "training"), ("validation_loss", "validation")):
            losses = history[f"{name}_{head}"]
            ax.plot(range(1, len(losses) + 1), losses, label=label)
        ax.set(title=head, xlabel="Epoch", ylabel="Loss")
        ax.legend()


def main(table=None, folder="."):
    X, y = make_data(load() if table is None else table)
    print(f"{len(X)} people, {X.shape[1]} columns")
    print(f"{'':24}{'income, ROC AUC':>18}{'hours, R2':>18}")
    for name, of_heads in compare(X, y).items():
        cells = [f"{each.mean():.3f} ± {each.std():.3f}" for each in of_heads]
        print(f"{name:24}{cells[0]:>18}{cells[1]:>18}")

    model = two_heads(epochs=20, batch_size=128, validation=0.1, random_state=0)
    model.fit(X, y)
    model.summary()
    path = Path(folder) / "branches_and_heads"
    path.with_suffix(".svg").write_text(model.network.plot())
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    draw_losses(model.history_, axes)
    figure.savefig(path.with_suffix(".png"), dpi=100)
    print(f"The pictures are {path}.svg and .png.")


if __name__ == "__main__":
    main()
