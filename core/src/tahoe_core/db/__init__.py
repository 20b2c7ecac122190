"""What the services need of SQLAlchemy and asyncpg, once; importing this package alone imports neither."""
