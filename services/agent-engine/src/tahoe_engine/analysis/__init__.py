"""Analyses: interactions scored, kept and found again."""
