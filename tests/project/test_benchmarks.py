"""The benchmarks run and measure what they say."""

import contextlib
import importlib
import json

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

workloads = pytest.importorskip(
    "benchmarks.suite.workloads", reason="needs the checkout", exc_type=ImportError
)
compare = importlib.import_module("benchmarks.compare.verdict")
fresh = importlib.import_module("benchmarks.fresh")
graphs = importlib.import_module("benchmarks.graphs.__main__")
graph_net = importlib.import_module("benchmarks.graphs.net")
graph_steps = importlib.import_module("benchmarks.graphs.steps")
convolutions = importlib.import_module("benchmarks.images.convolutions")
image = importlib.import_module("benchmarks.images.image")
image_net = importlib.import_module("benchmarks.images.net")
images = importlib.import_module("benchmarks.images.__main__")
measure = importlib.import_module("benchmarks.peers.measure")
net = importlib.import_module("benchmarks.peers.net")
peers = importlib.import_module("benchmarks.peers.__main__")
precision = importlib.import_module("benchmarks.precision")
report = importlib.import_module("benchmarks.report")
results = importlib.import_module("benchmarks.peers.results")
sequence_net = importlib.import_module("benchmarks.sequences.net")
sequences = importlib.import_module("benchmarks.sequences.__main__")
tables = importlib.import_module("benchmarks.tables")
transfer = importlib.import_module("benchmarks.transfer")

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


def losses_after_an_epoch(workload):
    """By peer, of all that are installed and can train this."""
    found = {}
    for peer, package in peers.PEERS.items():
        if importlib.util.find_spec(package) and peer != "torch_compile":
            with contextlib.suppress(NotImplementedError):
                found[peer] = measure.measure(peer, workload, 1, seconds=0.02)["loss"]
    return found


@pytest.mark.filterwarnings("ignore")  # those of the peers are not ours
@pytest.mark.parametrize("n_classes", [1, 2, 3])
@pytest.mark.parametrize("density", [1, 0.3])
def test_peers_train_the_same_net_on_the_same_batches(n_classes, density):
    # 320 rows: PyTorch's penalty is that of full batches.
    found = losses_after_an_epoch(
        workloads.Workload(320, 7, (5, 4), n_classes, 32, density)
    )
    assert found["fastnn"] == pytest.approx(found["sklearn"], rel=1e-5)
    for peer, loss in found.items():
        tolerance = 1e-2 if peer in results.LOWER_PRECISION else 1e-3
        assert loss == pytest.approx(found["sklearn"], rel=tolerance), peer


def test_initial_weights_are_those_that_scikit_learn_draws():
    X, y = SMALL.data()
    model = MLPClassifier(
        SMALL.hidden, learning_rate_init=1e-30, max_iter=1, random_state=0
    )
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    for ours, theirs in zip(net.initial_weights(SMALL)[0], model.coefs_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def speeds(threads, workload="W1", **by_peer):
    return [
        {
            "workload": workload,
            "peer": peer,
            "threads": threads,
            "samples_per_second": speed,
        }
        for peer, found in by_peer.items()
        for speed in found
    ]


def test_table_shows_medians_ratios_goals_and_gains():
    found = speeds(1, sklearn=[9e5, 1e6, 3e6], jax_scan=[4e6], fastnn=[8e6])
    found += speeds(2, sklearn=[1e6], jax_scan=[2e6], fastnn=[1.6e7])
    alone = results.speed_table(found, 1, "float32")
    assert ("| 1M | 4M | 8M | jax_scan 2.00 (≥ 1.5) | 8.00 (≥ 15, missed) |") in alone[
        -1
    ]
    two = results.speed_table(found, 2, "float32")
    assert "jax_scan 8.00 (≥ 1.5) | 16.00 (≥ 15) | 2.00 (≥ 1.3) |" in two[-1]
    assert alone[0].count("|") == alone[-1].count("|")
    assert results.spread(found) == 2.1


def test_table_leaves_out_what_a_peer_cannot_do():
    found = speeds(1, "W1", sklearn=[1e6], skorch=[1e5], fastnn=[8e6])
    found += speeds(1, "W6", sklearn=[1e6], fastnn=[8e6])
    assert (
        "| 1M | - | 8M | sklearn 8.00 |" in results.speed_table(found, 1, "float32")[-1]
    )


def test_lower_precision_is_not_the_fastest_float32_peer():
    found = speeds(1, sklearn=[1e6], torch_bf16=[9e6], torch=[2e6], fastnn=[8e6])
    assert "torch 4.00" in results.speed_table(found, 1, "float32")[-1]


def test_peers_that_are_far_behind_take_a_single_turn():
    speeds = {"sklearn": 1, "torch": 4, "jax_scan": 10, "torch_bf16": 6, "fastnn": 90}
    expected = ["sklearn", "jax_scan", "torch_bf16", "fastnn"]
    assert peers.contenders(speeds, fewest={}) == expected
    assert peers.contenders(speeds, speeds) == expected
    assert "torch" in peers.contenders(speeds, fewest={"torch": 9})


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.5, "0.5"), (1234, "1.23k"), (6403211, "6.4M"), (-71e3, "-71k")],
)
def test_short_numbers(number, text):
    assert tables.short(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2, "2 s"), (1.234e-3, "1.23 ms"), (8.2e-6, "8.2 us"), (1e-10, "0.1 ns")],
)
def test_durations(seconds, text):
    assert tables.duration(seconds) == text


