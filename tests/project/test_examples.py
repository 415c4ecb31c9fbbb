"""The examples run."""

import importlib.util
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from forks import run_forked
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold, TimeSeriesSplit

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning"
)


@pytest.fixture
def example(repository):
    """Load an example as a module, by its name."""

    def load(name):
        path = repository / "examples" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_demo_compares_on_equal_terms(example, tmp_path, capsys):
    demo = example("demo")
    name, load, estimator, parameters = demo.TASKS[1]
    X, y = load(return_X_y=True)
    X = X.astype(np.float32)
    scores, seconds = demo.compare(X, y, estimator, parameters, folds=3, rounds=1)
    demo.print_row(name, X, scores, seconds)
    assert "x" in capsys.readouterr().out
    assert abs(scores["fastnn"].mean() - scores["scikit-learn"].mean()) < 0.02
    figure = Figure()
    axes = figure.subplots()
    demo.draw_losses(axes, name, X, y, estimator, parameters)
    ours, theirs = (line.get_ydata() for line in reversed(axes.lines))
    assert len(ours) == len(theirs) == demo.EPOCHS
    np.testing.assert_allclose(ours[-1], theirs[-1], rtol=0.2)
    figure.savefig(tmp_path / "curves.png")


@pytest.mark.parametrize(
    "task",
    [
        "cross_validate_digits",
        "search_penalties",
        "fit_a_regressor_by_lbfgs",
        "learn_from_a_stream",
    ],
)
def test_migrated_code_scores_alike(example, task):
    migrate = example("migrate")
    assert task in [each.__name__ for each in migrate.TASKS]
    scores, seconds = migrate.compare(getattr(migrate, task), rounds=1)
    assert scores["fastnn"] == pytest.approx(scores["scikit-learn"], abs=0.03)
    assert seconds.keys() == scores.keys() == migrate.LIBRARIES.keys()


def test_migrate_prints_every_task(example, monkeypatch, capsys):
    migrate = example("migrate")
    monkeypatch.setattr(migrate, "ROUNDS", 1)
    monkeypatch.setattr(migrate, "TASKS", [migrate.fit_a_regressor_by_lbfgs])
    migrate.main()
    printed = capsys.readouterr().out
    assert "fit a regressor by lbfgs" in printed
    assert migrate.largest_difference() < 1e-12


SCRIPTS = ["sparse_input", "grid_search", "transfer", "fine_tuning"]
STRICT = "import warnings; warnings.simplefilter('error', UserWarning)\n"


@pytest.fixture(scope="module")
def printed(repository):
    """What the examples print that are scripts."""
    codes = {
        name: (STRICT + (repository / "examples" / f"{name}.py").read_text(), {})
        for name in SCRIPTS
    }
    return run_forked(["fastnn", "sklearn.model_selection"], codes)


@pytest.mark.parametrize("name", SCRIPTS)
def test_example_runs_without_a_warning(name, printed):
    done = printed[name]
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout


def test_overfitting_tells_its_story(example):
    overfitting = example("overfitting")
    losses = {
        name: history["validation_loss"]
        for name, history in overfitting.train(epochs=40).items()
    }
    large = losses.pop("too large")
    assert large[-1] > 1.25 * min(large)
    for values in losses.values():
        assert values[-1] < 1.1 * min(values)
    axes = Figure().subplots()
    overfitting.draw({"too large": {"loss": large, "validation_loss": large}}, axes)
    assert len(axes.lines) == 2


@pytest.mark.parametrize(
    "name",
    [
        *("activations", "losses", "schedules", "learning_rate_finder"),
        *("initializers", "regularizers"),
    ],
)
def test_pictures_of_the_toolbox(example, name, tmp_path):
    toolbox = example("toolbox")
    toolbox.main(tmp_path / "pictures", name)
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == [f"{name}.png"]


def test_a_picture_that_is_not_there_is_named(example, tmp_path):
    with pytest.raises(SystemExit, match=r"no picture is called 'lossses'.*losses"):
        example("toolbox").main(tmp_path, "lossses")


