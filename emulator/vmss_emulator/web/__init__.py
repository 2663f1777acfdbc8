"""HTTPS on loopback: the server, its certificate, the journal of requests, and faults on the wire."""
