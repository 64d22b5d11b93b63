"""Stencils: packs compiled to plain data with holes, and how the holes are filled.

Owns the stager (a pack's templates evaluated as far as they can be without an event), the worker process in
which that happens, the cache, and the filling. `fill` needs neither Jinja nor MJML and is all a message takes.
"""
