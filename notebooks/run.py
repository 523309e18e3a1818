"""Running a notebook from the top, in an empty folder, by this very interpreter."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from ipykernel.kernelspec import make_ipkernel_cmd
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).parent

#: No cell takes longer, on the slowest machine that tests run on.
_CELL_SECONDS = 280

#: What is the same in all notebooks, whichever machine ran them.
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

#: Runs in the kernel before the first cell. ipykernel asks commands for colours and progress bars.
_STARTUP = """
import os
os.environ.update(TERM="dumb", TTY_COMPATIBLE="0", NO_COLOR="1", COLUMNS="90")
for name in ("FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):
    os.environ.pop(name, None)
"""

#: tqdm's without ipywidgets, and MONAI's wherever pydicom is installed: nothing here needs either.
_NO_WARNINGS = "ignore:IProgress not found,ignore:NvImgCodecPydicomReader"

#: What depends on the machine: how fast a command was (``survey: 6/6 cases, 3.2 cases/s``), whether
#: a kernel is used for the first time, and what else is installed.
_PASSING_LINE = re.compile(
    r"^(\w+: \d+/\d+ \w+, \S+ \w+/(s|min|h)\b|medaug: compiling kernels|nvImageCodec is not).*\n",
    re.MULTILINE,
)


class _ThisInterpreter(KernelSpecManager):
    """Starts the kernel of this interpreter, whatever kernels are installed under which name."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(argv=make_ipkernel_cmd(), display_name=kernel_name, language="python")


def notebook_paths() -> list[Path]:
    """Return the files of all notebooks."""
    return sorted(FOLDER.glob("*.ipynb"))


def read_notebook(path: Path) -> NotebookNode:
    """Return a notebook as its file has it."""
    return nbformat.read(path, as_version=4)


def execute(notebook: NotebookNode) -> NotebookNode:
    """Run all cells in order, in an empty folder, and put their outputs into the notebook.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place.

    Returns
    -------
    NotebookNode
        The same, with nothing in it that tells when or where it ran, but for times that cells
        themselves measure.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises.
    """
    with TemporaryDirectory() as temporary:
        work, settings = Path(temporary, "work"), Path(temporary, "ipython")
        startup = settings / "profile_default" / "startup" / "first.py"
        startup.parent.mkdir(parents=True)
        startup.write_text(_STARTUP, encoding="utf-8")
        work.mkdir()
        kernel = AsyncKernelManager(
            kernel_spec_manager=_ThisInterpreter(),
            connection_file=str(Path(temporary, "kernel.json")),
            # Sockets in the folder, which nobody else can listen to; Windows has none.
            transport="tcp" if os.name == "nt" else "ipc",
        )
        client = NotebookClient(
            notebook,
            km=kernel,
            timeout=_CELL_SECONDS,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(work)}},
        )
        client.execute(env=_environment(settings), cleanup_kc=True)
    return _tidied(notebook)


def _environment(settings: Path) -> dict[str, str]:
    """Return the variables of the kernel: commands are those installed with this interpreter.

    One thread, since several add up in an order, and so to numbers, of their own.
    """
    paths = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return {
        **os.environ,
        "PATH": os.pathsep.join(paths),
        "IPYTHONDIR": str(settings),
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": _NO_WARNINGS,
    }


def _tidied(notebook: NotebookNode) -> NotebookNode:
    notebook.metadata = nbformat.from_dict(_METADATA)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                output.text = _PASSING_LINE.sub("", output.text.replace("\r\n", "\n"))
        if "outputs" in cell:
            cell.outputs = [each for each in cell.outputs if each.get("text") != ""]
    return notebook
