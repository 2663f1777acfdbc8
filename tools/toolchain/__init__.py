"""What `make setup` does once a suitable Python runs it: standard library only, for nothing is installed yet.

From low to high: `clone` (where things are in a checkout), `steps` (saying what is done, running commands, giving up),
`versions` (which will do, and what is locked: no I/O), `environment` (.venv), `source` and `installer` (two ways to a
Pulumi CLI), `cli` (which way is taken), `__main__` (one set-up at a time, and how it ends).
"""
