"""Run notebooks and keep their outputs: ``python -m notebooks [NAME ...]``."""

from __future__ import annotations

import argparse

import nbformat

from notebooks.run import execute, notebook_paths, read_notebook


def main() -> None:
    """Run the notebooks that are named, or all."""
    paths = {path.stem: path for path in notebook_paths()}
    parser = argparse.ArgumentParser(prog="python -m notebooks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(paths))
    names = parser.parse_args().names or list(paths)
    if unknown := [name for name in names if name not in paths]:
        parser.error(f"there is no notebook {unknown[0]!r}; there are {', '.join(paths)}")
    for name in names:
        print(paths[name], flush=True)
        nbformat.write(execute(read_notebook(paths[name])), paths[name])


if __name__ == "__main__":
    main()
