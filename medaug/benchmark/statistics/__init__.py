"""Whether arms differ, and how sure that is."""
