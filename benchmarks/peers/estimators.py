"""What the peers with scikit-learn's interface share: the same arguments for all."""

import time
import warnings


def timed_fit(estimator, workload, X, y, epochs, shuffle=True, **extra):
    model = estimator(
        hidden_layer_sizes=workload.hidden,
        solver="adam",
        batch_size=workload.batch_size,
        max_iter=epochs,
        n_iter_no_change=epochs,  # never stops before max_iter
        shuffle=shuffle,
        random_state=0,
        **extra,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "maximum iterations reached" is the point
        start = time.perf_counter()
        model.fit(X, y)
        seconds = time.perf_counter() - start
    if model.n_iter_ != epochs:
        raise RuntimeError(f"{epochs} epochs were asked for, {model.n_iter_} made")
    return seconds, model.loss_
