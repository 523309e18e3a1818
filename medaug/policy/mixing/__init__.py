"""Mixing: two cases become one, within a batch or with donors from elsewhere."""

from medaug.policy.mixing.carvemix import CarveMix
from medaug.policy.mixing.case import Case, Mix
from medaug.policy.mixing.collate import MixCollate
from medaug.policy.mixing.cutmix import CutMix
from medaug.policy.mixing.mixup import MixUp
from medaug.policy.mixing.transform import RandMixD, RandMixd, RandMixDict

__all__ = [
    "CarveMix",
    "Case",
    "CutMix",
    "Mix",
    "MixCollate",
    "MixUp",
    "RandMixD",
    "RandMixDict",
    "RandMixd",
]
