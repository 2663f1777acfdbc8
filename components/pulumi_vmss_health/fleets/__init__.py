"""Many scale sets behind one gate: what it asks, how it waits, what it tells."""
