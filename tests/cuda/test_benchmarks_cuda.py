"""The benchmarks of GPUs: the peers train one net, and tables say what was measured."""

import contextlib
import importlib
import json
import time
from collections import Counter
from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
from emulation import emulated_device
from test_cuda_estimators import forget, install

workloads = pytest.importorskip(
    "benchmarks.suite.workloads", reason="needs the checkout", exc_type=ImportError
)
main = importlib.import_module("benchmarks.cuda.__main__")
measuring = importlib.import_module("benchmarks.cuda.measure")
nets = importlib.import_module("benchmarks.cuda.nets")
peers = importlib.import_module("benchmarks.cuda.peers")
prediction = importlib.import_module("benchmarks.roofline.prediction")
results = importlib.import_module("benchmarks.cuda.results")
roofline = importlib.import_module("benchmarks.cuda.roofline")
stages = importlib.import_module("benchmarks.cuda.stages")

SMALL = workloads.Workload(320, 20, (16, 9), 3, 32)
FULL = [peer for peer in peers.PEERS if peer not in peers.REDUCED]


def prepared(peer, device="cpu", net=SMALL):
    name, options, package = peers.PEERS[peer]
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    found = importlib.import_module(f"benchmarks.cuda.peers.{name}")
    assert found.version()
    return found.prepare(net, *net.data(), device, **options)


def loss_of(peer, device="cpu", net=SMALL):
    """That of the third epoch in the order of the rows."""
    ends, loss = prepared(peer, device, net)(3, shuffle=False)
    assert len(ends) == 3
    assert ends == sorted(ends)
    return loss


@pytest.mark.filterwarnings("ignore")  # those of the peers are not ours
@pytest.mark.parametrize("peer", FULL)
def test_peers_train_the_same_net_on_the_same_batches(peer):
    expected = loss_of("fastnn")
    if peer.startswith("torch") and find_spec("torch"):
        # As it is written: compilers are another's to test, and slow.
        with importlib.import_module("torch").compiler.set_stance("force_eager"):
            assert loss_of(peer) == pytest.approx(expected, rel=1e-5)
    else:
        assert loss_of(peer) == pytest.approx(expected, rel=1e-5)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("peer", ["fastnn", "torch", "torch_graph", "jax_scan"])
def test_peers_shuffle_and_go_on(peer):
    train = prepared(peer)
    losses = [train(1, shuffle=False)[1]]
    losses.append(train(4)[1])
    assert losses[1] < losses[0]


@pytest.fixture
def graphs_on_the_cpu(monkeypatch):
    """As much of CUDA graphs as PyTorch's peer uses: what is captured runs at once."""
    torch = pytest.importorskip("torch")

    class Graph:
        work = None

        def replay(self):
            for call in self.work:
                call()

    class Stream:
        cuda_stream = 7

        def wait_stream(self, other):
            assert isinstance(other, Stream)

        def synchronize(self):
            pass

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self):
            self.time = time.perf_counter()

        def synchronize(self):
            pass

        def elapsed_time(self, end):
            return 1e3 * (end.time - self.time)

    captured = []

    @contextlib.contextmanager
    def graph(into):
        captured.clear()
        yield
        into.work = list(captured)

    for name, stand_in in {
        "CUDAGraph": Graph,
        "Event": Event,
        "Stream": Stream,
        "current_stream": Stream,
        "graph": graph,
        "stream": contextlib.nullcontext,
    }.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    return captured


@pytest.mark.filterwarnings("ignore")
def test_the_warm_up_of_a_graph_leaves_no_trace(graphs_on_the_cpu, monkeypatch):
    peer = importlib.import_module("benchmarks.cuda.peers.torch_graph")
    monkeypatch.setattr(peer, "is_card", lambda device: True)
    capture = peer.captured

    def noted(step, *arguments):
        def noting():
            step()
            graphs_on_the_cpu.append(step)

        return capture(noting, *arguments)

    monkeypatch.setattr(peer, "captured", noted)
    assert loss_of("torch_graph") == pytest.approx(loss_of("fastnn"), rel=5e-7)


