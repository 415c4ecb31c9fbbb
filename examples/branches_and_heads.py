"""One network with two branches and two heads, on a census of 48,842 people.

A pipeline scales the numbers of the table and makes columns of zeros and ones of its
words, and a branch of the network reads each. One head tells who earns more than 50,000
dollars a year, the other one how many hours a week somebody works. `cross_validate`
judges it beside two networks of one output each, and beside
scikit-learn's gradient boosting. The pictures are branches_and_heads.svg, the network,
and branches_and_heads.png, the losses of its heads.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import fetch_openml
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.model_selection import KFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fastnn import (
    Branches,
    Heads,
    NeuralNet,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
)
from fastnn.layers import Dense, Dropout
from fastnn.metrics import head_scorer

NUMBERS = ["age", "education-num", "capital-gain", "capital-loss"]
SCORING = {"income": "roc_auc", "hours": "r2"}
OPTIONS = {"epochs": 10, "batch_size": 128, "random_state": 0}
CV = KFold(5, shuffle=True, random_state=0)


def load():
    """The table "Adult", from OpenML."""
    return fetch_openml("adult", version=2, as_frame=True).frame


def make_data(table):
    """X, and y of two columns."""
    X = table.drop(columns=["class", "hours-per-week", "fnlwgt"])
    X[["capital-gain", "capital-loss"]] = np.log1p(X[["capital-gain", "capital-loss"]])
    hours = table["hours-per-week"].astype(float)
    y = pd.DataFrame(
        {
            "income": np.where(table["class"] == ">50K", "more", "less"),
            "hours": (hours - 40) / 12,  # differences from a full week, about -3 to 5
        }
    )
    return X, y


def with_columns(model):
    """A pipeline that ends in the model, which reads a data frame of numbers."""
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer(
        (StandardScaler(), NUMBERS),
        (words, make_column_selector(dtype_exclude="number")),
        verbose_feature_names_out=False,
    )
    return make_pipeline(columns.set_output(transform="pandas"), model)


def body():
    """What all networks here begin with."""
    return [
        Branches(
            [
                ("numbers", Dense(32, "relu"), NUMBERS),
                ("words", Dense(32, "relu"), "rest"),
            ]
        ),
        Dropout(0.1),
        Dense(32, "relu"),
    ]


def two_heads(**options):
    heads = Heads([("income", Dense(16, "relu")), ("hours", Dense(16, "relu"))])
    network = Sequential([*body(), heads])
    return with_columns(NeuralNet(network, **(OPTIONS | options)))


def two_networks(**options):
    network = Sequential([*body(), Dense(16, "relu")])
    options = OPTIONS | options
    return (
        with_columns(NeuralNetClassifier(network, **options)),
        with_columns(NeuralNetRegressor(network, **options)),
    )


def boosting():
    return (
        with_columns(HistGradientBoostingClassifier(random_state=0)),
        with_columns(HistGradientBoostingRegressor(random_state=0)),
    )


def scores_of_heads(model, X, y, cv):
    """Scores of each fold, by target."""
    scoring = {name: head_scorer(name, each) for name, each in SCORING.items()}
    found = cross_validate(model, X, y, scoring=scoring, cv=cv)
    return {name: found[f"test_{name}"] for name in SCORING}


def scores_of_models(models, X, y, cv):
    """The same, of a model for each target."""
    return {
        name: cross_val_score(model, X, y[name], scoring=scoring, cv=cv)
        for model, (name, scoring) in zip(models, SCORING.items(), strict=True)
    }


def draw_losses(history, axes):
    """The losses of a head on one axes each."""
    for ax, head in zip(axes, SCORING, strict=True):
        for name, label in (("loss", "training"), ("validation_loss", "validation")):
            losses = history[f"{name}_{head}"]
            ax.plot(range(1, len(losses) + 1), losses, label=label)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(title=head, xlabel="Epoch", ylabel="Loss")
        ax.legend()


def main(table=None, folder="."):
    X, y = make_data(load() if table is None else table)
    print(f"{len(X)} people, {X.shape[1]} columns")
    print(f"{'':24}{'income, ROC AUC':>18}{'hours, R2':>18}")
    for name, scores in {
        "one network, two heads": scores_of_heads(two_heads(), X, y, CV),
        "two networks": scores_of_models(two_networks(), X, y, CV),
        "gradient boosting": scores_of_models(boosting(), X, y, CV),
    }.items():
        cells = [f"{each.mean():.3f} ± {each.std():.3f}" for each in scores.values()]
        print(f"{name:24}{cells[0]:>18}{cells[1]:>18}")

    *_, model = two_heads(epochs=20, validation=0.1).fit(X, y)
    model.summary()
    path = Path(folder) / "branches_and_heads"
    path.with_suffix(".svg").write_text(model.network.plot())
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    draw_losses(model.history_, axes)
    figure.savefig(path.with_suffix(".png"), dpi=100)
    print(f"The pictures are {path}.svg and .png.")


if __name__ == "__main__":
    main()
