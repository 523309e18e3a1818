"""Training one network, the same way for each arm."""
