"""Azure's rate limits, and an estimate of what is left of them."""
