"""The life of a scale set and of its machines, and what Azure shows of it. Reads no clock."""
