"""The command line as people use it: in a folder of its own, in a process of its own."""

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Lock

EVENTS = Path(__file__).parents[2] / "examples/events"
GOOD = json.loads((EVENTS / "offer_provision_error.en.json").read_text("utf-8"))


def livery(*arguments, cwd, env=None, input="", is_merged=False):  # noqa: A002 - as subprocess.run has it
    """Run a command to its end; `is_merged`: what it says on either stream in one, as a terminal shows it."""
    command = [sys.executable, "-m", "livery", *map(str, arguments)]
    environment = dict(os.environ if env is None else env)
    if _is_measured_or_apart(environment):
        err = subprocess.STDOUT if is_merged else subprocess.PIPE
        streams = {"input": input, "stdout": subprocess.PIPE, "stderr": err, "text": True}
        return subprocess.run(command, cwd=cwd, env=env, check=False, **streams)
    return _WARM.run(command, cwd, environment, input, is_merged=is_merged)


def _of_python(environment):
    return {name: value for name, value in environment.items() if name.startswith("PYTHON")}


def _is_measured_or_apart(environment):
    """Whether coverage is to see it, or its interpreter is to be another than ours: then it starts anew."""
    return any(name.startswith("COV") for name in environment) or _of_python(environment) != _OURS


_OURS = _of_python(os.environ)


class _Warm:
    """This side of `warm.py`, which starts when the first command is run."""

    def __init__(self):
        self._channel = self._process = None
        self._lock = Lock()

    def run(self, command, cwd, environment, given, *, is_merged):
        asked = {"arguments": command[3:], "cwd": str(cwd), "environment": environment}
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            stdin.write(given.encode())
            stdin.seek(0)
            with self._lock:
                if self._channel is None:
                    self._start()
                files = [stdin.fileno(), out.fileno(), out.fileno() if is_merged else err.fileno()]
                socket.send_fds(self._channel, [json.dumps(asked).encode()], files)
                answer = self._channel.recv(16)
            assert answer, "the process that forks commands is gone"
            said = []
            for stream in (out, err):
                stream.seek(0)
                said.append(stream.read().decode().replace("\r\n", "\n"))
        return subprocess.CompletedProcess(command, int(answer), *said)

    def _start(self):
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = [sys.executable, str(Path(__file__).with_name("warm.py")), str(theirs.fileno())]
        self._process = subprocess.Popen(program, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        atexit.register(self._end)

    def _end(self):
        self._channel.close()
        self._process.wait()


_WARM = _Warm()


def stored(home):
    done = livery("deliveries", "list", "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
