"""Film reviews told apart: five models, from counted words to a small transformer.

10,662 sentences from reviews of films, half of them in favour (Pang and Lee, ACL 2005).
Each model is a pipeline that takes texts, and is judged by cross-validation with
scikit-learn. The picture shows their accuracy, and what two of them make of a sentence
word by word.

python examples/sentiment.py               # fetches the reviews, writes sentiment.png
python examples/sentiment.py reviews.csv   # others: columns text and label
"""

import io
import sys
import tarfile
from pathlib import Path
from urllib.request import urlopen

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import get_data_home
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from fastnn import NeuralNetClassifier, Residual, Sequential
from fastnn.layers import (
    LSTM,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    GlobalAveragePooling1D,
    LayerNorm,
    MultiHeadAttention,
    PositionEmbedding,
)
from fastnn.preprocessing import SequenceVectorizer, multi_hot

URL = "https://www.cs.cornell.edu/people/pabo/movie-review-data/rt-polaritydata.tar.gz"
MAX_TOKENS = 10_000
CV = StratifiedKFold(5, shuffle=True, random_state=0)
WORDS = {"token_pattern": r"\w+|[!?]"}
SENTENCES = [
    "the plot is thin, but the actors are so good that nobody will mind.",
    "a brilliant cast, and two hours of my life that i will never get back.",
]


def load(source=None):
    """Texts and labels, of a table or of the web."""
    if source is not None:
        table = pd.read_csv(source)
        return table["text"].tolist(), table["label"].to_numpy()
    path = Path(get_data_home()) / "rt-polaritydata.tar.gz"
    if not path.exists():
        with urlopen(URL) as response:
            path.write_bytes(response.read())
    texts, labels = [], []
    with tarfile.open(path) as archive:
        for label in ("neg", "pos"):
            file = archive.extractfile(f"rt-polaritydata/rt-polarity.{label}")
            lines = io.TextIOWrapper(file, "latin1").read().splitlines()
            texts += lines
            labels += [label] * len(lines)
    return texts, np.array(labels)


def sequences(*layers, epochs, **options):
    """A pipeline of texts, tokens and a network that begins with an embedding."""
    network = Sequential([Embedding(MAX_TOKENS, 64), *layers])
    model = NeuralNetClassifier(
        network, epochs=epochs, batch_size=64, random_state=0, **options
    )
    return make_pipeline(SequenceVectorizer(MAX_TOKENS, **WORDS), model)


def encoder(units, heads):
    """A block of a transformer, normalised before each part."""
    attention = MultiHeadAttention(heads, units // heads, dropout=0.1)
    feed_forward = [Dense(2 * units, "gelu"), Dropout(0.1), Dense(units)]
    return Sequential(
        [
            Residual(Sequential([LayerNorm(), attention])),
            Residual(Sequential([LayerNorm(), *feed_forward])),
        ]
    )


def models():
    rows = FunctionTransformer(multi_hot, kw_args={"num_tokens": MAX_TOKENS})
    dense = NeuralNetClassifier(
        Sequential([Dense(32, "relu"), Dropout(0.5)]),
        epochs=5,
        batch_size=64,
        random_state=0,
    )
    return {
        "tf-idf, logistic regression": make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
            LogisticRegression(C=10),
        ),
        "words that occur, dense": make_pipeline(
            SequenceVectorizer(MAX_TOKENS, **WORDS), rows, dense
        ),
        "embedding, mean": sequences(
            *(Dropout(0.3), GlobalAveragePooling1D(), Dropout(0.3)), epochs=8
        ),
        "embedding, LSTM": sequences(
            *(Dropout(0.4), Bidirectional(LSTM(32)), Dropout(0.4)), epochs=4
        ),
        "embedding, transformer": sequences(
            *(PositionEmbedding(128), Dropout(0.3), encoder(64, 4), LayerNorm()),
            *(GlobalAveragePooling1D(), Dropout(0.3)),
            epochs=4,
        ),
    }


def compare(pipelines, texts, y):
    """A table of accuracies and seconds, fold by fold."""
    rows = {}
    for name, pipeline in pipelines.items():
        found = cross_validate(pipeline, texts, y, cv=CV, error_score="raise")
        rows[name] = accuracy, seconds = found["test_score"], found["fit_time"]
        spread = f"{accuracy.mean():.3f} ± {accuracy.std():.3f}"
        print(f"{name:30}{spread}{np.median(seconds):9.1f} s a fit")
    return rows


def draw_comparison(ax, rows):
    for name, (accuracy, _) in reversed(rows.items()):
        ax.errorbar(accuracy.mean(), name, xerr=accuracy.std(), fmt="o", capsize=3)
    ax.set(xlabel="Accuracy of the folds")
    ax.margins(y=0.15)


def draw_sentence(ax, fitted, sentence):
    """What models say of the first words, word by word."""
    words = sentence.split()
    beginnings = [" ".join(words[: n + 1]) for n in range(len(words))]
    for name, pipeline in fitted.items():
        ax.plot(pipeline.predict_proba(beginnings)[:, 1], "o-", ms=3, label=name)
    ax.axhline(0.5, color="gray", lw=0.7)
    ax.set_xticks(range(len(words)), words, rotation=60, ha="right", fontsize=8)
    ax.set(ylim=(0, 1), ylabel=f"Probability of {pipeline.classes_[1]}")


def draw(rows, fitted, folder):
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    draw_comparison(axes[0], rows)
    for ax, sentence in zip(axes[1:], SENTENCES, strict=True):
        draw_sentence(ax, fitted, sentence)
    axes[1].legend(fontsize=8)
    path = Path(folder) / "sentiment.png"
    figure.savefig(path, dpi=90)
    plt.close(figure)
    print(path)


def main(source=None, data=None, folder="."):
    texts, y = load(source) if data is None else data
    print(f"{len(texts):,} texts, of which {np.mean(y == y[-1]):.0%} are {y[-1]}")
    pipelines = models()
    rows = compare(pipelines, texts, y)
    shown = ["tf-idf, logistic regression", "embedding, LSTM"]
    draw(rows, {name: pipelines[name].fit(texts, y) for name in shown}, folder)
    return rows


if __name__ == "__main__":
    main(*sys.argv[1:])
