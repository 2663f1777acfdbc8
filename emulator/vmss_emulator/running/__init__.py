"""Ways to run an emulator: for a command, for an az CLI, with what it kept."""
