"""Tools for people who make packs: check, build, copy a parent's piece, see what moved under it, start a new one.

Everything here works on packs as `livery.packs` reads them; nothing sends, and no store is opened. The command line
shows what these functions return, and `livery.testing` asserts it.
"""
