"""A stand-in for Pulumi's azure-native provider that knows one cloud: the emulator.

The real provider is a 300 MB program that no test wants to download, and an unmodified `pulumi_azure_native` program
must not notice the difference. This one serves the few resource types that such programs put around a scale set
(`kinds`), in the way of the original: it flattens ARM's bodies (`shapes`), names resources, follows long-running
operations (`client`), and shows as unknown in a preview what only Azure can tell (`provider`).

It is package data of the emulator and never a console script, which would shadow the real provider for everybody who
installs the package: `install` writes it where one process tree only looks.
"""
