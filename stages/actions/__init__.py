"""Verbs of the live floor. Only these publish."""
