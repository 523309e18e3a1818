"""What a trained network is worth on cases that it has not seen."""
