"""What the agent is called who answers where none is named; apart from it, as the agent's models take a moment."""

SLUG = "tahoe"
