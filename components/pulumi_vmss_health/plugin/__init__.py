"""The package `vmss-health` for programs in every language: a plugin of Pulumi in front of the same gate."""
