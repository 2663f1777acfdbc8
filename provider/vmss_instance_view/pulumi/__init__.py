"""The reader inside of Pulumi: the running engine, and the arguments and outputs of resources."""
