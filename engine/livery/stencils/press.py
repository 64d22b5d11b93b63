"""The press: the parent's side of the worker. Starts it, hands it orders, ends it when it takes too long."""

import json
import os
import select
import struct
import subprocess
import sys
import tempfile
from collections import OrderedDict
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import Any

from livery.composing import Plain
from livery.errors import PackError

MEMORY = 200 * 1024 * 1024
DEADLINE = 1.5
START = 30.0
_LENGTH = struct.Struct(">I")
_MAX_ANSWER = 4 * 1024 * 1024
_REMEMBERED, _FOR = 500, 300.0
"""How many requests that went over a limit are remembered, and for how many seconds they are not tried again."""
_PATIENCE = 4
"""A worker that had little of the processor, for the machine was busy, may take so many times as long by the clock."""
_RUN = "import sys; sys.path[:] = {path!r}; from livery.stencils.worker import main; main({memory})"


class CompileLimit(PackError):
    """Compiling a pack took more time or memory than it may, or took its process down; `at` names the template."""

    def __init__(self, message: str, *, at: str = "", limit: str = "") -> None:
        self.said, self.at, self.limit = message, at, limit
        pack, _, file = at.partition("!")
        super().__init__(message, pack=pack if file else "", file=file or at)


class Press:
    """One worker process, started when it is first needed, and again after it died. Safe from any thread.

    Args:
        deadline: seconds a request may take.
        memory: bytes a request may use beside what the worker needs itself.

    """

    def __init__(self, *, deadline: float = DEADLINE, memory: int = MEMORY) -> None:
        self._deadline, self._memory = deadline, memory
        self._allowed = deadline
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._used = self._began = 0.0
        self._over: OrderedDict[bytes, tuple[float, CompileLimit]] = OrderedDict()

    def ask(self, request: Plain, *, deadline: float | None = None) -> Plain:
        """The answer of the worker.

        Args:
            request: see `livery.stencils.worker`.
            deadline: seconds it may take, where that is not what others may.

        Raises:
            CompileLimit: it took too long, too much memory, or its process died; the next request has a new one.
            PackError: the worker could not do it, or could not be started.

        """
        body = json.dumps(request, ensure_ascii=False).encode("utf-8", "surrogatepass")
        name = sha256(body).digest()
        with self._lock:
            self._refuse_known(name)
            began, self._allowed = monotonic(), deadline or self._deadline
            try:
                return self._asked(body)
            except _Over as over:
                # Whoever ends processes, for want of memory or by mistake, may have ended this one: that is no pack's
                # fault. Dies the next one, too, it is.
                if over.limit != "crash" or monotonic() - began > self._allowed / 2:
                    raise self._limit(name, over) from None
            try:
                return self._asked(body)
            except _Over as over:
                raise self._limit(name, over) from None

    def _asked(self, body: bytes) -> Plain:
        process = self._started()
        self._used, self._began = _used(process), monotonic()
        until = self._began + self._allowed
        try:
            _write(process, body, until)
            return self._answered(process, until)
        except _Over as over:
            over.worked = _used(process) - self._used
            self._end()
            raise

    def _limit(self, name: bytes, over: "_Over") -> CompileLimit:
        """What was passed; remembered, if the worker was at work and did not merely wait for the processor."""
        limit = CompileLimit(over.message, at=over.at, limit=over.limit)
        if over.limit != "time" or over.worked > self._allowed / 2:
            self._over[name] = (monotonic() + _FOR, limit)
        return limit

    def _refuse_known(self, name: bytes) -> None:
        """What went over a limit a while ago would again, and everybody would wait for it again."""
        until, limit = self._over.get(name, (0.0, None))
        if limit is not None and monotonic() < until:
            raise CompileLimit(limit.said, at=limit.at, limit=limit.limit)
        self._over.pop(name, None)
        while len(self._over) >= _REMEMBERED:
            self._over.popitem(last=False)

    def warm(self) -> None:
        """Start the worker, if it is not there."""
        with self._lock:
            self._started()

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            self._end()

    def left(self) -> object:
        """In a forked process: the worker is the parent's. Whoever calls keeps what is returned, so that it lives."""
        self._lock = Lock()
        process, self._process, self._buffer = self._process, None, b""
        return process

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        code = _RUN.format(path=[os.path.abspath(one) for one in sys.path], memory=self._memory)  # noqa: PTH100
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, with our own code
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                cwd=tempfile.gettempdir(),
                bufsize=0,
            )
        except OSError as error:
            raise PackError(f"the process that compiles packs cannot be started: {error}") from None
        until = monotonic() + START
        try:
            _write(self._process, b'{"op":"ready"}', until)
            self._answered(self._process, until)
        except _Over as over:
            self._end()
            raise PackError(f"the process that compiles packs does not start: {over.message}") from None
        return self._process

    def _answered(self, process: subprocess.Popen[bytes], until: float) -> Plain:
        at = ""
        while True:
            message = self._frame(process, until, at)
            if "at" in message:
                at = str(message["at"])[:300]
                continue
            if "ok" in message:
                made: Plain = message["ok"]
                if message.get("worn"):
                    self._end()
                return made
            if message.get("limit"):
                raise _Over(message["error"], at, message["limit"])
            pack, _, file = at.partition("!")
            raise PackError(str(message["error"]), pack=pack if file else "", file=file or at)

    def _frame(self, process: subprocess.Popen[bytes], until: float, at: str) -> Plain:
        head = self._read(process, _LENGTH.size, until, at)
        (length,) = _LENGTH.unpack(head)
        if length > _MAX_ANSWER:
            raise _Over("makes too much", at, "output")
        try:
            message = json.loads(self._read(process, length, until, at))
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict) or not {"at", "ok", "error"} & message.keys():
            raise _Over("took the compiling process down: it speaks nonsense", at, "crash")
        return message

    def _read(self, process: subprocess.Popen[bytes], count: int, until: float, at: str) -> bytes:
        assert process.stdout is not None, "opened with a pipe"
        while len(self._buffer) < count:
            if not _is_ready(process.stdout.fileno(), select.POLLIN, until - monotonic()):
                until = monotonic() + self._more(process)
                if until > monotonic():
                    continue
                raise _Over(f"takes longer than {self._allowed:g} seconds to compile", at, "time")
            some = os.read(process.stdout.fileno(), 1 << 20)
            if not some:
                raise _Over("took the compiling process down", at, "crash")
            self._buffer += some
        found, self._buffer = self._buffer[:count], self._buffer[count:]
        return found

    def _more(self, process: subprocess.Popen[bytes]) -> float:
        """Seconds more, if the worker has not had the processor for as long as it may."""
        used = _used(process)
        left = self._allowed - (used - self._used)
        is_late = monotonic() - self._began > self._allowed * _PATIENCE
        return left if used and left > self._allowed / 10 and not is_late else 0.0

    def _end(self) -> None:
        process, self._process, self._buffer = self._process, None, b""
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        process.wait()


