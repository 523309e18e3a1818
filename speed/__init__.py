"""Timing suites: medaug against its peers, as ratios measured in one run on one core."""
