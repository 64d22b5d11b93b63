"""The distributed engine: PgQueuer on the store's own PostgreSQL. Nothing outside this package knows a name of it.

PgQueuer runs the jobs, shows that they live, and hands a dead worker's to another. What it has not is ours: whose
turn it is (the function of migration 0016), and that who was taken over from changes nothing any more.
"""
