"""A process that has imported what most commands need, and forks itself for each: half of a command is its imports.

What it forks is a process like any other, with its own folder, environment, standard streams and end; `livery.cli`
itself and what it does at start-up are its own, too. It ends when its other side does.
"""

import gc
import os
import socket
import sys
from importlib.metadata import entry_points
from json import loads


def imported():
    """What commands import sooner or later. Nothing that looks at the environment, the folder or the terminal."""
    import alembic.migration  # noqa: F401
    import rich.table  # noqa: F401
    import sqlalchemy.dialects.sqlite  # noqa: F401
    import typer  # noqa: F401

    import livery.depot
    import livery.engine
    import livery.packtools.checking
    import livery.storage.database  # noqa: F401

    for point in entry_points(group="livery"):
        point.load()


def served(channel):
    """Fork for each command that is asked for, and say how it ended. Only what is forked returns True."""
    while True:
        asked, streams, _, _ = socket.recv_fds(channel, 1 << 20, 3)
        if not asked:
            return False
        child = os.fork()
        if child == 0:
            channel.close()
            become(**loads(asked), streams=streams)
            return True
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        channel.send(str(os.waitstatus_to_exitcode(status)).encode())


def become(arguments, cwd, environment, streams):
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["livery", *arguments]
    sys.path[0] = cwd


imported()
# Else each collection of a command looks through all that was imported, and has its pages copied: most of its time.
gc.collect()
gc.freeze()
if served(socket.socket(fileno=int(sys.argv[1]))):
    from livery.__main__ import main

    main()
