"""What a tool-calling agent knew at each call, and what speaks against the call."""
