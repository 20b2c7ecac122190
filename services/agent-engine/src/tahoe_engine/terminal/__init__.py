"""Talking with an agent in a terminal: a door to the engine that needs no HTTP server and no FastAPI."""
