"""What Azure lets one process read, and what is left of it."""
