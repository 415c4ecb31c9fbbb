"""Draws the folders of fastnn and what they import: ``docs/house.svg``.

    python docs/draw_house.py

The ranks are those that import-linter checks, the arrows are read off the imports. One
that leads where others lead as well is left out.
"""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH, ROW, BOX_HEIGHT, LETTER = 980, 92, 40, 8.2
STYLE = "font-family='sans-serif' font-size='14'"


def ranks() -> list[list[str]]:
    """Folders and modules from the highest rank to the lowest."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    return [layer.split(" | ") for layer in contract["layers"]]


def imported(path: Path) -> Iterator[str]:
    """Names of what a module imports of fastnn, without that of the package."""
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
                if node.module == "fastnn":
                    names = [f"fastnn.{each.name}" for each in node.names]
            elif isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            else:
                continue
            yield from (n.split(".")[1] for n in names if n.startswith("fastnn."))
        return
    for line in path.read_text().splitlines():
        first, *rest = line.split() or [""]
        if first in ("from", "cimport") and rest[0].startswith("fastnn."):
            yield rest[0].split(".")[1]


def arrows(folders: set[str]) -> list[tuple[str, str]]:
    """Pairs of a folder and another one that it imports, but for what follows."""
    found = set()
    for path in (ROOT / "fastnn").rglob("*"):
        if path.suffix in (".py", ".pyx", ".pxd"):
            folder = path.relative_to(ROOT / "fastnn").parts[0].partition(".")[0]
            found |= {(folder, other) for other in imported(path)}
    found = {(a, b) for a, b in found if a != b and {a, b} <= folders}
    return sorted(arrow for arrow in found if not _follows(arrow, found))


def _follows(arrow: tuple[str, str], arrows: set[tuple[str, str]]) -> bool:
    """Whether the other arrows lead to the same folder."""
    start, end = arrow
    reached = {b for a, b in arrows if a == start and b != end}
    while end not in reached:
        further = {b for a, b in arrows if a in reached} - reached
        if not further:
            return False
        reached |= further
    return True


def drawing() -> str:
    """The picture, as SVG."""
    rows = ranks()
    middle: dict[str, tuple[float, float]] = {}
    half: dict[str, float] = {}
    boxes = []
    for number, row in enumerate(rows):
        for place, name in enumerate(row):
            x, y = WIDTH * (2 * place + 1) / (2 * len(row)), ROW * number + 30
            middle[name], half[name] = (x, y), len(name) * LETTER / 2 + 14
            boxes.append(
                f"<rect x='{x - half[name]:.0f}' y='{y - BOX_HEIGHT / 2:.0f}' "
                f"width='{2 * half[name]:.0f}' height='{BOX_HEIGHT}' rx='6' "
                "fill='#eef3fb' stroke='#33507e'/>"
                f"<text x='{x:.0f}' y='{y + 5:.0f}' text-anchor='middle' {STYLE}>"
                f"{name}</text>"
            )
    lines = []
    for above, below in arrows(set(middle)):
        (x, y), (to_x, to_y) = middle[above], middle[below]
        lines.append(
            f"<line x1='{x:.0f}' y1='{y + BOX_HEIGHT / 2:.0f}' x2='{to_x:.0f}' "
            f"y2='{to_y - BOX_HEIGHT / 2 - 2:.0f}' stroke='#8aa0c2' "
            "marker-end='url(#tip)'/>"
        )
    height = ROW * len(rows)
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}'>",
            "<defs><marker id='tip' viewBox='0 0 8 8' refX='7' refY='4' "
            "markerWidth='8' markerHeight='8' orient='auto'>"
            "<path d='M0 0 8 4 0 8z' fill='#5a75a3'/></marker></defs>",
            f"<rect width='{WIDTH}' height='{height}' fill='white'/>",
            *lines,
            *boxes,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    (ROOT / "docs" / "house.svg").write_text(drawing())
