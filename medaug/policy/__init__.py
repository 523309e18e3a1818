"""Policies: named lists of transforms."""

from medaug.policy.load import load_policy, policy_path
from medaug.policy.trust import check_is_data

__all__ = ["check_is_data", "load_policy", "policy_path"]