def test_goals_are_named_with_what_was_missed():
    assert tables.at_least(1.5, 1.5) == "1.50 (≥ 1.5)"
    assert tables.at_least(1.49, 1.5) == "1.49 (≥ 1.5, missed)"
    assert tables.at_most(1.1, 1.1) == "1.10 (≤ 1.1)"
    assert tables.at_most(12.3, 10, "{:.3g} us") == "12.3 us (≤ 10, missed)"


def test_slower_is_what_most_turns_say():
    base = {"steady": [1, 2, 4], "late": [1, 2, 4], "one bad turn": [1, 1, 1]}
    new = {"steady": [1.05, 2.1, 4.2], "late": [1.2, 2.4, 4], "one bad turn": [1, 9, 1]}
    assert compare.slower(base, new) == ["late"]
    assert "1.20 slower" in compare.report(base, new)[3]


def test_page_keeps_its_prose_and_replaces_what_is_between_markers():
    page = "before\n<!-- a -->\nold\n<!-- /a -->\nafter\n"
    assert report.fill(page, "a", ["new", "lines"]) == page.replace("old", "new\nlines")
    with pytest.raises(ValueError, match="<!-- b -->"):
        report.fill(page, "b", [])


def test_page_has_markers_for_every_part():
    page = report.PAGE.read_text()
    for part in ("machine", *report.PARTS):
        report.fill(page, part, [])


def test_measurement_that_fails_says_why():
    with pytest.raises(fresh.MeasurementFailed, match="invalid choice: 'W99'"):
        fresh.measure("benchmarks.peers.measure", "fastnn", "W99")


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


@pytest.mark.parametrize(
    ("task", "chance"), [("other classes", 0.2), ("another question", 0.5)]
)
def test_ways_of_transfer_learn(task, chance):
    X, y = load_digits(return_X_y=True)
    known, few, test = transfer.TASKS[task](X / 16, y, n_train=1500)
    base = transfer.train_base(*known, hidden=(32, 16), epochs=30)
    scores, seconds = transfer.compare(base, few, test, 100, epochs=40, n_draws=2)
    assert (scores > chance + 0.15).all()
    assert (seconds > 0).all()
    # The base that is extracted once is the one that is frozen.
    names = [way.__name__ for way in transfer.WAYS]
    once = scores[names.index("features_extracted_once")]
    frozen = scores[names.index("through_the_frozen_base")]
    np.testing.assert_allclose(once, frozen, atol=0.02)
    rows = [*transfer.rows_of([task, "digits", "100"], scores, seconds)]
    assert rows[0][-1] == "1.00"
    assert len(rows) == len(names)


