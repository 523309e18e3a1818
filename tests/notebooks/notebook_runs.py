"""Which notebooks there are, what their outputs say, and whether a run gives the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

from notebooks.run import execute, notebook_paths, read_notebook

NAMES = [path.stem for path in notebook_paths()]
#: A test file is run by one process; those that train longest are shared out.
FIRST = ["dice_benchmark", "own_effect"]
OTHERS = [name for name in NAMES if name not in FIRST]

#: The tag of cells whose numbers come out of a training, which no two kinds of machine round alike.
NUMBERS_VARY = "numbers-vary"

_NUMBER = re.compile(r"\d[\d.,]*")
_SIGNED_NUMBER = re.compile(rf"[+\N{{MINUS SIGN}}-]?{_NUMBER.pattern}")


def notebook(name: str) -> NotebookNode:
    """Return a notebook as it is in the repository."""
    return read_notebook(next(path for path in notebook_paths() if path.stem == name))


def code_cells(of: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in of.cells if cell.cell_type == "code"]


def texts(cell: NotebookNode) -> Iterator[str]:
    """Yield what a cell shows as text, whether printed or displayed."""
    for output in cell.outputs:
        yield output.get("text", "")
        yield from (data for kind, data in output.get("data", {}).items() if "image" not in kind)


def shown(cell: NotebookNode) -> list[Any]:
    """Return what is to be the same at each run: kinds of outputs in order, and texts."""
    return [
        (
            output.output_type,
            output.get("name"),
            _text(cell, output.get("text", "")),
            {kind: _picture_or_text(cell, kind, data) for kind, data in _data(output).items()},
        )
        for output in cell.outputs
    ]


def _data(output: NotebookNode) -> dict[str, str]:
    return output.get("data", {})


def _picture_or_text(cell: NotebookNode, kind: str, data: str) -> str | bool:
    return bool(data) if kind.startswith("image/") else _text(cell, data)


def _text(cell: NotebookNode, text: str) -> str:
    text = text.replace("\\", "/")  # in the paths of Windows
    if NUMBERS_VARY not in cell.metadata.get("tags", []):
        return text
    # A number of another length moves what is beside it.
    return re.sub(r"\s+", " ", _SIGNED_NUMBER.sub("#", text))


def check_run(name: str) -> None:
    """Run a notebook in a kernel of its own, and compare what comes out with what is kept."""
    kept = notebook(name)
    ran = execute(notebook(name))
    assert [cell.metadata for cell in ran.cells] == [cell.metadata for cell in kept.cells]
    for before, after in zip(code_cells(kept), code_cells(ran), strict=True):
        complaints = [each.text for each in after.outputs if each.get("name") == "stderr"]
        assert not complaints, after.source
        assert shown(after) == shown(before), f"{after.source}\n\n`make notebooks` runs it again"
