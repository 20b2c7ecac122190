"""All of Google ADK and of the model providers."""
