"""`livery` and `python -m livery`."""

import gc
import sys


def main() -> None:
    """The command line. Short commands end before a collection would pay."""
    if sys.argv[1:] == ["--version"]:
        from livery._version import __version__

        print(f"livery {__version__}")  # noqa: T201 - answered before anything is imported
        return
    # Start-up makes many objects and drops few: collecting meanwhile only costs.
    gc.disable()
    if sys.argv[1:2] == ["render"]:
        from livery import quick

        if quick.render(sys.argv[2:]):
            return
    from livery.cli import run

    gc.enable()
    run()


if __name__ == "__main__":
    main()
