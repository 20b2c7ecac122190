"""The embedded PostgreSQL: one server a home, started by whoever needs it first and adopted by everyone after.

Begin with `lifecycle.ensure_running` and `provision.provision_service`; `status.find_status` looks without touching,
`supervise.keep_running` is for commands that stay, `testing.temporary_postgres` for tests.
"""
