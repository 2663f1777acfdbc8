"""The wait for health: when to look, at what, what to remember, and when to end."""