def test_devices_agree(example, capsys):
    gpu = example("gpu")
    models, (expected, actual) = gpu.compare(*gpu.make_data(2000), units=16)
    assert expected == pytest.approx(actual, abs=0.02)
    assert models[0][-1].device_ == "cpu"
    assert capsys.readouterr().out.count("accuracy") == 2


def census(arrays, n_samples):
    """Some rows of the table that the example about branches and heads downloads."""

    def dashed(which):
        return [str(name).replace("_", "-") for name in arrays[which]]

    table = pd.DataFrame(arrays["X_num"], columns=dashed("num_names"))
    for name, codes in zip(dashed("cat_names"), arrays["X_cat"].T, strict=True):
        labels = [f"{name} {code}" for code in range(codes.max() + 1)]
        table[name] = pd.Categorical.from_codes(codes, labels)
    table["class"] = arrays["classes"][arrays["y"]]
    return table[:n_samples]


def test_branches_and_heads_learn_as_well_as_two_networks(
    example, load_data, repository, tmp_path, monkeypatch, capsys
):
    module = example("branches_and_heads")
    table = census(load_data("adult"), 4000)
    X, y = module.make_data(table)
    assert set(y["income"]) == {"more", "less"}
    cv = KFold(2, shuffle=True, random_state=0)
    both = module.scores_of_heads(module.two_heads(), X, y, cv)
    alone = module.scores_of_models(module.two_networks(), X, y, cv)
    for target, least in {"income": 0.87, "hours": 0.1}.items():
        assert both[target].mean() > least
        assert both[target].mean() == pytest.approx(alone[target].mean(), abs=0.03)
    monkeypatch.setattr(module, "CV", cv)
    monkeypatch.setattr(module, "boosting", module.two_networks)
    module.main(table, tmp_path)
    assert "two heads" in capsys.readouterr().out
    assert (tmp_path / "branches_and_heads.png").exists()
    drawn = (tmp_path / "branches_and_heads.svg").read_text()
    assert drawn == (repository / "docs" / "branches_and_heads.svg").read_text()


def large_digits(n_samples):
    """scikit-learn's digits in the size and the numbers of MNIST's."""
    X, y = load_digits(return_X_y=True)
    X = np.kron(X[:n_samples].reshape(-1, 8, 8) * 15, np.ones((3, 3)))
    X = np.pad(X, [(0, 0), (2, 2), (2, 2)])[..., np.newaxis]
    return X.astype(np.uint8), y[:n_samples]


