"""What a command runs in: a terminal of some width, a pipeline, a shell that completes its words."""
