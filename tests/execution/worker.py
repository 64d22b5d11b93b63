"""A worker process of the conformance suite: `python worker.py ADAPTER URL LOG [CONCURRENCY]`.

Work says by its id what it does: `ok-1` is done at once, `slow:2-1` after two seconds, `again:2-1` asks once to be
woken after two seconds, `poison-1` kills its worker and is given up at the fourth try. What happens goes to LOG, one
line for each start and end.
"""

import asyncio
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from execution.adapters import ADAPTERS
from livery.models.delivery import Reason
from livery.ports import Again, Dead, Done, Load

name, url, log, *rest = sys.argv[1:]


def note(*words):
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, (" ".join(map(str, (*words, os.getpid(), time.time()))) + "\n").encode())
    os.close(descriptor)


def starts(work):
    return sum(line.startswith(f"start {work} ") for line in Path(log).read_text().splitlines())


async def work(wake):
    kind, _, number = wake.work.partition("-")[0].partition(":")
    note("start", wake.work)
    verdict = Done()
    if kind == "slow":
        await asyncio.sleep(float(number))
    if kind == "again" and starts(wake.work) == 1:
        verdict = Again(timedelta(seconds=float(number)), counts=True)
    if kind == "poison":
        if starts(wake.work) <= 3:
            os._exit(9)
        verdict = Dead(Reason.WORKER_CRASHED)
    if kind == "zombie":
        await asyncio.sleep(float(number))
        if starts(wake.work) > 1:
            verdict = Again(timedelta(hours=1))
    note("end", wake.work)
    return verdict


async def main():
    adapter = ADAPTERS[name](url)
    task = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    note("ready", "-")
    try:
        load = Load(int(rest[0]) if rest else 5)
        await adapter.execution.run(work, until_idle=False, load=load)
    except asyncio.CancelledError:
        adapter.close()


asyncio.run(main())
