"""The verdict on one look at a scale set. Pure: no I/O, no clock."""
