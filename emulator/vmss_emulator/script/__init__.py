"""The script of an emulator: timelines, their events and faults."""
