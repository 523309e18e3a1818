"""What the keys, channels and neighbours of the intensity drop-ins share."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from dropins import DROP_INS
from intensities import image
from monai.data import MetaTensor

from medaug.intensity import Change, Gamma
from medaug.rng import generator
from medaug.transforms import FusedIntensity, RandIntensityScaled
from medaug.transforms.changing import IntensityDictTransform

KEYS = ["image", "other"]
OWN = {"RandRicianNoised", "RandSimulateLowResolutiond"}
intensity_rows = pytest.mark.parametrize(
    "row", [row for row in DROP_INS if issubclass(row.cls, IntensityDictTransform)], ids=str
)


@intensity_rows
def test_all_keys_are_changed_or_none(row):
    sample = {"image": image((2, 6, 7, 8)), "other": image((1, 6, 7, 8))}
    transform = row.build(keys=KEYS, prob=0.5).set_random_state(seed=0)
    records = [transform.sample(sample, generator(n))["parameters"] for n in range(60)]
    fired = [[bool(record[key][0]) for key in KEYS] for record in records]
    assert {tuple(each) for each in fired} == {(False, False), (True, True)}
    assert 15 < sum(each[0] for each in fired) < 45


@intensity_rows
def test_all_keys_share_what_is_drawn_where_monais_do(row):
    sample = {"image": image((2, 6, 7, 8)), "other": image((3, 6, 7, 8))}
    parameters = row.build(keys=KEYS).sample(sample, generator(1))["parameters"]
    assert (parameters["image"][0][0] == parameters["other"][0][0]) == (row.name not in OWN)
    assert [len(parameters[key][0]) for key in KEYS] == [2, 3]


@intensity_rows
@pytest.mark.parametrize("prob", [0.0, 1.0])
def test_the_input_learns_nothing_of_what_is_done_to_the_result(row, prob):
    volume = MetaTensor(image((2, 6, 7, 8)), meta={"facts": {"of": ["a", "list"]}})
    before = str(vars(volume))
    result = row.build(prob=prob)({"image": volume})["image"]
    assert len(result.applied_operations) == 1
    result.meta["facts"]["of"].append("more")
    assert str(vars(volume)) == before


@intensity_rows
def test_a_missing_key_leaves_the_others_to_themselves(row):
    sample = {"other": image((2, 6, 7, 8))}
    transform = row.build(keys=KEYS, allow_missing_keys=True)
    assert not np.array_equal(transform(sample)["other"], sample["other"])


@intensity_rows
def test_fused_they_are_the_same_as_one_after_the_other(row):
    """With statistics of the whole image between changes of single channels."""
    sample = {key: MetaTensor(image((2, 6, 7, 8), seed=n)) for n, key in enumerate(KEYS)}
    parts = [
        RandIntensityScaled(KEYS, factor=(0.5, 0.8), per_channel=True),
        row.build(keys=KEYS),
        RandIntensityScaled(KEYS, factor=(2.0, 3.0), per_channel=True),
    ]
    fused = FusedIntensity(parts)
    record = fused.sample(sample, generator(4))
    one_by_one = dict(sample)
    for n, part in enumerate(parts):
        own = {key: [each[n]] for key, each in record["parameters"].items()}
        one_by_one = part.apply(one_by_one, {"parameters": own})
    together = fused.apply(sample, record)
    for key in KEYS:
        torch.testing.assert_close(
            together[key].as_tensor(), one_by_one[key].as_tensor(), rtol=1e-4, atol=1e-3
        )
    assert (record["parameters"]["image"][1] == record["parameters"]["other"][1]) == (
        row.name not in OWN
    )


@intensity_rows
def test_voxels_of_any_strides_are_the_same(row):
    transform = row.build()
    voxels = image((2, 6, 7, 8))
    turned = np.asfortranarray(voxels)[:, ::-1]
    straight = np.ascontiguousarray(turned)
    record = transform.sample({"image": straight}, generator(0))
    for other in (turned, torch.from_numpy(straight).transpose(1, 2).contiguous().transpose(1, 2)):
        assert torch.equal(
            transform.apply({"image": other}, record)["image"],
            transform.apply({"image": straight}, record)["image"],
        )


@pytest.mark.parametrize(
    "options", [{"per_channel": True}, {"channel_prob": 0.5}, {"foreground": "nonzero"}]
)
def test_what_is_done_to_the_whole_image_leaves_no_part_of_it_out(options):
    with pytest.raises(ValueError, match="whole_image"):
        Change(Gamma((1.0, 2.0)), whole_image=True, **options)
