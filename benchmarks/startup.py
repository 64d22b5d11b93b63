"""CPU time of cold starts, beside a bare Python's. Rounds are interleaved; medians."""

import os
import statistics
import sys
import tempfile
from pathlib import Path

ROUNDS = 11
EVENT = Path(__file__).parents[1] / "examples/events/offer_provision_error.en.json"
LIVERY = str(Path(sys.executable).with_name("livery"))


def cpu(arguments: list[str], **environment: str) -> float:
    """User and system milliseconds of one process."""
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os.execve(arguments[0], arguments, {**os.environ, **environment})
    _, _, used = os.wait4(child, 0)
    return (used.ru_utime + used.ru_stime) * 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as out:
        render = [LIVERY, "render", str(EVENT), "--channel", "smtp", "--locale", "de", "--out", out]
        cases = {
            "python -c pass": lambda _: cpu([sys.executable, "-c", "pass"]),
            "livery --version": lambda _: cpu([LIVERY, "--version"]),
            "livery render, by a kit": lambda _: cpu(render, XDG_CACHE_HOME=out),
            "livery render, the first time": lambda number: cpu(render, XDG_CACHE_HOME=f"{out}/{number}"),
        }
        cases["livery render, by a kit"](0)
        times: dict[str, list[float]] = {name: [] for name in cases}
        for number in range(ROUNDS):
            for name, run in cases.items():
                times[name].append(run(number))
    bare = statistics.median(times["python -c pass"])
    for name, found in times.items():
        middle = statistics.median(found)
        print(f"{name:<32} {middle:7.1f} ms CPU   {middle / bare:5.1f} x a bare Python")


if __name__ == "__main__":
    main()
