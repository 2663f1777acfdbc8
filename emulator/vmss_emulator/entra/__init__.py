"""Entra ID: who signs in, and with which token."""
