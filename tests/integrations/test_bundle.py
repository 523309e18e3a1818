"""The MONAI bundle in configs/bundle trains, evaluates and predicts, run by MONAI itself."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from conftest import REPOSITORY
from monai import bundle
from monai.utils import set_determinism

import medaug
from medaug.benchmark.cases.phantom import PhantomConfig, make_phantom
from medaug.io.volume import write_volume
from medaug.policy import load_policy
from medaug.resources import configs_dir
from medaug.transforms import RandSpatiald

pytestmark = [
    pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning"),  # MONAI warns of each
]

BUNDLE = configs_dir() / "bundle"
TRAIN = str(BUNDLE / "configs" / "train.yaml")
INFERENCE = str(BUNDLE / "configs" / "inference.yaml")
CONFIGS = [TRAIN, INFERENCE]
PAGES = [BUNDLE / "docs" / "README.md", REPOSITORY / "docs" / "how-to" / "monai-bundle.md"]
METADATA = str(BUNDLE / "configs" / "metadata.json")

#: What makes a run small.
TINY = {"steps": 3, "steps_per_epoch": 2, "patch_size": [16, 16, 16], "device": "cpu"}

#: The keys that the specification of bundles requires of metadata.json, and of a format in it.
REQUIRED = [
    *("version", "monai_version", "pytorch_version", "numpy_version", "required_packages_version"),
    *("task", "description", "authors", "copyright", "network_data_format"),
]
FORMAT = [
    *("type", "format", "modality", "num_channels", "spatial_shape", "dtype", "value_range"),
    *("is_patch_data", "channel_def"),
]


@pytest.fixture(scope="module")
def phantom(tmp_path_factory) -> Path:
    """Five coarse heads in the Decathlon layout, left to right stored mirrored."""
    root = tmp_path_factory.mktemp("phantom")
    cases = make_phantom(PhantomConfig(cases=5, shape=(26, 28, 26), spacing_mm=6)).cases
    affine = np.diag([-6.0, 6.0, 6.0, 1.0])
    for name in ("imagesTr", "labelsTr"):
        (root / name).mkdir()
    for case in cases:
        write_volume(root / "imagesTr" / f"{case.name}.nii.gz", case.image, affine)
        write_volume(root / "labelsTr" / f"{case.name}.nii.gz", case.label, affine)
    files = [f"{case.name}.nii.gz" for case in cases]
    training = [{"image": f"./imagesTr/{f}", "label": f"./labelsTr/{f}"} for f in files]
    labels = {"0": "background", "1": "oedema", "2": "core"}
    content = {"modality": {"0": "T1", "1": "FLAIR"}, "labels": labels, "training": training}
    (root / "dataset.json").write_text(json.dumps(content))
    return root


@pytest.fixture(scope="module")
def commands() -> list[list[str]]:
    """The commands of the bundle's README: train, evaluate and predict."""
    text = (BUNDLE / "docs" / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    return [shlex.split(line) for line in block.splitlines()]


def run_python(arguments: list[str], cwd: Path) -> str:
    """Run Python in a process of its own, and return what it prints."""
    finished = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def with_settings(command: list[str], **settings: object) -> list[str]:
    """Return the arguments of Python, with other settings; of two equal ones the last counts."""
    assert command[0] == "python"
    given = (part for name, value in settings.items() for part in (f"--{name}", str(value)))
    return [*command[1:], *given]


@pytest.fixture(scope="module")
def trained(phantom, commands, tmp_path_factory) -> tuple[Path, str]:
    """A copy of the bundle, as if it were installed elsewhere, after the training; and its log."""
    root = tmp_path_factory.mktemp("installed") / "bundle"
    shutil.copytree(BUNDLE, root)
    return root, run_python(with_settings(commands[0], dataset_dir=phantom, **TINY), root)


@pytest.fixture(scope="module")
def used(trained, commands, phantom) -> tuple[Path, dict]:
    """The bundle after evaluation and prediction, and what its workflows say of themselves."""
    root, _ = trained
    _, evaluate, predict = commands
    scans = phantom / "imagesTr"
    like_training = {name: TINY[name] for name in ("patch_size", "device")}
    run = [
        with_settings(evaluate, dataset_dir=phantom, **TINY),
        with_settings(predict, dataset_dir=scans, in_channels=2, **like_training),
    ]
    assert all(arguments[:2] == ["-m", "monai.bundle"] for arguments in run)
    request = {
        "commands": [arguments[2:] for arguments in run],
        "workflows": {"train": TRAIN, "infer": INFERENCE},
        "settings": {**TINY, "dataset_dir": str(phantom), "bundle_root": "again", "workers": 0},
    }
    (root / "request.json").write_text(json.dumps(request))
    script = Path(__file__).parent / "bundle_process.py"
    run_python([str(script), "request.json", "report.json"], root)
    return root, json.loads((root / "report.json").read_text())


@pytest.fixture(autouse=True)
def as_before():
    """Put back the seeds that MONAI sets for the whole process."""
    yield
    set_determinism(seed=None)


def workflow(config: str, workflow_type: str, **settings: object) -> bundle.ConfigWorkflow:
    made = bundle.ConfigWorkflow(
        config, workflow_type=workflow_type, logging_file=False, **settings
    )
    made.initialize()
    return made


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text().splitlines()))


