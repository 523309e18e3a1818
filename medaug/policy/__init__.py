"""Policies: named lists of transforms."""

from medaug.policy.load import load_policy, policy_path

__all__ = ["load_policy", "policy_path"]
