"""Policies: named lists of transforms."""

from medaug.policy.arguments import check_arguments
from medaug.policy.curriculum import CurriculumD, Curriculumd, CurriculumDict
from medaug.policy.load import (
    build_policy,
    load_policy,
    parse_policy,
    policy_path,
    read_policy,
)
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
from medaug.policy.parts import Part, only, parts_of, without
from medaug.policy.randaugment import RandAugmentD, RandAugmentd, RandAugmentDict
from medaug.policy.trust import check_is_data
from medaug.policy.units import Units, units_of, units_remark

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
    "Part",
    "RandAugmentD",
    "RandAugmentDict",
    "RandAugmentd",
    "RandMixD",
    "RandMixDict",
    "RandMixd",
    "Units",
    "build_policy",
    "check_arguments",
    "check_is_data",
    "load_policy",
    "only",
    "operation_names",
    "parse_policy",
    "parts_of",
    "policy_path",
    "read_policy",
    "units_of",
    "units_remark",
    "without",
]
