"""One file a kind of personal data: each finder takes a text and yields (start, end)."""
