"""Tahoe's agent engine."""
