"""What the engine speaks of: plain Pydantic models, no database."""
