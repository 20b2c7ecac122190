"""One file a type of check."""
