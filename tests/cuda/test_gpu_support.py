"""The page of what works on a GPU says what the cases say, and no piece has none."""

import json

import pytest
from test_cuda_engine import RULES

from fastnn import layers
from fastnn.plan.tables import LOSSES, OPTIMIZERS

gpu_support = pytest.importorskip(
    "gpu_support", reason="needs the checkout", exc_type=ImportError
)


def test_every_public_piece_is_in_a_case():
    assert gpu_support.missing() == []
    assert {rule.rule for rule in RULES.values()} == set(OPTIMIZERS)
    assert len(gpu_support.public_pieces()["losses"]) >= len(LOSSES)
    # Whatever is imported from elsewhere, or is a base class, is no piece.
    assert gpu_support.classes_of(layers) == [
        name
        for name in vars(layers)
        if name in layers.__all__ and name not in ("Layer", "Merge")
    ]


def test_the_page_is_what_make_docs_tables_writes(repository):
    written = (repository / "docs" / "gpu_support.md").read_text()
    assert written == gpu_support.page(written, gpu_support.read_record())


def test_a_piece_without_a_case_is_named(monkeypatch):
    class Dilated(layers.Layer):
        def lower(self, tape, x, name):
            raise NotImplementedError

    Dilated.__module__ = layers.__name__
    monkeypatch.setattr(layers, "Dilated", Dilated, raising=False)
    assert gpu_support.missing() == ["Dilated (layers)"]
    with pytest.raises(ValueError, match=r"nothing tries Dilated \(layers\)"):
        gpu_support.support(None)


def test_a_case_counts_for_what_its_network_is_made_of():
    used = set()
    with gpu_support.noting(used):
        gpu_support.MAKERS["batch_norm_first"]()
    assert used == {
        ("layers", "BatchNorm"), ("layers", "Dense"), ("layers", "Dropout"),
        ("losses", "CrossEntropy"),
    }  # fmt: skip
    before = len(used)
    gpu_support.MAKERS["norms_limited"]()  # outside: nobody takes note
    assert len(used) == before


def not_refused(rows):
    rest = [row for row in rows if not row.endswith(f"| {gpu_support.REFUSED} |")]
    assert len(rest) == len(rows) - len(gpu_support.WITHOUT_KERNELS)
    return rest


def test_rows_name_the_card_once_they_have_passed_on_it():
    passed = gpu_support.public_pieces()
    passed["layers"] = [name for name in passed["layers"] if name != "PReLU"]
    facts = {"card": "A card, 80 GiB", "driver": "580", "cuda": "13.0"}
    record = {**facts, "date": "2026-01-02", "passed": passed}
    record = json.loads(json.dumps(record))
    text = "\n".join([*gpu_support.ran(record), *gpu_support.support(record)])
    assert "A card, 80 GiB, driver 580, CUDA 13.0, 2026-01-02" in text
    assert "| `Dense` | `linear`, `no_bias` and " in text
    rows = [row for row in text.splitlines() if row.startswith("| `")]
    rows = not_refused(rows)
    alone = [row for row in rows if row.endswith("| emulated |")]
    assert len(alone) == 1
    assert alone[0].startswith("| `PReLU` |")
    assert all(row.endswith("| A card, 80 GiB |") for row in rows if row not in alone)


def test_nothing_is_noted_without_a_card(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu_support, "describe_card", lambda: None)
    monkeypatch.setattr(gpu_support, "CARD", tmp_path / "card.json")
    with pytest.raises(SystemExit, match="no card"):
        gpu_support.main(["--passed"])
    assert not gpu_support.CARD.exists()


def test_what_has_passed_is_noted_with_the_card(monkeypatch, tmp_path):
    facts = {"card": "A card", "driver": "580", "cuda": "13.0", "cupy": "14"}
    monkeypatch.setattr(gpu_support, "describe_card", lambda: facts)
    for name in ("CARD", "PAGE"):
        monkeypatch.setattr(gpu_support, name, tmp_path / name)
    gpu_support.PAGE.write_text(
        "<!-- card -->\n<!-- /card -->\n<!-- support -->\n<!-- /support -->\n"
    )
    gpu_support.main(["--passed"])
    assert gpu_support.read_record()["passed"] == gpu_support.public_pieces()
    rows = [row for row in gpu_support.PAGE.read_text().splitlines() if "`" in row]
    assert len(rows) > 50
    assert all(row.endswith("| A card |") for row in not_refused(rows))