@pytest.mark.filterwarnings("ignore")
def test_ceilings_are_measured(graphs_on_the_cpu, monkeypatch):
    pytest.importorskip("cupy")
    ceilings = importlib.import_module("benchmarks.cuda.ceilings")
    for name, small in {"LARGE": 64, "COPIED": 2**20, "REPEATS": 2}.items():
        monkeypatch.setattr(ceilings, name, small)
    monkeypatch.setattr(ceilings, "DEVICE", "cpu")
    monkeypatch.setattr(ceilings, "NETS", {"G1": SMALL})
    launched = []
    kernel = SimpleNamespace(
        RawKernel=lambda code, name: lambda *arguments: launched.append(name),
        cuda=SimpleNamespace(ExternalStream=contextlib.nullcontext),
    )
    monkeypatch.setattr(ceilings, "cupy", kernel)
    take_note = ceilings.seconds_in_graph

    def timed(work, times):
        def noting():
            work()
            graphs_on_the_cpu.append(work)

        return take_note(noting, times)

    monkeypatch.setattr(ceilings, "seconds_in_graph", timed)
    found = json.loads(json.dumps(ceilings.measure()))
    assert all(value > 0 for value in found["ceilings"].values())
    assert 1e-6 < found["products"]["G1"] < 1
    # When it is compiled, while it is captured, before and in the repeats.
    assert launched == ["nothing"] * (1 + 1000 + 1000 + 2 * 1000)


def test_fastnn_is_trained_on_the_device(monkeypatch):
    device, net = emulated_device(), replace(SMALL, n_samples=64)
    install(monkeypatch, device)
    try:
        found = loss_of("fastnn", "cuda", net)
    finally:
        monkeypatch.undo()
        forget()
    assert found == pytest.approx(loss_of("fastnn", net=net), rel=1e-5)


def test_a_measurement_is_of_a_step():
    found = measuring.measure("fastnn", SMALL, 0.01, "cpu")
    assert 1e-7 < found["seconds"] < 0.1
    assert 1e-7 < found["in_order"] < 0.1
    assert found["peer"] == "fastnn"
    assert json.loads(json.dumps(found)) == found


def test_time_is_that_between_epochs():
    def train(epochs, shuffle):
        return [100.0 + (3 if shuffle else 2) * i for i in range(epochs)], 0.5

    assert measuring.seconds_per_epoch(train, 4) == 3
    assert measuring.seconds_per_epoch(train, 4, shuffle=False) == 2


# ------------------------------------------------------------------------- predictions


def test_stages_are_what_an_emulated_device_runs(monkeypatch):
    def counted(n_steps):
        device, run = emulated_device(), Counter()
        find, multiply = device.kernel, device.product

        def noted(name, call):
            def noting(*arguments):
                run[name] += 1
                call(*arguments)

            return noting

        def kernel(stem, name):
            return noted(name.removesuffix("_f32"), find(stem, name))

        def product(*arguments):
            return noted(stages.PRODUCT, multiply(*arguments))

        monkeypatch.setattr(device, "kernel", kernel)
        monkeypatch.setattr(device, "product", product)
        monkeypatch.setattr(stages, "Log", lambda: device)
        device.launched = []
        stages.launched(SMALL, n_steps)
        monkeypatch.undo()
        return run

    for n_steps in (1, 3):
        assert stages.launched(SMALL, n_steps) == counted(n_steps)


@pytest.mark.parametrize("net", nets.NETS)
def test_a_step_has_its_products_and_whole_stages(net):
    counts = stages.stages(net)
    assert all(count == int(count) for count in counts.values())
    assert counts.get(stages.PRODUCT, 0) <= len(
        list(prediction.products(nets.NETS[net]))
    )
    assert sum(counts.values()) > 3
    assert nets.NETS[net].n_samples % nets.NETS[net].batch_size == 0


