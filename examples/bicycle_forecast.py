"""Rented bicycles: the next six hours forecast from the last day.

8,645 hours of a year in Washington (Fanaee-T and Gama, 2014). The seasonal forecast,
the same hour of the week before, costs nothing; models learn what departs from it. A
sample is a day of such departures, counts and weather, its targets are the departures
of the six hours behind it. Folds train on the past alone (`TimeSeriesSplit`). The
picture shows forecasts of a week that no model has seen, and errors by how many hours
ahead they are.

python examples/bicycle_forecast.py   # fetches the table, writes bicycle_forecast.png
"""

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import fetch_openml
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from fastnn import NeuralNetRegressor, Sequential
from fastnn.layers import LSTM, BatchNorm, Conv1D, Dense, Dropout, Flatten, MaxPooling1D
from fastnn.optimizers import Adam
from fastnn.preprocessing import sliding_windows
from fastnn.schedules import CosineDecay

DAY, WEEK, HORIZON = 24, 7 * 24, 6
# No target to train on may lie in what is forecast.
CV = TimeSeriesSplit(5, gap=HORIZON - 1)
SEASONAL = "a week before"


def load():
    """A row for each hour of 2011 that was recorded."""
    table = fetch_openml("Bike_Sharing_Demand", version=2, as_frame=True).frame
    return table[table["year"].astype(int) == 0]


def hourly(table):
    """Hour by hour: those that nobody recorded are like the ones before."""
    hour = table["hour"].to_numpy(int)
    places = np.concatenate([[0], np.cumsum(np.diff(hour) % DAY)])
    table = table.assign(place=places).set_index("place")
    filled = table.reindex(np.arange(places[-1] + 1)).ffill()
    return filled.assign(hour=(hour[0] + filled.index) % DAY)


def series(table):
    """Features of each hour, bicycles rented in it, and in that of the week before."""
    count = table["count"].astype(float)
    before = count.shift(WEEK)
    angle = 2 * np.pi * table["hour"] / DAY
    working = table["workingday"].astype(str).str.lower().isin(["true", "1"])
    features = [
        *(count / 100, (count - before) / 100, table["temp"] / 40, table["humidity"]),
        *(np.sin(angle), np.cos(angle), working),
    ]
    features = np.stack([np.asarray(each, np.float32) for each in features], axis=1)
    return features[WEEK:], count.to_numpy()[WEEK:], before.to_numpy()[WEEK:]


def network(*layers, epochs, learning_rate):
    model = NeuralNetRegressor(
        Sequential([BatchNorm(), *layers]),
        epochs=epochs,
        batch_size=64,
        optimizer=Adam(learning_rate),
        schedule=CosineDecay(),
        random_state=0,
    )
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def models():
    columns = FunctionTransformer(lambda X: X.reshape(len(X), -1))
    return {
        # No departure at all.
        SEASONAL: DummyRegressor(strategy="constant", constant=np.zeros(HORIZON)),
        "linear": make_pipeline(columns, StandardScaler(), Ridge(300)),
        "dense": network(
            *(Flatten(), Dense(64, "relu"), Dropout(0.3)), epochs=8, learning_rate=2e-3
        ),
        "convolutions": network(
            *(Conv1D(32, 5, "relu", padding="causal"), MaxPooling1D(2)),
            *(Conv1D(32, 5, "relu", padding="causal"), Flatten(), Dropout(0.3)),
            epochs=5,
            learning_rate=2e-3,
        ),
        "LSTM": network(
            *(Dropout(0.1), LSTM(32), Dropout(0.3)), epochs=5, learning_rate=3e-3
        ),
    }


def compare(models, X, departures, y):
    """Forecasts of what the folds test, one fold behind the other, by model."""
    before = y - departures
    forecasts = {}
    for name, model in models.items():
        start, parts, errors = time.perf_counter(), [], []
        for train, test in CV.split(X):
            predicted = model.fit(X[train], departures[train]).predict(X[test])
            parts.append(np.maximum(before[test] + predicted, 0))
            errors.append(mean_absolute_error(y[test], parts[-1]))
        forecasts[name] = np.concatenate(parts)
        seconds = (time.perf_counter() - start) / CV.n_splits
        folds = "  ".join(f"{error:.1f}" for error in errors)
        print(f"{name:15}{np.mean(errors):5.1f}   ({folds}){seconds:6.1f} s a fit")
    return forecasts


def draw(forecasts, y, first_hour, folder):
    figure, (ax, by_hour) = plt.subplots(
        1, 2, figsize=(13, 4), width_ratios=[2, 1], layout="constrained"
    )
    # The last whole week but one, four forecasts a day.
    begins = (first_hour + np.arange(len(y))) % DAY % HORIZON == 0
    chosen = np.flatnonzero(begins)[-2 * WEEK // HORIZON : -WEEK // HORIZON]
    hours = np.arange(WEEK)
    ax.plot(hours, y[chosen].ravel(), color="black", label="rented")
    for name in (SEASONAL, "LSTM"):
        ax.plot(hours, forecasts[name][chosen].ravel(), lw=1, label=name)
    ax.set_xticks(hours[::DAY])
    ax.set(xlabel="Hours; every six are forecast at once", ylabel="Bicycles")
    ax.legend(fontsize=8)
    for name, forecast in forecasts.items():
        error = np.abs(forecast - y).mean(axis=0)
        by_hour.plot(np.arange(1, HORIZON + 1), error, "o-", ms=3, label=name)
    by_hour.set(xlabel="Hours ahead", ylabel="Mean absolute error", ylim=(0, None))
    by_hour.legend(fontsize=8)
    path = Path(folder) / "bicycle_forecast.png"
    figure.savefig(path, dpi=90)
    plt.close(figure)
    print(path)


def main(table=None, folder="."):
    table = hourly(load() if table is None else table)
    features, count, before = series(table)
    X, y = sliding_windows(features, DAY, HORIZON, y=count)
    _, departures = sliding_windows(features, DAY, HORIZON, y=count - before)
    print(f"{len(X):,} windows; mean absolute error of {HORIZON} hours, by fold")
    forecasts = compare(models(), X, departures, y)
    tested = np.concatenate([test for _, test in CV.split(X)])
    first_hour = table["hour"].iloc[0] + WEEK + DAY + tested[0]
    draw(forecasts, y[tested], first_hour, folder)
    return {
        name: mean_absolute_error(y[tested], forecast)
        for name, forecast in forecasts.items()
    }


if __name__ == "__main__":
    main()
