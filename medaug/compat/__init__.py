"""The transforms of other libraries, under their names and with their meaning, on medaug's core."""