def test_training_reports_finite_losses_and_keeps_the_best_network(trained):
    root, log = trained
    losses = [float(loss) for loss in re.findall(r"train_loss: (\S+)", log)]
    assert len(losses) == 4  # two epochs of two steps, the second filled up
    assert all(math.isfinite(loss) for loss in losses)
    assert len(re.findall(r"val_mean_dice: \S+ \n", log)) == 2
    weights = torch.load(root / "models" / "model.pt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in weights.values())


def test_training_moves_every_weight(used):
    _, report = used
    assert all(report["moved"])


def test_the_evaluation_writes_the_dice_of_the_predictions(used, phantom):
    root, _ = used
    _, (file, *classes, mean) = rows(root / "eval" / "val_mean_dice_raw.csv")
    made = workflow(TRAIN, "train", dataset_dir=str(phantom), **TINY)
    (unseen,) = made.parser.get_parsed_content("parts")[2]
    assert file == unseen["image"]
    prediction, label = (
        np.asarray(nibabel.load(folder / Path(file).name).dataobj)
        for folder in (root / "predictions", phantom / "labelsTr")
    )
    expected = [
        2
        * np.sum((prediction == value) & (label == value))
        / (np.sum(prediction == value) + np.sum(label == value))
        for value in (1, 2)
    ]
    np.testing.assert_allclose([float(dice) for dice in classes], expected, rtol=1e-5)
    ((name, dice),) = rows(root / "eval" / "metrics.csv")
    assert name == "val_mean_dice"
    np.testing.assert_allclose([float(dice), float(mean)], np.mean(expected), rtol=1e-5)


def test_a_prediction_lies_on_the_grid_of_its_scan(used, phantom):
    root, _ = used
    scans = sorted((phantom / "imagesTr").iterdir())
    written = sorted((root / "predictions").iterdir())
    assert [path.name for path in written] == [path.name for path in scans]
    prediction, scan = nibabel.load(written[0]), nibabel.load(scans[0])
    assert prediction.shape == scan.shape[:3]
    np.testing.assert_allclose(prediction.affine, scan.affine)
    assert prediction.get_data_dtype() == np.uint8
    assert np.asarray(prediction.dataobj).max() <= 2


def test_the_three_parts_share_no_case(phantom):
    made = workflow(TRAIN, "train", dataset_dir=str(phantom), **TINY)
    parts = [{case["image"] for case in part} for part in made.parser.get_parsed_content("parts")]
    assert [len(part) for part in parts] == [3, 1, 1]
    assert len(set.union(*parts)) == 5
    read = [
        {case["image"] for case in data.data} for data in (made.train_dataset, made.val_dataset)
    ]
    assert read == parts[:2]


def test_patches_are_augmented_with_labels_that_fit(phantom):
    # The image is the label here: where they part, they were not moved together.
    listed = "monai.data.load_decathlon_datalist(@dataset_dir + '/dataset.json')"
    cases = f"$[{{'image': case['label'], 'label': case['label']}} for case in {listed}]"
    settings = {**TINY, "dataset_dir": str(phantom), "cases": cases, "patch_size": [8, 8, 8]}
    made = workflow(TRAIN, "train", **settings)
    samples = [made.train_dataset[0] for _ in range(12)]
    for sample in samples:
        image, label = sample["image"].numpy(), sample["label"].numpy()
        assert image.shape == label.shape == (1, 8, 8, 8)
        assert set(np.unique(label)) <= {0, 1, 2}
        assert np.any(label)  # cut out about the foreground
        inside, outside = image[label == 2], image[label == 0]
        assert inside.size == 0 or inside.mean() > outside.mean()
    assert len({sample["label"].numpy().tobytes() for sample in samples}) == 12
    affines = [sample["label"].affine.numpy()[:3, :3] for sample in samples]
    assert any(np.count_nonzero(affine) > 3 for affine in affines)  # turned


def test_a_policy_takes_the_place_of_the_transforms(phantom):
    settings = {**TINY, "dataset_dir": str(phantom), "spatial_size": [16, 16, 16]}
    mr = f"%{configs_dir() / 'policies' / 'mr.yaml'}"
    made = workflow(TRAIN, "train", **settings, **{"train::random_transforms": mr})
    *_, spatial, intensity = made.train_preprocessing.transforms
    assert isinstance(spatial, RandSpatiald)
    assert len(intensity.changes) == len(load_policy("mr").transforms[1].changes)
    assert made.train_dataset[0]["image"].shape == (2, 16, 16, 16)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_settings_in_a_page_exist(page):
    text = page.read_text(encoding="utf-8")
    configs = [bundle.ConfigParser(bundle.ConfigParser.load_config_file(c)) for c in CONFIGS]
    named = set(re.findall(r"--([a-z]\w+(?:::\w+)*)", text)) - {"config_file", "out"}
    assert {"steps", "device", "bundle_root"} <= named
    for name in named - {"spatial_size"}:  # the policies of medaug refer to it
        assert any(name in config for config in configs), name


@pytest.mark.parametrize("kind", ["train", "infer"])
def test_monai_finds_every_required_property(used, kind):
    _, report = used
    assert report["missing"][kind] == []


def test_training_and_inference_build_the_same_network(phantom):
    networks = [
        workflow(config, kind, dataset_dir=str(phantom), in_channels=2, **TINY).network_def
        for config, kind in [(TRAIN, "train"), (INFERENCE, "infer")]
    ]
    one, other = (
        {name: value.shape for name, value in network.state_dict().items()} for network in networks
    )
    assert one == other


def test_monais_verifier_accepts_the_metadata(tmp_path):
    # MONAI would fetch the schema from the address in the metadata; it takes one that is there.
    formats = {"additionalProperties": {"type": "object", "required": FORMAT}}
    schema = {
        "type": "object",
        "required": REQUIRED,
        "properties": {
            "network_data_format": {"properties": {"inputs": formats, "outputs": formats}}
        },
    }
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(schema))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    bundle.verify_metadata(METADATA, filepath=str(path), hash_val=digest, hash_type="sha256")


def test_the_network_is_what_the_metadata_says():
    bundle.verify_net_in_out(
        net_id="network_def", meta_file=METADATA, config_file=INFERENCE, device="cpu", n=2
    )


def test_the_metadata_names_the_tested_versions():
    content = json.loads(Path(METADATA).read_text())
    assert content["version"] == medaug.__version__
    assert medaug.__version__ in content["changelog"]
    constraints = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pinned = dict(re.match(r"(\S+)==(\S+)", line).groups() for line in constraints[1:])
    named = dict(content["required_packages_version"])
    named |= {
        "monai": content["monai_version"],
        "torch": content["pytorch_version"],
        "numpy": content["numpy_version"],
    }
    assert named == {name: pinned[name] for name in named}
