"""Train on sparse rows, as text vectorizers give them, without making them dense."""

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from fastnn import MLPClassifier

# Sentences of two topics that share most of their words.
rng = np.random.default_rng(0)
shared = [f"word{i}" for i in range(3000)]
topics = {
    "garden": ["leaf", "root", "seed", "soil", "rain"],
    "harbour": ["ship", "rope", "tide", "crane", "pier"],
}
names = rng.choice(list(topics), size=2000)
sentences = [
    " ".join([*rng.choice(shared, size=30), *rng.choice(topics[name], size=2)])
    for name in names
]

# Dense, X would take 2,000 x 65,536 x 4 bytes: half a gigabyte.
pipeline = make_pipeline(
    HashingVectorizer(n_features=2**16, dtype=np.float32),
    MLPClassifier((16,), learning_rate_init=0.01, early_stopping=True, random_state=0),
)
scores = cross_val_score(pipeline, sentences, names, cv=3)
print(f"accuracy: {scores.mean():.3f} ± {scores.std():.3f}")
