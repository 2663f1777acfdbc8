"""What a wait saw, as a file: made while it waits, read again, and judged by another policy."""
