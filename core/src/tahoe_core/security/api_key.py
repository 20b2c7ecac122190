"""Keys of services that we ask."""


def is_api_key(text: str) -> bool:
    """Whether a header of HTTP takes the text as a key: one word of ASCII characters."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
