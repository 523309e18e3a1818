"""The arms of other libraries: they keep medaug's contract and do what they claim."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import Compose
from scipy import stats
from torch.utils.data import DataLoader

from medaug.benchmark.arms.arm import load_arms
from medaug.benchmark.arms.peers import PEERS, PeerTransform, load_peer, matched
from medaug.benchmark.arms.peers.peer import Region
from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.config import ArmConfig
from medaug.benchmark.training.sampling import PatchDataset
from medaug.errors import InputError
from medaug.geometry import affine_rotation
from medaug.policy import parse_policy, policy_path

PATCH = (16, 18, 20)
REGION = (24, 28, 30)
DRAWS = 200


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def load(name: str, patch: tuple[int, int, int] = PATCH) -> PeerTransform:
    pytest.importorskip(name)
    return load_peer(name, patch)


@pytest.fixture(params=PEERS)
def peer(request: pytest.FixtureRequest) -> PeerTransform:
    return load(request.param)


def meta(values: np.ndarray, spacing: tuple[float, float, float] = (1, 1, 1)) -> MetaTensor:
    affine = torch.diag(torch.tensor([*spacing, 1.0], dtype=torch.float64))
    return MetaTensor(torch.from_numpy(values), affine=affine)


def ball() -> np.ndarray:
    """Two classes, off the centre on every axis, uint8 [1, *REGION]."""
    grid = np.indices(REGION) - np.reshape([9, 16, 12], (3, 1, 1, 1))
    distance = np.sqrt((grid**2).sum(0))
    return ((distance < 6).astype(np.uint8) + 3 * (distance < 3).astype(np.uint8))[None]


def sample(channels: int = 2) -> dict[str, Any]:
    label = ball()
    image = np.repeat((label > 0).astype(np.float32), channels, 0) - 0.3
    coarse = (4.0, 4.0, 4.0)  # mm; MONAI smooths long over many voxels
    return {"image": meta(image, coarse), "label": meta(label, coarse)}


def ramps(shape: tuple[int, ...] = REGION) -> np.ndarray:
    """The coordinates of each voxel about the centre: float32 [3, *shape]."""
    middle = np.reshape([(n - 1) / 2 for n in shape], (3, 1, 1, 1))
    return (np.indices(shape) - middle).astype(np.float32)


def centre(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    starts = [(n - m) // 2 for n, m in zip(values.shape[1:], shape, strict=True)]
    return values[(slice(None), *(slice(s, s + m) for s, m in zip(starts, shape, strict=True)))]


def states() -> list[Any]:
    numpy_state = np.random.get_state()  # noqa: NPY002 - the global one is what must not move
    return [
        random.getstate(),
        numpy_state[1].tolist(),
        numpy_state[2],
        torch.get_rng_state().tolist(),
        torch.get_num_threads(),
    ]


def draws(peer: PeerTransform, data: dict[str, Any], n: int) -> list[dict[str, torch.Tensor]]:
    peer.set_random_state(seed=3)
    return [peer(data) for _ in range(n)]


# The contract


def test_patches_are_plain_tensors_of_the_patch_size(peer):
    for out in draws(peer, sample(), 8):
        assert (type(out["image"]), type(out["label"])) == (torch.Tensor, torch.Tensor)
        assert out["image"].shape == (2, *PATCH)
        assert out["label"].shape == (1, *PATCH)
        assert (out["image"].dtype, out["label"].dtype) == (torch.float32, torch.uint8)
        assert torch.isfinite(out["image"]).all()


def test_a_sample_depends_on_the_seed_alone(peer):
    policy = Compose([peer])
    results = []
    for threads, seed in ((1, 7), (2, 7), (1, 8)):
        torch.set_num_threads(threads)
        torch.manual_seed(threads)
        np.random.seed(threads)  # noqa: NPY002
        random.seed(threads)
        policy.set_random_state(seed=seed)
        results.append([policy(sample()) for _ in range(6)])
    for one, other in zip(results[0], results[1], strict=True):
        assert torch.equal(one["image"], other["image"])
        assert torch.equal(one["label"], other["label"])
    assert not torch.equal(results[0][0]["image"], results[0][1]["image"])
    assert not torch.equal(results[0][0]["image"], results[2][0]["image"])


def test_global_generators_and_threads_are_given_back(peer):
    torch.set_num_threads(2)
    before = states()
    draws(peer, sample(), 6)
    assert states() == before


def test_they_are_given_back_after_an_error_too(peer):
    before = states()
    with pytest.raises(Exception, match=r".+"):
        peer({"image": sample()["image"], "label": meta(np.zeros((1, 0, 0, 0), np.uint8))})
    assert states() == before


def test_the_input_stays_as_it_is(peer):
    data = sample()
    draws(peer, data, 12)
    assert data["image"].numpy().tolist() == sample()["image"].numpy().tolist()
    assert data["label"].numpy().tolist() == ball().tolist()


def test_labels_stay_a_subset_and_move_with_the_image(peer):
    """The image is the label: between its two levels lies nothing but the boundary."""
    for out in draws(peer, sample(1), 20):
        assert set(np.unique(out["label"])) <= {0, 1, 4}
        inside, image = out["label"].numpy() > 0, out["image"].numpy()
        middle = (np.median(image[inside]) + np.median(image[~inside])) / 2
        assert ((image > middle) != inside).mean() < 0.06


@pytest.mark.parametrize(
    ("name", "still"), [("monai", 0.5**4 * 0.75), ("torchio", 0.5**4), ("batchgeneratorsv2", 0.08)]
)
def test_as_many_samples_as_expected_are_the_middle_of_the_region(name, still):
    """Where no spatial effect takes part, labels are cut from the centre, to the voxel."""
    expected = centre(ball(), PATCH)
    outs = draws(load(name), sample(1), 60)
    found = sum(np.array_equal(out["label"].numpy(), expected) for out in outs)
    assert found > 0
    assert stats.binomtest(found, 60, still).pvalue > 0.001


@pytest.mark.parametrize("name", PEERS)
def test_loader_workers_change_nothing(name, rng):
    values = rng.standard_normal((1, 30, 30, 30)).astype(np.float32)
    label = (values > 1).astype(np.uint8)
    cases = [Case(str(n), values + n, label, (3.0, 3.5, 4.0), str(n)) for n in range(2)]
    dataset = PatchDataset(
        cases,
        Compose([load(name)]),
        patch_size=PATCH,
        region_factor=1.4,
        foreground_fraction=0.5,
        seed=1,
        fold=0,
    )
    torch.set_num_threads(2)
    alone, shared = (
        list(DataLoader(dataset, batch_size=None, sampler=range(4), num_workers=workers))
        for workers in (0, 2)
    )
    for one, other in zip(alone, shared, strict=True):
        assert torch.equal(one["image"], other["image"])
        assert torch.equal(one["label"], other["label"])


# What they claim


def test_the_numbers_are_those_of_the_policy_default():
    spatial, fused = parse_policy(policy_path("default").read_text(), "default")
    contrast, gamma, noise = fused["transforms"]
    theirs = {key: value for key, value in spatial.items() if key[0] != "_"}
    assert theirs == {
        "keys": ["image", "label"],
        "spatial_size": "@spatial_size",
        "rotate_degrees": matched.ROTATE_DEGREES,
        "rotate_prob": matched.ROTATE_PROB,
        "scale": matched.SCALE,
        "scale_prob": matched.SCALE_PROB,
        "shear_degrees": matched.SHEAR_DEGREES,
        "shear_prob": matched.SHEAR_PROB,
        "elastic_spacing_mm": list(matched.ELASTIC_SPACING_MM),
        "elastic_std_mm": list(matched.ELASTIC_STD_MM),
        "elastic_prob": matched.ELASTIC_PROB,
        "flip_prob": list(matched.FLIP_PROB),
        "mode": ["linear", "vote"],
    }
    assert (contrast["prob"], tuple(contrast["factor"])) == (
        matched.CONTRAST_PROB,
        matched.CONTRAST_FACTOR,
    )
    assert (gamma["prob"], tuple(gamma["gamma"])) == (matched.GAMMA_PROB, matched.GAMMA)
    assert (noise["prob"], tuple(noise["std"])) == (matched.NOISE_PROB, matched.NOISE_STD)


def build(entry: dict[str, Any]) -> Callable[..., Any]:
    built: Callable[..., Any] = ConfigParser({"step": entry}).get_parsed_content("step")
    return built


def pull_back(image: np.ndarray) -> np.ndarray:
    """Fit the linear map that has moved an image of `ramps`, which must be exact inside."""
    inner = tuple(n - 2 * (n // 3) for n in image.shape[1:])
    seen = centre(image, inner).reshape(3, -1).astype(float)
    places = centre(ramps(image.shape[1:]), inner).reshape(3, -1).astype(float)
    places = np.vstack([places, np.ones(places.shape[1])])
    matrix = seen @ np.linalg.pinv(places)
    assert np.abs(matrix @ places - seen).max() < 1e-3
    assert np.abs(matrix[:, 3]).max() < 1  # about the centre
    return matrix[:, :3]


def simulated(shears: bool) -> list[np.ndarray]:
    """What the policy's numbers say about the linear maps of as many samples."""
    rng = np.random.default_rng(5)
    maps = []
    for _ in range(20 * DRAWS):
        matrix = np.diag([-1.0 if rng.random() < 0.5 else 1.0, 1, 1])
        if rng.random() < 0.5:
            matrix = matrix / rng.uniform(0.85, 1.15)
        if shears and rng.random() < 0.25:
            lean = np.tan(np.deg2rad(rng.uniform(-5, 5, (3, 3))))
            matrix = matrix @ (np.eye(3) + lean - np.diag(np.diag(lean)))
        if rng.random() < 0.5:
            matrix = matrix @ affine_rotation(rng.uniform(-15, 15, 3))[:3, :3]
        maps.append(matrix)
    return maps


