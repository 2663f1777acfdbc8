"""The words: what a gate says while it waits, and when it ends."""
