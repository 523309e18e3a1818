"""Run commands of the bundle, train it once more and report, in a process of its own.

MONAI imports ignite when it is imported itself, and goes without it where a warning of that import
is an error, as in the tests. Besides, its bundles set seeds and paths for the whole process.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import fire
import torch
from monai import bundle


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Return what training changed, and which properties the workflows lack."""
    torch.set_num_threads(1)
    for command in request["commands"]:
        fire.Fire({"run": bundle.run}, command=command)
    report: dict[str, Any] = {"missing": {}}
    for kind, config in request["workflows"].items():
        workflow = bundle.ConfigWorkflow(config, workflow_type=kind, **request["settings"])
        workflow.initialize()
        report["missing"][kind] = workflow.check_properties()
        if kind == "train":
            weights = workflow.network_def.state_dict()
            before = {name: value.clone() for name, value in weights.items()}
            workflow.run()
            after = workflow.network_def.state_dict()
            report["moved"] = [not torch.equal(after[name], before[name]) for name in before]
    return report


if __name__ == "__main__":
    asked, answer = (Path(argument) for argument in sys.argv[1:])
    answer.write_text(json.dumps(main(json.loads(asked.read_text()))))
