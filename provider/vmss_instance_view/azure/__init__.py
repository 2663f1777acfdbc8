"""One authorised GET to Azure: which cloud, which identity, which api-version, under a deadline."""
