"""The tahoe command."""
