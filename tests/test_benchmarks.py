"""The benchmarks run and measure what they say."""

import importlib

import numpy as np
import pytest
from scipy import sparse

workloads = pytest.importorskip(
    "benchmarks.suite.workloads", reason="needs the checkout", exc_type=ImportError
)
measure = importlib.import_module("benchmarks.peers.measure")
peers = importlib.import_module("benchmarks.peers.__main__")
precision = importlib.import_module("benchmarks.precision")

SMALL = workloads.Workload(300, 7, (5,), 3, 50)


@pytest.mark.parametrize("n_classes", [1, 2, 4])
@pytest.mark.parametrize("density", [1, 0.1])
def test_workload_data_are_as_described(n_classes, density):
    workload = workloads.Workload(500, 20, (5,), n_classes, 50, density)
    X, y = workload.data()
    assert X.shape == (500, 20)
    assert X.dtype == np.float32
    assert sparse.issparse(X) == (density < 1)
    if n_classes > 1:
        assert sorted(set(y.tolist())) == list(range(n_classes))
    again = workload.data()[1]
    np.testing.assert_array_equal(y, again)


def test_peers_train_the_same_net_on_the_same_batches():
    found = [measure.measure(peer, SMALL, 1, seconds=0.02) for peer in peers.PEERS]
    losses = [result["loss"] for result in found]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-4)
    assert all(result["epochs"] >= 1 for result in found)


def test_table_shows_medians_ratios_and_gains():
    speeds = {("sklearn", 1): [9e5, 1e6, 3e6], ("fastnn", 1): [8e6]}
    speeds |= {("sklearn", 2): [1e6], ("fastnn", 2): [1.6e7]}
    results = [
        {
            "workload": "W1",
            "peer": peer,
            "threads": threads,
            "samples_per_second": speed,
            "loss": 0.5,
        }
        for (peer, threads), found in speeds.items()
        for speed in found
    ]
    alone = peers.table(results, ["W1"], ["sklearn", "fastnn"], 1, 1)
    assert "| 1M | 8M | 8.00 | 0.5000 0.5000 |" in alone[-1]
    two = peers.table(results, ["W1"], ["sklearn", "fastnn"], 2, 1)
    assert "| 1M | 16M | 16.00 | 1.00 | 2.00 |" in two[-1]
    assert alone[0].count("|") == alone[-1].count("|")
    assert peers.largest_spread(results, ["W1"], ["sklearn", "fastnn"], 1) == 2.1


def test_unknown_workload_is_named_with_the_known_ones(capsys):
    with pytest.raises(SystemExit):
        peers.main(["--only", "W1,W99"])
    assert "W99: choose from W1, W2" in capsys.readouterr().err


def test_accuracy_of_bf16(load_data):
    data = load_data("optdigits")
    task = precision.Task((64,), 64, 10)
    scores, ran = precision.compare(data["X_num"], data["y"], 0, task, "bf16", 3)
    assert ran in ("bf16", "float32")
    assert (scores > 95).all()
    assert abs(scores[1] - scores[0]).mean() < 0.5


def test_tables_of_precision(monkeypatch, capsys):
    monkeypatch.setitem(workloads.WORKLOADS, "W3", SMALL)
    rows = list(precision.products(["W3"]))
    assert "| 50 x 5 x 7 NN |" in rows[4]
    assert "| 5 x 3 x 50 TN |" in rows[-2]
    options = ["--only", "W3", "--threads", "1", "--repeats", "1", "--seconds", "0.01"]
    precision.main(["steps", *options])
    assert "(1.00)" in capsys.readouterr().out.splitlines()[-1]
    with pytest.raises(SystemExit):
        precision.main(["steps", "--only", "W1"])
    assert "W1: choose from W3, W4, W5" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("module", ["kernels", "training", "predict"])
def test_asv_benchmarks_run_once(module, monkeypatch):
    monkeypatch.setitem(workloads.WORKLOADS, "W1", SMALL)
    suite = importlib.import_module(f"benchmarks.suite.{module}")
    for benchmark in vars(suite).values():
        timed = [name for name in dir(benchmark) if name.startswith("time_")]
        for name in timed:
            instance = benchmark()
            first = [values[0] for values in getattr(benchmark, "params", [])]
            instance.setup(*first)
            getattr(instance, name)(*first)
