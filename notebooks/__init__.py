"""Notebooks that show medaug at work on a generated phantom."""
