"""The version of the distribution. A test compares it with pyproject.toml's."""

__version__ = "0.1.0"
