"""Choose layer sizes and regularisation by cross-validation, then save the model."""

import tempfile
from pathlib import Path

import joblib
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import MLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# Early stopping sets a tenth of the training data aside and ends when the score on it
# no longer grows.
model = MLPClassifier(early_stopping=True, learning_rate_init=0.003, random_state=0)
search = GridSearchCV(
    make_pipeline(StandardScaler(), model),
    {
        "mlpclassifier__hidden_layer_sizes": [(64,), (128,), (64, 64)],
        "mlpclassifier__alpha": [1e-4, 1e-2],
    },
    cv=3,
)
search.fit(X_train, y_train)
print("best parameters:", search.best_params_)
print(f"accuracy on unseen data: {search.score(X_test, y_test):.3f}")

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.joblib"
    joblib.dump(search.best_estimator_, path)
    restored = joblib.load(path)
    print(f"saved: {path.stat().st_size / 1024:.0f} kB")
    assert (restored.predict(X_test) == search.predict(X_test)).all()
