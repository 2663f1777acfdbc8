"""Reads of one scale set: its view, model, instances and rolling upgrade, in both orchestration modes."""