class _Over(Exception):
    def __init__(self, message: str, at: str, limit: str) -> None:
        self.message, self.at, self.limit = message, at, limit
        self.worked = 0.0


def _write(process: subprocess.Popen[bytes], body: bytes, until: float) -> None:
    assert process.stdin is not None, "opened with a pipe"
    data: Any = memoryview(_LENGTH.pack(len(body)) + body)
    descriptor = process.stdin.fileno()
    os.set_blocking(descriptor, False)
    while data:
        if not _is_ready(descriptor, select.POLLOUT, until - monotonic()):
            raise _Over("the compiling process does not listen", "", "time")
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            continue
        except OSError:
            raise _Over("took the compiling process down", "", "crash") from None


def _is_ready(descriptor: int, event: int, seconds: float) -> bool:
    """Whether something can be read or written in time. Not select(): that knows no more than 1024 files."""
    poll = select.poll()
    poll.register(descriptor, event)
    return seconds > 0 and bool(poll.poll(seconds * 1000))


def _used(process: subprocess.Popen[bytes]) -> float:
    """Seconds of processor time a process has had; 0 where the system does not say."""
    try:
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as stream:  # noqa: PTH123 - no pathlib after start-up
            fields = stream.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return 0.0


def _environment() -> dict[str, str]:
    """Nothing of the host's, for there are its secrets; but what measures coverage of processes in tests."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8", **kept}
