"""Figures, side by side with a peer in one run; never a test: machines differ, and their load does."""
