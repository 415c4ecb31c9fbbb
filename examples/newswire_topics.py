"""Topics of newswire by Reuters, whose articles have from 5 to 964 words.

7,674 articles on one of 8 topics each (R8), 5,485 to train on and 2,189 to judge by.
A search over a pipeline of texts, tokens and a network chooses how many words it reads,
and what makes one vector of theirs; nothing is padded. The picture shows which
topics are taken for which.

python examples/newswire_topics.py          # fetches the articles
python examples/newswire_topics.py own.csv  # others: columns text, topic and split
"""

import sys
from pathlib import Path
from urllib.request import urlopen

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, balanced_accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from fastnn import NeuralNetClassifier, Sequential
from fastnn.layers import (
    GRU,
    Dropout,
    Embedding,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
)
from fastnn.optimizers import Adam
from fastnn.preprocessing import SequenceVectorizer

URL = "https://raw.githubusercontent.com/yao8839836/text_gcn/master/data"
MAX_TOKENS = 10_000


def load(source=None):
    """A table with the columns text, topic and split ("train" or "test")."""
    if source is not None:
        return pd.read_csv(source)
    # A line for each article: its number, its split and its topic.
    table = pd.read_csv(f"{URL}/R8.txt", sep="\t", names=["number", "split", "topic"])
    with urlopen(f"{URL}/corpus/R8.clean.txt") as response:
        return table.assign(text=response.read().decode().splitlines())


def new_model():
    """A pipeline of texts, tokens and a network; a search changes its parts."""
    layers = [
        Embedding(MAX_TOKENS, 64),
        Dropout(0.3),
        ("reader", GlobalAveragePooling1D()),
        Dropout(0.3),
    ]
    model = NeuralNetClassifier(
        Sequential(layers),
        epochs=8,
        batch_size=32,
        optimizer=Adam(3e-3),
        random_state=0,
    )
    return make_pipeline(SequenceVectorizer(MAX_TOKENS), model)


def grid():
    return {
        "sequencevectorizer__max_length": [40, None],
        "neuralnetclassifier__network__reader": [
            *(GlobalAveragePooling1D(), GlobalMaxPooling1D(), GRU(32)),
        ],
    }


def score(name, model, texts, y):
    """Accuracies of all articles, and of topics, each of which counts alike."""
    predicted = model.predict(texts)
    accuracy, balanced = np.mean(predicted == y), balanced_accuracy_score(y, predicted)
    print(f"{name:30}accuracy {accuracy:.3f}, mean of topics {balanced:.3f}")
    return accuracy


def main(source=None, table=None, folder="."):
    table = load(source) if table is None else table
    train, test = (table[table["split"] == split] for split in ("train", "test"))
    lengths = table["text"].str.split().str.len()
    print(f"{len(table):,} articles of {lengths.min()} to {lengths.max()} words")

    linear = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=30))
    linear.fit(train["text"], train["topic"])
    scores = {
        "linear": score(
            "tf-idf, logistic regression", linear, test["text"], test["topic"]
        )
    }

    search = GridSearchCV(new_model(), grid(), cv=2, error_score="raise")
    search.fit(train["text"], train["topic"])
    for number in np.argsort(search.cv_results_["rank_test_score"]):
        found = {name: column[number] for name, column in search.cv_results_.items()}
        accuracy, seconds = found["mean_test_score"], found["mean_fit_time"]
        chosen = ", ".join(map(str, found["params"].values()))
        print(f"{accuracy:.3f} in folds, {seconds:.1f} s a fit: {chosen}")
    scores["network"] = score("the best network", search, test["text"], test["topic"])

    figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
    ConfusionMatrixDisplay.from_estimator(
        search, test["text"], test["topic"], normalize="true", values_format=".0%",
        cmap="Blues", colorbar=False, xticks_rotation=45, ax=ax,
    )  # fmt: skip
    path = Path(folder) / "newswire_topics.png"
    figure.savefig(path, dpi=90)
    plt.close(figure)
    print(path)
    return scores


if __name__ == "__main__":
    main(*sys.argv[1:])
