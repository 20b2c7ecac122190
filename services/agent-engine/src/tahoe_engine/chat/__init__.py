"""Conversations of users and agents: everything that was said, done and known."""
