"""One repository a table: the only place where the engine's queries are written."""
