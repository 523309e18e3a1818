"""Search for a better policy, on inner folds only."""