BRANCHES = workloads.Workload(64, 6, (5, 4), 2, 64)


def test_peers_train_the_same_two_branches():
    X, y = BRANCHES.data()
    weights = graph_net.initial_weights(BRANCHES)
    values = []
    for branch, x in zip(graph_net.BRANCHES, np.split(X, 2, axis=1), strict=True):
        for layer in graph_net.LAYERS:
            name = f"{branch}/{layer}"
            x = np.maximum(x @ weights[f"{name}/kernel"], 0)
        values.append(x)
    z = (np.concatenate(values, axis=1) @ weights["output/kernel"])[:, 0]
    loss = np.mean(np.logaddexp(0, z) - y * z)  # of one step, before its update
    for peer, (packages, _) in graphs.PEERS.items():
        if all(map(importlib.util.find_spec, packages)) and peer != "keras_torch":
            found = measure.measure(peer, BRANCHES, 1, 0.01, package=graphs.__package__)
            assert found["loss"] == pytest.approx(loss, rel=1e-5), peer


def test_tables_of_graphs(monkeypatch):
    monkeypatch.setattr(graph_steps, "ROUNDS", 1)
    monkeypatch.setattr(graph_steps, "STACK", BRANCHES)
    monkeypatch.setattr(graph_steps, "TRUNK", SMALL)
    steps = json.loads(json.dumps(graph_steps.measure(1)))
    found = [{"threads": threads} | steps for threads in (1, 2)]
    speeds = {"keras_jax": 1e5, "jax_scan": 5e5, "fastnn": 1.2e6}
    found += [
        {"peer": peer, "version": peer, "threads": threads, "loss": 0.5}
        | {"samples_per_second": threads * speed}
        for peer, speed in speeds.items()
        for threads in (1, 2)
    ]
    lines = graphs.report(found)
    (line,) = [line for line in lines if "jax_scan" in line]
    assert line.endswith("| 500k | 2.40 (≥ 3, missed) | 1M | 2.40 (≥ 3, missed) |")
    assert "12.00 (≥ 10)" in "".join(lines)
    assert [line.split(" | ")[0] for line in lines[-6:]] == [
        *("| 1", "| 2", "| 4", "| 8", "| each further head", "| a head by itself")
    ]
    assert sum(line.startswith("| Graph |") for line in lines) == 1


SMALL_NETS = {
    "images": image_net.Net(
        64,
        (10, 10, 2),
        (
            *(image_net.Conv(4, 3), image_net.Pool(), image_net.Conv(8, 3)),
            *(image_net.Flatten(), image_net.Dense(8)),
        ),
    ),
    "signals": image_net.Net(
        64, (12, 3), (image_net.Conv(4, 3), image_net.Conv(8, 3), image_net.Mean())
    ),
}


@pytest.mark.parametrize("name", SMALL_NETS)
def test_peers_train_the_same_convolutions(name):
    net = SMALL_NETS[name]
    losses = {
        peer: measure.measure(peer, net, 1, 0.01, package=images.__package__)["loss"]
        for peer, package in images.PEERS.items()
        if importlib.util.find_spec(package)
    }
    assert losses["fastnn"] > 1
    for peer, loss in losses.items():
        assert loss == pytest.approx(losses["fastnn"], rel=1e-5), peer


def test_libraries_predict_the_same_for_an_image():
    found = {
        name: image.measure(name, seconds=0.01)["probabilities"]
        for name, (_, packages) in image.LIBRARIES.items()
        if all(map(importlib.util.find_spec, packages))
    }
    for name, probabilities in found.items():
        assert probabilities == pytest.approx(found["fastnn"], rel=1e-4), name
    assert sum(found["fastnn"]) == pytest.approx(1)