def described(maps: list[np.ndarray]) -> dict[str, np.ndarray]:
    """The size of each map, its turn about each axis and its departure from a similarity."""
    signs = np.array([np.sign(np.linalg.det(m)) for m in maps])
    plain = [np.diag([sign, 1, 1]) @ m for sign, m in zip(signs, maps, strict=True)]
    singular = [np.linalg.svd(m) for m in plain]
    turns = np.array([u @ vt for u, _, vt in singular])
    about = {
        f"degrees_{axis}": np.rad2deg((turns[:, b, c] - turns[:, c, b]) / 2).round(1)
        for axis, (b, c) in enumerate([(2, 1), (0, 2), (1, 0)])
    }
    return {
        "mirrored": signs < 0,
        "size": np.array([s.prod() ** (-1 / 3) for _, s, _ in singular]).round(3),
        "distortion": np.array([s.max() / s.min() - 1 for _, s, _ in singular]).round(2),
        **about,
    }


def assert_like_simulated(maps: list[np.ndarray], *, shears: bool) -> None:
    found, expected = described(maps), described(simulated(shears))
    assert stats.binomtest(int(found["mirrored"].sum()), len(maps), 0.5).pvalue > 0.001
    for name in expected.keys() - {"mirrored"}:
        assert stats.ks_2samp(found[name], expected[name]).pvalue > 0.001, name
    still = [np.mean(np.abs(each["degrees_1"]) < 0.1) for each in (found, expected)]
    assert abs(still[0] - still[1]) < 0.12
    assert found["size"].min() > 0.83
    assert found["size"].max() < 1.17