def test_bytes_are_those_of_ops_the_batch_and_the_update():
    # Two rows of five features, three outputs; parameters start at multiples of 16.
    net = workloads.Workload(8, 5, (), 3, 2)
    x, kernel, bias, z, y = 10, 15, 3, 6, 2
    gather = 2 * (x + y)
    forward = (x + kernel + z) + (z + bias + z) + (z + y + z)
    backward = (z + bias) + (x + z + kernel)
    update = 7 * 2 * 16
    expected = 4 * (gather + forward + backward + update)
    assert roofline.bytes_moved(net) == expected


def test_the_prediction_of_the_page_is_what_make_docs_tables_writes(repository):
    text = (repository / "docs" / "gpu_performance.md").read_text()
    assert main.fill(text, "prediction", main.predictions()) == text


def test_a_prediction_is_of_the_ceilings():
    slow = roofline.Ceilings(bytes=1e9, operations=1e9, stage=1e-3)
    fast = roofline.Ceilings(bytes=2e9, operations=4e9, stage=1e-4)
    for name in nets.NETS:
        ratios = {
            part: seconds / roofline.predict(name, fast)[part]
            for part, seconds in roofline.predict(name, slow).items()
        }
        expected = {"bytes": 2, "arithmetic": 4, "stages": 10}
        assert ratios == pytest.approx(expected)


# ------------------------------------------------------------------------------ tables


def times(net, **by_peer):
    return [
        {
            "net": net,
            "peer": peer,
            "seconds": us * 1e-6,
            "in_order": us * 1e-6 / 2,
            "loss": 0.5,
            "version": peer,
        }
        for peer, found in by_peer.items()
        for us in found
    ]


def test_steps_are_shown_with_goals_and_ratios():
    found = times("G1", fastnn=[9, 12, 8], torch=[60], torch_graph=[8])
    (row,) = results.step_table(found)[2:]
    assert "| 9.0 (≤ 10) | 60 | 8 | 6.67 (≥ 5) | 0.89 (≥ 1, missed) |" in row
    assert results.spread(found) == pytest.approx(4 / 9)
    found += times("G4", fastnn=[1200])
    rows = results.step_table(found)[2:]
    assert rows[1].endswith("| 1.2e+03 | - | - | - | - |".replace("1.2e+03", "1200"))


def test_products_and_precisions_are_shown():
    found = times("G4", fastnn=[1000], fastnn_tf32=[250])
    (row,) = results.product_table(found, {"G4": 800e-6})[2:]
    assert row == "| G4 | 800 | 1000 | 1.25 (≤ 1.15, missed) |"
    head, _, row = results.precision_table(found)
    assert head == "|  | float32 | tf32 |"
    assert row == "| G4 | 1000 | 250 (4.00) |"


def test_a_whole_report(monkeypatch):
    found = {
        "card": {"card": "A card", "driver": "580", "cuda": "13.0", "cupy": "14"},
        "machine": ["- a processor"],
        "results": [
            *times("G1", fastnn=[9], torch=[60], torch_compile=[30]),
            {"net": "G1", "skipped": "jax_scan, G1: JAX finds no card"},
        ],
        "ceilings": {"bytes": 3e12, "operations": 5e13, "stage": 1.2e-6},
        "products": dict.fromkeys(nets.NETS, 1e-6),
    }
    text = "\n".join(results.report(found))
    assert "- A card, driver 580, CUDA 13.0, CuPy 14\n- a processor\n- fastnn" in text
    assert "- jax_scan, G1: JAX finds no card" in text
    assert "3.00 TB/s" in text
    assert "50.0 TFLOP/s" in text
    assert "1.2 microseconds" in text
    assert "| G1 | 4.5 | 30 | 15 |" in text
    assert text.count("| G1 |") == 5