def test_a_convolutional_network_draws_what_it_has_learned(
    example, tmp_path, monkeypatch, capsys
):
    module = example("fashion_mnist_convnet")
    block = module.block
    monkeypatch.setattr(module, "block", lambda n, **options: block(n // 4, **options))
    monkeypatch.setattr(module, "N_TEST", 200)
    new_model = module.new_model
    monkeypatch.setattr(
        module,
        "new_model",
        lambda *changes, **options: new_model(*changes, **options | {"epochs": 8}),
    )
    module.main("mnist_784", large_digits(600), tmp_path, few=60)
    printed = capsys.readouterr().out
    accuracies = [float(a) for a in re.findall(r"accuracy (0\.\d+)", printed)]
    assert len(accuracies) == 2
    assert min(accuracies) > 0.6
    pictures = {path.name for path in tmp_path.iterdir()}
    assert pictures == {
        f"mnist_784_{what}.png"
        for what in ("mistakes", "filters", "losses", "augmented")
    }
    with pytest.raises(SystemExit, match="'minst' is not known"):
        module.main("minst")


def test_what_five_digits_teach_helps_with_the_others(example, monkeypatch, capsys):
    module = example("transfer_digits")
    for name, value in {
        "N_TEST": 300,
        "N_LABELLED": 50,
        "EPOCHS": {"base": 8, "on top": 12},
    }.items():
        monkeypatch.setattr(module, name, value)
    scores = module.main(large_digits(1000))
    assert capsys.readouterr().out.count("0.") > len(scores)
    assert min(scores.values()) > 0.6
    assert scores["features, logistic regression"] > scores["afresh"] - 0.03
    # Features that are extracted once are those of the frozen base.
    once, every_epoch = (
        scores["features, hidden layer"],
        scores["frozen base, end to end"],
    )
    assert once == pytest.approx(every_epoch, abs=0.03)


def few_of_each(texts, y, n):
    """Some texts of each class, in an order without a pattern."""
    rows = np.concatenate([np.flatnonzero(y == each)[:n] for each in np.unique(y)])
    rows = np.random.RandomState(0).permutation(rows)
    return [texts[row] for row in rows], y[rows]


def texts_of(arrays):
    ends, whole = arrays["text_offsets"], arrays["text_utf8"].tobytes()
    return [whole[i:j].decode() for i, j in pairwise(ends)]


def test_sentiment_compares_models_of_texts(
    example, load_data, tmp_path, monkeypatch, capsys
):
    module = example("sentiment")
    arrays = load_data("rt_polarity")
    texts, y = few_of_each(texts_of(arrays), arrays["classes"][arrays["y"]], 300)
    monkeypatch.setattr(module, "CV", StratifiedKFold(2))
    monkeypatch.setattr(module, "MAX_TOKENS", 1000)
    rows = module.main(data=(texts, y), folder=tmp_path)
    printed = capsys.readouterr().out
    assert list(rows) == list(module.models())
    for name, (accuracy, _) in rows.items():
        assert name in printed
        assert accuracy.mean() > 0.5, name
    assert (tmp_path / "sentiment.png").exists()
    pd.DataFrame({"text": texts, "label": y}).to_csv(tmp_path / "own.csv", index=False)
    again, labels = module.load(tmp_path / "own.csv")
    assert again == texts
    assert (labels == y).all()


def test_newswire_topics_are_searched_for_a_reader(
    example, load_data, tmp_path, monkeypatch, capsys
):
    module = example("newswire_topics")
    arrays = load_data("r8")
    y = arrays["classes"][arrays["y"]]
    chosen = np.isin(y, ["earn", "acq", "crude"])
    texts = np.array(texts_of(arrays), object)[chosen]
    texts, y = few_of_each(texts, y[chosen], 100)
    split = np.where(np.arange(len(y)) < 200, "train", "test")
    table = pd.DataFrame({"text": texts, "topic": y, "split": split})
    monkeypatch.setattr(module, "MAX_TOKENS", 1000)
    grid = module.grid
    monkeypatch.setattr(
        module, "grid", lambda: grid() | {"sequencevectorizer__max_length": [30]}
    )
    scores = module.main(table=table, folder=tmp_path)
    printed = capsys.readouterr().out
    assert "300 articles" in printed
    assert all(name in printed for name in ("GlobalMaxPooling1D", "GRU"))
    assert scores["linear"] > 0.9
    assert scores["network"] > 0.8
    assert (tmp_path / "newswire_topics.png").exists()


def test_bicycles_are_forecast_better_than_by_the_week_before(
    example, load_data, tmp_path, monkeypatch, capsys
):
    module = example("bicycle_forecast")
    arrays = load_data("bikeshare")
    rows = slice(3000, 6000)
    table = pd.DataFrame(arrays["X_num"][rows], columns=arrays["num_names"].astype(str))
    table = pd.DataFrame(
        {
            **{"hour": table["hr"].astype(int), "workingday": table["workingday"] > 0},
            **{"temp": 41 * table["temp"], "humidity": table["hum"]},
            "count": arrays["y"][rows],
        }
    )
    hourly = module.hourly(table)
    steps = np.diff(hourly["hour"]) % 24
    assert (steps == 1).all()
    assert len(hourly) > len(table)
    monkeypatch.setattr(module, "CV", TimeSeriesSplit(2, gap=module.HORIZON - 1))
    errors = module.main(table, tmp_path)
    assert capsys.readouterr().out.count(" s a fit") == len(errors) == 5
    best = min(errors["linear"], errors["LSTM"])
    assert best < 0.95 * errors[module.SEASONAL]
    assert (tmp_path / "bicycle_forecast.png").exists()
