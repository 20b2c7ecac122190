"""Which addresses the engine connects to, and how it keeps to those that it has checked."""
