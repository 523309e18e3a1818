"""Policies: named lists of transforms."""

from medaug.policy.curriculum import CurriculumD, Curriculumd, CurriculumDict
from medaug.policy.load import load_policy, policy_path
from medaug.policy.mixing import (
    CarveMix,
    CutMix,
    MixCollate,
    MixUp,
    RandMixD,
    RandMixd,
    RandMixDict,
)
from medaug.policy.operations import NOT_OPERATIONS, OPERATIONS, Operation, operation_names
from medaug.policy.randaugment import RandAugmentD, RandAugmentd, RandAugmentDict
from medaug.policy.trust import check_is_data

__all__ = [
    "NOT_OPERATIONS",
    "OPERATIONS",
    "CarveMix",
    "CurriculumD",
    "CurriculumDict",
    "Curriculumd",
    "CutMix",
    "MixCollate",
    "MixUp",
    "Operation",
    "RandAugmentD",
    "RandAugmentDict",
    "RandAugmentd",
    "RandMixD",
    "RandMixDict",
    "RandMixd",
    "check_is_data",
    "load_policy",
    "operation_names",
    "policy_path",
]
