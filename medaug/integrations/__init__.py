"""Other frameworks that train with medaug's transforms."""
