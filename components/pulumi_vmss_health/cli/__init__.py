"""The gate where there is no stack: the command `vmss-health`. Nothing here imports pulumi."""
