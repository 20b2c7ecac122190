"""Work that survives: all of DBOS.

Whatever must be finished although a process dies is a *run* here: a function whose finished steps are written down, so
that any worker can go on where another was killed. Runs stand in a schema of their own, `<schema>_dbos`, outside of
row-level security: their inputs and results are ids and counts, never what people said.

Begin with `running.running_worker`, which a process that does such work enters, and `requests.UpkeepQueue`, by which
any process asks for it. Nothing else imports DBOS, and `schema`, `options`, `running` and `requests` do so only when
they are used: it takes 0.4 s. Why it is built so: docs/decisions/0009.
"""