# ------------------------------------------------------------------------ what is run


def test_the_slower_form_takes_a_single_turn(monkeypatch):
    turns = Counter()

    def one(peer, net, seconds):
        turns[peer] += 1
        if peer == "jax_unrolled":
            return {"net": net, "skipped": "no"}
        slow = 2 if peer == "torch_autotune" else 1
        return times(net, **{peer: [slow]})[0]

    monkeypatch.setattr(main, "one", one)
    measured = main.measure(["G1"], FULL, 3, 1.0)
    expected = dict.fromkeys(FULL, 3) | {"torch_autotune": 1, "jax_unrolled": 1}
    assert turns == expected
    assert not main.is_complete(measured)  # other nets are missing
    for net in ("G2", "G3", "G4"):
        measured += main.measure([net], FULL, 1, 1.0)
    assert main.is_complete(measured)
    without = [r for r in measured if r.get("peer") != "torch_graph"]
    assert not main.is_complete(without)


def test_a_peer_that_fails_is_left_out_with_its_reason(monkeypatch):
    def measure(*arguments, **options):
        raise main.fresh.MeasurementFailed("it failed:\nRuntimeError: no such kernel")

    monkeypatch.setattr(main.fresh, "measure", measure)
    found = main.one("torch_compile", "G1", 1.0)
    assert found == {
        "net": "G1", "skipped": "torch_compile, G1: RuntimeError: no such kernel",
    }  # fmt: skip
    with pytest.raises(main.fresh.MeasurementFailed):
        main.one("fastnn", "G1", 1.0)


@pytest.mark.parametrize("options", [[], ["--missing"], ["--only", "G1"]])
def test_without_a_card_nothing_is_measured_or_written(options, monkeypatch):
    before = main.PAGE.read_text()
    monkeypatch.setattr(main, "missing_piece", lambda: "there is no card")
    monkeypatch.setattr(main, "measure", lambda *_: pytest.fail("it has measured"))
    with pytest.raises(SystemExit, match="because there is no card") as caught:
        main.main(options)
    assert caught.value.code
    assert main.PAGE.read_text() == before


def test_packages_that_are_missing_are_named(monkeypatch):
    monkeypatch.setattr(main, "missing_piece", lambda: None)
    monkeypatch.setattr(main, "find_spec", lambda name: None if name == "jax" else name)
    assert main.lacks(["fastnn", "torch"]) == []
    (missing,) = main.lacks(["fastnn", "jax_scan"])
    assert missing.startswith("jax is not installed: `pip install 'fastnn[bench-cuda]'")


def test_a_run_of_everything_is_written_into_the_page(monkeypatch, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("# Page\n<!-- measured -->\nNothing yet\n<!-- /measured -->\n")
    monkeypatch.setattr(main, "PAGE", page)
    monkeypatch.setattr(main, "lacks", lambda peers: [])
    facts = {"card": "A card", "driver": "580", "cuda": "13.0", "cupy": "14"}
    monkeypatch.setattr(main, "describe_card", lambda: facts)
    ceilings = {
        "ceilings": {"bytes": 3e12, "operations": 5e13, "stage": 1.2e-6},
        "products": dict.fromkeys(nets.NETS, 1e-6),
    }
    monkeypatch.setattr(main.fresh, "measure", lambda *_, **__: ceilings)
    monkeypatch.setattr(main, "one", lambda peer, net, _: times(net, **{peer: [9]})[0])
    main.main(["--only", "G1"])
    assert "Nothing yet" in page.read_text()
    main.main(["--json", str(tmp_path / "found.json")])
    text = page.read_text()
    assert "Nothing yet" not in text
    assert "- A card, driver 580" in text
    printed = capsys.readouterr().out
    main.main(["--show", "--json", str(tmp_path / "found.json")])
    assert capsys.readouterr().out in printed