def test_monai_moves_in_one_resample_as_the_policy_says():
    shape = (32, 32, 32)  # zooms are rounded to whole voxels
    entry = load("monai").steps(Region(shape, (1, 1, 1)))[0]
    steps = [{**step, "keys": "image"} for step in entry["transforms"][:-1]]
    affine = build({**entry, "transforms": steps}).set_random_state(seed=1)
    data = {"image": meta(ramps(shape))}
    maps = [pull_back(affine(data)["image"].numpy()) for _ in range(150)]
    assert_like_simulated(maps, shears=True)


def test_torchio_moves_in_one_resample_as_the_policy_says_in_millimetres():
    peer, spacing = load("torchio"), (1.0, 2.0, 1.5)
    flip, entry = peer.steps(Region(REGION, spacing))[:2]
    still = {**entry, "elastic": {**entry["elastic"], "prob": 0.0}}
    steps = [build(flip), build(still)]
    torch.manual_seed(1)
    data = meta(ramps(), spacing), meta(np.zeros((1, *REGION), np.uint8), spacing)
    maps = [pull_back(peer.run(steps, *data, 0)[0].numpy()) for _ in range(DRAWS)]
    in_mm = [np.diag(spacing) @ m @ np.diag(1 / np.array(spacing)) for m in maps]
    assert_like_simulated(in_mm, shears=False)


