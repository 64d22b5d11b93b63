"""Administration: who may change which settings, to what, and what came of it. What people see of settings.

Only `engine` makes one; pages and commands go through `engine.settings`.
"""