def test_tables_of_images(monkeypatch):
    monkeypatch.setattr(images, "NETS", SMALL_NETS)
    monkeypatch.setattr(convolutions, "NETS", SMALL_NETS)
    monkeypatch.setattr(convolutions, "TURNS", 1)
    found = json.loads(json.dumps(convolutions.measure()))
    ops = [(each["net"], each["layer"], each["what"]) for each in found["convolutions"]]
    assert len(ops) == 2 * 2 * 3 - 2  # what nets read needs no gradient
    assert ("images", "conv_0", "gradient of the input") not in ops
    (first,) = (
        each
        for each in found["convolutions"]
        if (each["net"], each["layer"], each["what"]) == ("images", "conv_1", "forward")
    )
    assert first["operations"] == 2 * 64 * 2 * 2 * 3 * 3 * 4 * 8
    speeds = {"torch": 1e4, "fastnn": 2.5e4}
    trained = [
        {"net": "images", "peer": peer, "version": peer, "threads": threads}
        | {"loss": 2.3, "samples_per_second": speed}
        for peer, speed in speeds.items()
        for threads in images.THREADS
    ]
    called = [
        {"library": name, "version": name, "image": seconds}
        for name, seconds in {"onnxruntime": 5e-5, "fastnn": 6e-5}.items()
    ]
    lines = images.report([*trained, *called, found, {"skipped": "jax_step: not here"}])
    assert "- jax_step: not here" in lines
    assert "| images | torch | torch | 2.3000 | 10k | 2.50 | 10k | 2.50 |" in lines
    assert "| onnxruntime | 50 us | 1.20 |" in lines
    assert sum(line.startswith("| signals | conv_") for line in lines) == 5


WORDS = sequence_net.Embedding(20, 4)
SMALL_SEQUENCES = {
    "lstm": sequence_net.Net(
        70, 12, (sequence_net.LSTM(5),), n_features=3, n_classes=4, batch_size=32
    ),
    "gru": sequence_net.Net(
        70, 12, (sequence_net.GRU(5),), n_features=3, n_classes=4, batch_size=32
    ),
    "mean": sequence_net.Net(
        *(70, 12, (WORDS, sequence_net.Mean(), sequence_net.Dense(3))), batch_size=32
    ),
    "lengths": sequence_net.Net(
        *(70, 30, (WORDS, sequence_net.LSTM(5))), mean_length=12, batch_size=32
    ),
}


@pytest.mark.parametrize("name", SMALL_SEQUENCES)
def test_peers_train_the_same_readers_of_sequences(name):
    net = SMALL_SEQUENCES[name]
    losses = {
        peer: measure.measure(peer, net, 1, 0.01, package=sequences.__package__)["loss"]
        for peer, package in sequences.PEERS.items()
        if importlib.util.find_spec(package)
        and (net.mean_length or peer != "torch_padded")
    }
    assert losses["fastnn"] > 0.5
    for peer, loss in losses.items():
        assert loss == pytest.approx(losses["fastnn"], rel=1e-5), peer


def test_lengths_of_the_benchmark_are_as_described():
    net = sequence_net.NETS["N8"]
    X, _ = net.data()
    lengths = np.array([len(each) for each in X])
    assert lengths.min() == net.shortest == 10
    assert 160 < lengths.max() <= net.n_steps
    assert lengths.mean() == pytest.approx(net.mean_length, abs=2)
    padded, same = sequence_net.padded(X)
    np.testing.assert_array_equal(same, lengths)
    np.testing.assert_array_equal((padded > 0).sum(axis=1), lengths)


def test_tables_of_sequences():
    speeds = {"torch": 1e3, "fastnn": 2.5e3}
    trained = [
        {"net": "N4", "peer": peer, "version": peer, "threads": threads}
        | {"loss": 0.7, "samples_per_second": speed}
        for peer, speed in speeds.items()
        for threads in sequences.THREADS
    ]
    lines = sequences.report([*trained, {"skipped": "jax_scan: not here"}])
    assert "- jax_scan: not here" in lines
    assert "| N4 | torch | torch | 0.7000 | 1k | 2.50 | 1k | 2.50 |" in lines
    described = "200 steps of a token, embedding 10,000 x 32, LSTM 32, 2 classes"
    assert f"- N4: {described}; batches of 128" in lines


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