def mean_square(image: np.ndarray, shape: tuple[int, ...], spacing_mm: float) -> float:
    """The mean square of the displacements along the axes of an image of `ramps`, in mm^2."""
    moved = centre(image, shape) - ramps(shape)
    return float((moved**2).mean()) * spacing_mm**2


@pytest.mark.parametrize("spacing_mm", [3.0, 6.0])
def test_monai_deforms_as_strongly_as_the_policy(spacing_mm):
    patch, region = (18, 18, 18), (32, 32, 32)
    elastic = load("monai", patch).steps(Region(region, (spacing_mm,) * 3))[1]["transforms"]
    assert len(elastic) == 4
    data = {"image": meta(ramps(region)), "label": meta(np.zeros((1, *region), np.uint8))}
    squares = []
    for entry in elastic[:3]:
        weakest, strongest = entry["magnitude_range"]  # 0.5 and 2 mm
        assert strongest == pytest.approx(4 * weakest)
        step = build({**entry, "magnitude_range": [2 * weakest] * 2}).set_random_state(seed=2)
        for _ in range(30):
            squares.append(mean_square(step(data)["image"].numpy(), patch, spacing_mm))
    assert np.mean(squares) == pytest.approx(1, rel=0.15)


def test_torchio_deforms_as_strongly_as_the_policy():
    peer, spacing_mm = load("torchio"), 2.0
    entry = peer.steps(Region(REGION, (spacing_mm,) * 3))[1]
    for number, std_mm in enumerate((0.75, 1.25)):
        only = {**entry["elastic"], "prob": 1.0, "one_of": [entry["elastic"]["one_of"][number]]}
        off = {"rotate": {"prob": 0, "degrees": 0}, "scale": {"prob": 0, "scales": [1, 1]}}
        step = build({**entry, **off, "elastic": only})
        torch.manual_seed(1)
        data = meta(ramps(), (spacing_mm,) * 3), meta(ball(), (spacing_mm,) * 3)
        outs = [peer.run([step], *data, 0)[0].numpy() for _ in range(15)]
        squares = [mean_square(out, (14, 18, 20), spacing_mm) for out in outs]
        assert np.mean(squares) == pytest.approx(std_mm**2, rel=0.25)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 3.0, 6.0), (0.7, 5.0, 9.0)])
def test_torchio_never_asks_for_what_it_warns_of(spacing):
    """Warnings are errors here."""
    peer, shape = load("torchio"), (16, 13, 11)
    entry = peer.steps(Region(shape, spacing))[1]
    image, label = np.zeros((1, *shape), np.float32), np.zeros((1, *shape), np.uint8)
    for choice in entry["elastic"]["one_of"]:
        only = {**entry["elastic"], "prob": 1.0, "one_of": [choice]}
        peer.run([build({**entry, "elastic": only})], meta(image, spacing), meta(label, spacing), 0)


def fired(step: Callable[..., Any], n: int) -> list[np.ndarray]:
    """Apply an intensity step of MONAI to noise, and return what it has changed."""
    image = np.random.default_rng(1).standard_normal((1, 12, 12, 12)).astype(np.float32)
    outs = [step({"image": meta(image)})["image"].numpy() for _ in range(n)]
    return [np.stack([image, out]) for out in outs if not np.array_equal(image, out)]


