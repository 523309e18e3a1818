"""MixUp, CutMix and CarveMix on arrays."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from scipy.stats import beta, chisquare, kstest

from medaug.policy.mixing import CarveMix, Case, CutMix, MixUp
from medaug.policy.mixing.harmony import harmonised
from medaug.policy.mixing.lesions import depth_mm, find_lesions, surroundings_of
from medaug.rng import generator

SHAPE = (20, 22, 24)
SHARP = {"rim_mm": 0.0, "match": "no", "min_volume_mm3": 0.0}


def make_case(seed=0, shape=SHAPE, lesion=None, spacing=(1, 1, 1), dtype=np.float32, **labels):
    """Noise about 100, which is foreground everywhere, and a label with a lesion or noise."""
    rng = np.random.default_rng(seed)
    image = (100 + rng.normal(size=(2, *shape)) * 10).astype(dtype)
    label = rng.integers(0, 3, (1, *shape)).astype(np.uint8)
    if lesion is not None:
        label = lesion[None].astype(np.uint8)
    return Case({"image": image}, {"label": label, **labels}, np.diag([*spacing, 1.0]))


def ball(centre, radius_mm, shape=SHAPE, spacing=(1, 1, 1)):
    where = np.moveaxis(np.indices(shape), 0, -1) - np.array(centre)
    return ((where * spacing) ** 2).sum(axis=-1) <= radius_mm**2


def empty(shape=SHAPE):
    return np.zeros(shape, bool)


def draw(mix, case, donor, seed=0):
    """Parameters as JSON keeps them, and the mixed case."""
    parameters = json.loads(json.dumps(mix.sample(generator(seed), case, donor)))
    return parameters, mix.apply(case, donor, parameters)


def arrays(case):
    return [*case.images.values(), *case.labels.values()]


def assert_same(one, other):
    for a, b in zip(arrays(one), arrays(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


MIXES = [
    MixUp(alpha=1.0, labels="dominant"),
    MixUp(alpha=1.0, labels="onehot", n_classes=3),
    CutMix(),
    CarveMix(min_volume_mm3=0),
    CarveMix(place="same", lesions="all", overlap=True, match="foreground"),
]
every_mix = pytest.mark.parametrize("mix", MIXES, ids=["dominant", "onehot", "cut", "carve", "all"])


def make_pair(shape=SHAPE):
    """Two cases with a lesion each, near opposite corners."""
    lesions = [np.zeros(shape, bool) for _ in range(2)]
    lesions[0][2:5, 2:5, : min(5, shape[2])] = True
    lesions[1][-7:-3, -8:-3, -8:] = True
    if shape[2] > 1:
        for lesion in lesions:
            lesion[:, :, [0, 1, -2, -1]] = False
    return [make_case(seed, shape, lesion) for seed, lesion in enumerate(lesions)]


@every_mix
@pytest.mark.parametrize("shape", [SHAPE, (20, 22, 1)])
def test_it_changes_image_and_label_the_same_way_for_the_same_seed_and_not_its_input(mix, shape):
    case, donor = make_pair(shape)
    before = [array.copy() for array in [*arrays(case), *arrays(donor)]]
    mixed = [draw(mix, case, donor, seed)[1] for seed in (3, 3, 4, 5, 6, 7)]
    assert_same(mixed[0], mixed[1])
    for index in (0, 1):
        plain = arrays(mix.prepare(case))[index]
        assert any(not np.array_equal(arrays(m)[index], plain) for m in mixed)
    for array, copy in zip([*arrays(case), *arrays(donor)], before, strict=True):
        np.testing.assert_array_equal(array, copy)


@every_mix
def test_magnitude_zero_changes_no_bit(mix):
    case, donor = make_pair()
    for seed in range(5):
        assert_same(draw(mix.at_magnitude(0.0), case, donor, seed)[1], mix.prepare(case))


@every_mix
@pytest.mark.parametrize("dtype", [np.int16, np.float16, np.float32, np.float64])
def test_what_is_prepared_has_the_dtypes_of_what_is_mixed(mix, dtype):
    case, donor = (make_case(seed, lesion=ball((9, 9, 9), 4), dtype=dtype) for seed in (0, 1))
    floats = np.float16 if dtype == np.float16 else np.float32
    expected = dtype if isinstance(mix, CutMix) else floats
    for result in (mix.prepare(case), draw(mix, case, donor)[1]):
        assert result.images["image"].dtype == expected
        assert np.isfinite(result.images["image"]).all()


@every_mix
def test_what_is_not_finite_spoils_no_other_voxel(mix):
    case, donor = make_pair()
    for key, spoilt in [(0, case), (1, donor)]:
        spoilt.images["image"][:, 11, 12, 13 + key] = np.nan
    for seed in range(4):
        mixed = draw(mix, case, donor, seed)[1].images["image"]
        assert np.isnan(mixed).sum() <= 4


@every_mix
def test_other_channels_or_dtypes_of_the_donor_are_refused_by_key(mix):
    case, donor = make_pair()
    image = donor.images["image"]
    thin = Case({"image": image[:1]}, donor.labels)
    other = Case(donor.images, {"label": donor.labels["label"].astype(np.int64)})
    nameless = Case({"scan": image}, donor.labels)
    with pytest.raises(ValueError, match=r"'image' has 2 channels, but .* 1"):
        mix.apply(case, thin, draw(mix, case, donor)[0])
    with pytest.raises(ValueError, match="scan"):
        mix.apply(case, nameless, draw(mix, case, donor)[0])
    if not isinstance(mix, MixUp) or mix.labels == "dominant":
        with pytest.raises(ValueError, match=r"label.*uint8.*int64"):
            mix.apply(case, other, draw(mix, case, donor)[0])


@pytest.mark.parametrize("mix", MIXES[:3])
def test_mixup_and_cutmix_refuse_another_shape(mix):
    case, donor = make_case(), make_case(shape=(20, 22, 23))
    with pytest.raises(ValueError, match="one spatial shape"):
        mix.apply(case, donor, mix.sample(generator(0), case, donor))


# MixUp


def test_mixup_is_the_weighted_mean_and_soft_labels_stay_probabilities():
    rng = np.random.default_rng(0)
    cases = []
    for seed in range(2):
        soft = rng.dirichlet([1, 1, 1], SHAPE).transpose(3, 0, 1, 2).astype(np.float32)
        cases.append(Case(make_case(seed).images, {"label": soft}))
    case, donor = cases
    mixed = MixUp().apply(case, donor, {"share": 0.25})
    for key, part in [("images", "image"), ("labels", "label")]:
        own, other = getattr(case, key)[part], getattr(donor, key)[part]
        expected = 0.75 * own.astype(np.float64) + 0.25 * other
        np.testing.assert_allclose(getattr(mixed, key)[part], expected, rtol=1e-6)
    np.testing.assert_allclose(mixed.labels["label"].sum(axis=0), 1, rtol=1e-6)


def test_mixup_of_class_numbers_gives_each_class_the_share_of_its_case():
    case, donor = make_case(0), make_case(1)
    mix = MixUp(labels="onehot", n_classes=3)
    soft = mix.apply(case, donor, {"share": 0.25}).labels["label"]
    own, other = case.labels["label"][0], donor.labels["label"][0]
    for c in range(3):
        np.testing.assert_array_equal(soft[c], 0.75 * (own == c) + 0.25 * (other == c))


@pytest.mark.parametrize(("share", "whose"), [(0.3, 0), (0.5, 0), (0.51, 1), (1.0, 1)])
def test_the_dominant_label_is_that_of_the_larger_share(share, whose):
    cases = make_case(0), make_case(1)
    mixed = MixUp(labels="dominant").apply(*cases, {"share": share})
    np.testing.assert_array_equal(mixed.labels["label"], cases[whose].labels["label"])
    if share == 1:
        np.testing.assert_array_equal(mixed.images["image"], cases[1].images["image"])


def test_shares_follow_the_beta_distribution():
    case = make_case(shape=(2, 2, 2))
    mix, rng = MixUp(alpha=0.4, labels="dominant", max_share=0.5), generator(1)
    shares = np.array([mix.sample(rng, case, case)["share"] for _ in range(2000)])
    assert kstest(shares * 2, beta(0.4, 0.4).cdf).pvalue > 0.01
    assert kstest(shares, beta(0.4, 0.4).cdf).pvalue < 1e-6


def test_class_numbers_are_not_mistaken_for_probabilities():
    integers = make_case()
    floats = Case(integers.images, {"label": integers.labels["label"].astype(np.float32)})
    with pytest.raises(TypeError, match=r"'label' holds class numbers \(uint8\).*onehot"):
        MixUp().prepare(integers)
    with pytest.raises(ValueError, match=r"'label' is no probability.*onehot"):
        MixUp().prepare(floats)
    with pytest.raises(ValueError, match="class numbers 0 to 1"):
        MixUp(labels="onehot", n_classes=2).prepare(floats)
    with pytest.raises(ValueError, match="one channel"):
        MixUp(labels="onehot", n_classes=3).prepare(
            Case(floats.images, {"label": np.zeros((2, *SHAPE))})
        )


# CutMix


def test_every_voxel_of_cutmix_is_of_one_case_and_the_box_of_the_donor():
    case, donor = make_case(0), make_case(1)
    parameters, mixed = draw(CutMix(), case, donor, seed=2)
    inside = empty()
    inside[tuple(slice(*ends) for ends in parameters["box"])] = True
    assert 0 < inside.sum() < inside.size
    for own, other, result in zip(arrays(case), arrays(donor), arrays(mixed), strict=True):
        np.testing.assert_array_equal(result, np.where(inside, other, own))


@pytest.mark.parametrize("shape", [(100, 100, 100), (300, 200, 1)])
def test_the_box_has_a_uniform_share_of_the_volume_and_lies_anywhere_inside(shape):
    case = Case({"image": np.zeros((1, *shape), np.uint8)}, {})
    rng, mix = generator(3), CutMix(max_share=0.8)
    boxes = np.array([mix.sample(rng, case, case)["box"] for _ in range(1000)])
    edges = np.diff(boxes, axis=2)[..., 0]
    shares = edges.prod(axis=1) / np.prod(shape)
    assert kstest(shares / 0.8, "uniform").pvalue > 0.01
    starts, room = boxes[:, 0, 0], shape[0] - edges[:, 0] + 1
    assert kstest((starts + np.random.default_rng(0).random(1000)) / room, "uniform").pvalue > 0.01
    assert boxes.min() >= 0
    assert (boxes[..., 1] <= shape).all()


@pytest.mark.parametrize("mix", [MixUp, CutMix])
@pytest.mark.parametrize("wrong", [{"alpha": 0}, {"alpha": np.inf}, {"max_share": 1.5}])
def test_impossible_shares_are_refused(mix, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        mix(**wrong)


# CarveMix: shapes


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.5, 2, 1.5)])
def test_the_signed_distance_is_that_to_the_nearest_voxel_on_the_other_side(spacing):
    lesion = np.random.default_rng(0).random((7, 8, 6)) < 0.3
    around = surroundings_of(lesion, np.array(spacing), 100.0)
    padded = np.pad(lesion, 1)
    at, inside = np.argwhere(padded | True) * spacing, padded.ravel()
    apart = np.sqrt(((at[:, None] - at[None]) ** 2).sum(axis=2))
    expected = np.where(
        inside, -apart[:, ~inside].min(axis=1), apart[:, inside].min(axis=1)
    ).reshape(padded.shape)[1:-1, 1:-1, 1:-1]
    np.testing.assert_allclose(around.distance_mm, expected)
    assert depth_mm(lesion, np.array(spacing)) == pytest.approx(-expected.min())


def test_a_slice_has_no_depth_across_itself():
    lesion = empty((9, 9, 1))
    lesion[2:7, 2:7] = True
    assert depth_mm(lesion, np.array([2.0, 2.0, 0.1])) == 6
    assert depth_mm(np.ones((1, 1, 1), bool), np.array([2.0, 3.0, 4.0])) == 2


def test_lesions_are_connected_large_enough_and_whole():
    lesions = empty((12, 12, 12))
    lesions[2, 2, 2] = lesions[3, 3, 3] = True  # one, touching at a corner
    lesions[6:9, 6:9, 6:9] = True
    lesions[11, 5, 5:9] = True  # at the border
    assert find_lesions(lesions, 1.0, 0, False) == [[2, 2, 2], [6, 6, 6], [11, 5, 5]]
    assert find_lesions(lesions, 1.0, 0, True) == [[2, 2, 2], [6, 6, 6]]
    assert find_lesions(lesions, 0.5, 2, True) == [[6, 6, 6]]
    assert find_lesions(empty(), 1.0, 0, False) == []


# CarveMix: what is pasted


@pytest.mark.parametrize("threshold", [-2.5, -0.1, 0.5, 3.5])
@pytest.mark.parametrize("offset", [[0, 0, 0], [2, -2, 4]])
def test_what_is_carved_lies_nearer_to_the_surface_than_the_threshold(threshold, offset):
    spacing = (1, 2, 1.5)
    lesion = ball((9, 10, 11), 5, spacing=spacing)
    donor = make_case(1, lesion=lesion * 2, spacing=spacing)
    case = make_case(0, lesion=empty(), spacing=spacing)
    mix = CarveMix(**SHARP)
    voxel = np.argwhere(lesion)[0].tolist()
    parameters = {"placed": True, "lesion": voxel, "threshold_mm": threshold, "offset": offset}
    mixed = mix.apply(case, donor, parameters)
    around = surroundings_of(lesion, np.array(spacing), 50.0)
    assert around.distance_mm.shape == SHAPE
    carved = np.roll(around.distance_mm < threshold, offset, axis=(0, 1, 2))
    moved = np.roll(donor.images["image"], offset, axis=(1, 2, 3))
    expected = np.where(carved, moved, case.images["image"])
    np.testing.assert_array_equal(mixed.images["image"], expected)
    expected = np.where(carved & np.roll(lesion, offset, axis=(0, 1, 2)), 2, 0)
    np.testing.assert_array_equal(mixed.labels["label"][0], expected)


def test_the_threshold_is_half_below_and_half_above_zero_in_depths():
    lesion = empty()
    lesion[6:13, 6:13, 6:13] = True  # 4 mm deep
    donor, case = make_case(1, lesion=lesion), make_case(0, lesion=empty())
    mix, rng = CarveMix(max_margin_mm=99, place="same", **SHARP), generator(0)
    drawn = np.array([mix.sample(rng, case, donor)["threshold_mm"] for _ in range(400)])
    below, above = drawn[drawn < 0], drawn[drawn > 0]
    assert 160 < len(below) < 240
    assert kstest(below / -2, "uniform").pvalue > 0.01
    assert kstest(above / 4, "uniform").pvalue > 0.01
    capped = CarveMix(max_margin_mm=1, place="same", **SHARP)
    assert max(capped.sample(rng, case, donor)["threshold_mm"] for _ in range(50)) == 1


def test_the_rim_passes_from_donor_to_case_over_its_width():
    lesion = empty((21, 1, 1))
    lesion[8:13] = True
    donor = Case({"image": np.full((1, 21, 1, 1), 2, np.float32)}, {"label": lesion[None] * 1})
    case = Case({"image": np.ones((1, 21, 1, 1), np.float32)}, {"label": empty((1, 21, 1, 1)) * 1})
    mix = CarveMix(rim_mm=4, match="no")
    parameters = {"placed": True, "lesion": [8, 0, 0], "threshold_mm": 0.0, "offset": [0, 0, 0]}
    mixed = mix.apply(case, donor, parameters)
    # Distances are -1, -2, -3 from the rim of the lesion inwards, and 1, 2 outwards.
    expected = [1, 1, 1.25, 1.75, 2, 2, 2, 1.75, 1.25, 1, 1]
    np.testing.assert_allclose(mixed.images["image"].ravel()[5:16], expected)
    np.testing.assert_array_equal(mixed.labels["label"].ravel(), lesion.ravel())


def test_background_of_case_and_donor_is_not_replaced():
    lesion = ball((9, 10, 11), 3)
    donor, case = make_case(1, lesion=lesion), make_case(0, lesion=empty())
    donor.images["image"][:, :, :, 12:] = 0  # a part of the lesion included, which shows
    case.images["image"][:, :8] = 0
    parameters = {"placed": True, "lesion": None, "threshold_mm": 2.5, "offset": [0, 0, 0]}
    mixed = CarveMix(**SHARP).apply(case, donor, parameters)
    assert not mixed.images["image"][:, :8].any()
    assert not mixed.labels["label"][:, :8].any()
    healthy = ~lesion & (np.indices(SHAPE)[2] >= 12)
    np.testing.assert_array_equal(
        mixed.images["image"][:, healthy], case.images["image"][:, healthy]
    )
    shows = lesion & (np.indices(SHAPE)[0] >= 8)
    np.testing.assert_array_equal(mixed.labels["label"][0], shows)


@pytest.mark.parametrize("overlap", [False, True])
def test_a_lesion_of_the_case_stays_or_gives_way_to_what_is_seen(overlap):
    lesion, own = ball((9, 10, 11), 3), ball((14, 10, 11), 3)
    organ = np.where(lesion, 2, 1)
    donor, case = make_case(1, lesion=organ), make_case(0, lesion=own * 2 + 4 * ~own)
    mix = CarveMix(lesion_labels=(2,), overlap=overlap, **SHARP)
    parameters = {"placed": True, "lesion": None, "threshold_mm": 3.5, "offset": [0, 0, 0]}
    mixed = mix.apply(case, donor, parameters)
    margin = (surroundings_of(lesion, np.ones(3), 50.0).distance_mm < 3.5) & ~lesion
    assert (margin & own).any()
    expected = np.where(lesion, 2, case.labels["label"][0])
    if overlap:
        expected[margin & own] = 1  # there the donor's healthy organ is seen
    np.testing.assert_array_equal(mixed.labels["label"][0], expected)
    seen = (margin & own).nonzero()
    source = donor if overlap else case
    np.testing.assert_array_equal(mixed.images["image"][0][seen], source.images["image"][0][seen])


def test_matching_the_rim_undoes_another_scale_and_shift():
    lesion = ball((9, 10, 11), 4)
    case = make_case(0, lesion=empty())
    tissue = case.images["image"]
    donor = make_case(1, lesion=lesion)
    donor.images["image"][...] = (tissue + 5 * lesion) * 1.25 + 30
    parameters = {"placed": True, "lesion": None, "threshold_mm": 0.5, "offset": [0, 0, 0]}
    for match in ("rim", "foreground"):
        mixed = CarveMix(rim_mm=0, match=match).apply(case, donor, parameters)
        result, expected = mixed.images["image"], tissue + 5 * lesion
        if match == "rim":
            np.testing.assert_allclose(result, expected, rtol=1e-5)
        else:  # of the foreground without the lesion, which has nearly the same statistics
            np.testing.assert_allclose(result, expected, rtol=0.02)


def test_harmonising_keeps_bounds_and_does_not_trust_a_few_voxels():
    rng = np.random.default_rng(0)
    own, other = rng.normal(size=500) * 10, rng.normal(size=500)
    values = np.array([-100.0, 0.0, 100.0])
    result = harmonised(values, own, other)
    assert result.min() >= -100
    assert result.max() <= 100
    # Ten times the spread, but the gain ends at 1.5.
    assert result[1] == pytest.approx(-other.mean() * 1.5 + own.mean())
    np.testing.assert_array_equal(harmonised(values, own[:10], other), values)
    flat = harmonised(values, np.full(50, 3.0), np.full(50, 1.0))
    np.testing.assert_array_equal(flat, [-98, 2, 100])


# CarveMix: where


def test_a_lesion_lies_in_the_foreground_and_on_no_other_and_anywhere_there_alike():
    shape = (14, 13, 1)
    lesion = empty(shape)
    lesion[3:5, 3:6] = True
    donor, case = make_case(1, shape, lesion), make_case(0, shape, empty(shape))
    case.images["image"][:, :, 10:] = 0
    own = empty(shape)
    own[6:8, 4:6] = True
    case.labels["label"][0] = own
    mix, rng = CarveMix(min_inside=1.0, margin=(0.1, 0.2), **SHARP), generator(4)
    draws = [tuple(mix.sample(rng, case, donor)["offset"]) for _ in range(3000)]
    valid = []
    for i in range(13):
        for j in range(12):
            place = empty((30, 30, 1))
            place[i : i + 2, j : j + 3] = True
            outside = place.copy()
            outside[:14, :10] = False
            if not outside.any() and not (place[:14, :13] & own).any():
                valid.append((i - 3, j - 3, 0))
    counts = Counter(draws)
    assert set(counts) == set(valid)
    assert chisquare([counts[place] for place in valid]).pvalue > 0.01


def test_a_host_is_the_only_place_and_without_a_place_nothing_happens():
    lesion = ball((9, 10, 11), 2)
    host = np.zeros(SHAPE, np.uint8)
    host[2:10, 3:12, 12:22] = 5
    donor = make_case(1, lesion=lesion * 2)
    case = make_case(0, lesion=host)
    mix = CarveMix((2,), host_labels=(5,), min_inside=1.0, **SHARP)
    for seed in range(20):
        parameters, mixed = draw(mix, case, donor, seed)
        assert parameters["placed"]
        assert (host[mixed.labels["label"][0] == 2] == 5).all()
    nowhere = CarveMix((2,), host_labels=(7,), **SHARP)
    parameters, mixed = draw(nowhere, case, donor)
    assert parameters == {"placed": False}
    assert_same(mixed, case)
    healthy = make_case(1, lesion=empty())
    for lesions in ("one", "all"):
        assert draw(CarveMix((2,), lesions=lesions), case, healthy)[0] == {"placed": False}


def test_a_lesion_of_another_shape_of_case_is_placed_at_the_same_relative_place():
    donor = make_case(1, (21, 21, 21), ball((5, 10, 15), 2, (21, 21, 21)))
    case = make_case(0, (41, 11, 21), empty((41, 11, 21)))
    mix = CarveMix(place="same", margin=(0.1, 0.2), **SHARP)
    parameters, mixed = draw(mix, case, donor)
    assert parameters["offset"] == [5, -5, 0]
    middle = np.argwhere(mixed.labels["label"][0]).mean(axis=0)
    np.testing.assert_allclose(middle, [10, 5, 15])


def test_every_lesion_has_the_same_chance():
    lesions = ball((5, 5, 5), 1) | ball((14, 14, 14), 3)
    donor, case = make_case(1, lesion=lesions), make_case(0, lesion=empty())
    mix, rng = CarveMix(**SHARP), generator(0)
    drawn = Counter(tuple(mix.sample(rng, case, donor)["lesion"]) for _ in range(300))
    assert len(drawn) == 2
    assert chisquare(list(drawn.values())).pvalue > 0.01


def test_a_margin_shows_the_lesions_next_to_the_chosen_one_as_lesions():
    lesions = empty()
    lesions[8:11, 8:11, 8:11] = lesions[8:11, 8:11, 13] = True
    donor, case = make_case(1, lesion=lesions), make_case(0, lesion=empty())
    parameters = {
        "placed": True,
        "lesion": [8, 8, 8],
        "threshold_mm": 3.5,
        "offset": [0, 0, 0],
    }
    mixed = CarveMix(**SHARP).apply(case, donor, parameters)
    np.testing.assert_array_equal(mixed.labels["label"][0], lesions)


@pytest.mark.parametrize(
    ("affine", "message"),
    [
        (np.diag([1, 1, 1.2, 1]), r"spacing: \[1.0, 1.0, 1.0\] and \[1.0, 1.0, 1.2\]"),
        (np.diag([-1, 1, 1, 1]), "orientation"),
        (np.eye(4)[[1, 0, 2, 3]], "orientation"),
    ],
)
def test_another_grid_is_refused_unless_it_is_said_not_to_matter(affine, message):
    case, donor = make_pair()
    other = Case(donor.images, donor.labels, affine.astype(float))
    with pytest.raises(ValueError, match=message):
        CarveMix().sample(generator(0), case, other)
    assert draw(CarveMix(any_grid=True), case, other)[0]["placed"]


def test_a_tilted_or_shifted_head_is_on_the_same_grid():
    case, donor = make_pair()
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    affine[:3, 3] = [100, -50, 20]
    assert draw(CarveMix(), case, Case(donor.images, donor.labels, affine))[0]["placed"]


def test_carving_needs_class_numbers_and_says_so():
    case, donor = make_pair()
    with pytest.raises(KeyError, match="CarveMix needs a label"):
        CarveMix().sample(generator(0), Case(case.images, {}), Case(donor.images, {}))
    soft = np.zeros((3, *SHAPE), np.float32)
    with pytest.raises(ValueError, match=r"class numbers.*'label'.*3 channels"):
        CarveMix().sample(generator(0), Case(case.images, {"label": soft}), donor)
    with pytest.raises(ValueError, match="a volume and a slice"):
        CarveMix().sample(generator(0), case, make_pair((20, 22, 1))[1])


@pytest.mark.parametrize(
    "wrong",
    [{"margin": (-2, 0)}, {"rim_mm": -1}, {"place": "there"}, {"match": "yes"}, {"min_inside": 0}],
)
def test_impossible_arguments_of_carvemix_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CarveMix(**wrong)


def test_a_case_is_on_one_grid_and_has_an_image():
    image = np.zeros((1, 3, 3, 3))
    with pytest.raises(ValueError, match="one spatial shape"):
        Case({"image": image}, {"label": image[..., :2]})
    with pytest.raises(ValueError, match="no image"):
        Case({}, {"label": image})
