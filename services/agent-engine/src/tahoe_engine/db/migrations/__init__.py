"""Alembic's folder; `tahoe_engine.db.migrate` runs it."""