def test_monai_changes_intensities_as_the_policy_says():
    contrast, gamma, noise = (
        build(entry).set_random_state(seed=4)
        for entry in load("monai").steps(Region(REGION, (1, 1, 1)))[2:]
    )
    changed = fired(contrast, 400)
    assert stats.binomtest(len(changed), 400, 0.25).pvalue > 0.001
    assert all(after.mean() == pytest.approx(before.mean(), abs=1e-4) for before, after in changed)
    factors = [after.std() / before.std() for before, after in changed]
    assert stats.kstest(factors, stats.uniform(0.75, 0.5).cdf).pvalue > 0.001

    changed = fired(gamma, 400)
    assert stats.binomtest(len(changed), 400, 0.25).pvalue > 0.001
    for before, after in changed:
        assert after.mean() == pytest.approx(before.mean(), abs=1e-4)
        assert after.std() == pytest.approx(before.std(), rel=1e-3)
        assert np.array_equal(np.argsort(before.ravel()[:50]), np.argsort(after.ravel()[:50]))

    changed = fired(noise, 600)
    assert stats.binomtest(len(changed), 600, 0.15).pvalue > 0.001
    stds = [(after - before).std() for before, after in changed]
    assert stats.kstest(stds, stats.uniform(0, 0.1).cdf).pvalue > 0.001


def test_torchio_changes_intensities_as_the_policy_says():
    gamma, noise = map(build, load("torchio").steps(Region(REGION, (1, 1, 1)))[3:])
    image = np.random.default_rng(1).uniform(-3, 3, (2, 12, 12, 12)).astype(np.float32)
    torch.manual_seed(1)
    outs = [gamma(torch.from_numpy(image)).numpy() for _ in range(400)]
    changed = [out for out in outs if not np.array_equal(out, image)]
    assert stats.binomtest(len(changed), 400, 0.25).pvalue > 0.001
    powers = [np.log(np.abs(out)) / np.log(np.abs(image)) for out in changed]
    drawn = np.log([np.median(power[channel]) for power in powers for channel in range(2)])
    expected = stats.uniform(np.log(0.7), np.log(1.5 / 0.7))
    assert stats.kstest(drawn, expected.cdf).pvalue > 0.001

    outs = [noise(torch.from_numpy(image)).numpy() for _ in range(400)]
    stds = [(out - image).std() for out in outs if not np.array_equal(out, image)]
    assert stats.binomtest(len(stds), 400, 0.15).pvalue > 0.001
    assert stats.kstest(stds, stats.uniform(0, 0.1).cdf).pvalue > 0.001


def attributes(transform: Any) -> Any:
    """A transform of batchgeneratorsv2 as plain data."""
    if not type(transform).__module__.startswith("batchgeneratorsv2"):
        return list(transform) if isinstance(transform, tuple) else transform
    content = {key: attributes(value) for key, value in vars(transform).items()}
    return {"class": type(transform).__name__, **content}


def test_batchgeneratorsv2_is_the_pipeline_that_nnunet_builds():
    trainer = pytest.importorskip("nnunetv2.training.nnUNetTrainer.nnUNetTrainer")
    turn = (-30.0 / 360 * 2.0 * np.pi, 30.0 / 360 * 2.0 * np.pi)
    theirs = trainer.nnUNetTrainer.get_training_transforms(PATCH, turn, None, (0, 1, 2), False)
    expected = [attributes(step) for step in theirs.transforms]
    blur = next(step["transform"] for step in expected if "Blur" in str(step))
    assert blur.pop("benchmark") is True
    ours = [
        attributes(step) for step in load("batchgeneratorsv2").pipeline(Region(REGION, (1,) * 3))
    ]
    assert ours[2]["transform"].pop("benchmark") is False
    assert ours == expected


# As arms


@pytest.mark.parametrize("name", PEERS)
def test_the_text_of_an_arm_says_what_it_is_made_of(name):
    pytest.importorskip(name)
    (arm,) = load_arms([ArmConfig(policy=name, train_cases=(5,))], PATCH)
    assert (arm.label, arm.train_cases) == (name, (5,))
    content = yaml.safe_load(arm.text)
    assert content["library"] == name
    assert content["version"] == __import__("importlib.metadata").metadata.version(name)
    (peer,) = arm.policy.transforms
    assert content["steps"] == peer.steps(Region(PATCH, (1.0, 1.0, 1.0)))
    assert "&id" not in arm.text


@pytest.mark.parametrize("name", ["torchio", "batchgeneratorsv2"])
def test_a_library_that_is_not_there_is_named_with_the_remedy(name, monkeypatch):
    monkeypatch.delitem(sys.modules, f"medaug.benchmark.arms.peers.{name}", raising=False)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=rf"'{name}'.*pip install \"medaug\[peers\]\""):
        load_arms([ArmConfig(policy=name)], PATCH)
