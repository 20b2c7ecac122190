"""Runs scripts of skills in processes with little time, little memory, no environment and few files.

What bounds a script is the kernel: resource limits everywhere; on Linux also Landlock (files), namespaces (network,
processes) and, where Tahoe runs as root, a user of its own. What held is part of every result.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from tahoe_core.errors import ConflictError, InvalidInputError, PayloadTooLargeError, UnavailableError
from tahoe_engine.skills.files import list_files, open_inside, read_bytes
from tahoe_engine.skills.running.interpreters import SEARCH_PATH, find_interpreter
from tahoe_engine.skills.running.launch import Plan
from tahoe_engine.skills.running.output import Captured, capture, feed
from tahoe_engine.skills.skill import Skill

MIB = 1024 * 1024
_PACKAGES = Path(__file__).resolve().parents[3]
_LAUNCH = (
    f"import sys; sys.path.append({str(_PACKAGES)!r}); from tahoe_engine.skills.running.launch import main; main()"
)
_GRACE_S = 8
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime"),
    *("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/mime.types", "/etc/ssl/openssl.cnf"),
)


class Ended(StrEnum):
    """How a script came to its end."""

    EXITED = "exited"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ScriptLimits:
    """What one script may use.

    Attributes:
        timeout_s: By the clock.
        cpu_s: Of each process.
        memory_bytes: Of each process.
        file_bytes: Of each file that it writes.
        processes: At once, threads included.
        output_bytes: Of what it prints, kept of either stream; the rest is thrown away.
        folder_bytes: Of the skill's folder, which is copied for each run, and of the files that are given to it.
        at_once: Scripts of one runner at the same time; others wait.
    """

    timeout_s: float = 30
    cpu_s: int = 20
    memory_bytes: int = 512 * MIB
    file_bytes: int = 16 * MIB
    processes: int = 64
    output_bytes: int = 64 * 1024
    folder_bytes: int = 32 * MIB
    at_once: int = 4


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """What to run.

    Attributes:
        path: Of the script, relative to the skill's folder.
        stdin: What the script reads from its standard input.
        files: Texts to put into its working directory, by name.
    """

    path: str
    arguments: tuple[str, ...] = ()
    stdin: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Isolation:
    """What kept a script in.

    Attributes:
        network: `none`: it had none. `no_tcp`: the kernel refused it TCP, and nothing else. `open`: it had all.
        files: Whether it could reach nothing but its own copy of the skill, and the system's programs.
    """

    network: str
    files: bool


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """What came of a script.

    Attributes:
        exit_code: None: it was killed, by `signal`.
    """

    ended: Ended
    exit_code: int | None
    signal: str | None
    stdout: str
    stderr: str
    stdout_truncated: bool
    stderr_truncated: bool
    duration_s: float
    isolation: Isolation


class ScriptRunner:
    """Runs scripts, each in a copy of its skill's folder that is thrown away afterwards.

    Args:
        limits: What one script may use.
        allow_unisolated: Whether scripts run also where the kernel cannot keep files and secrets from them.
    """

    def __init__(self, limits: ScriptLimits | None = None, *, allow_unisolated: bool = False) -> None:
        self._limits = limits or ScriptLimits()
        self._allow_unisolated = allow_unisolated
        self._turn = asyncio.Semaphore(self._limits.at_once)

    async def run(self, skill: Skill, call: ScriptCall) -> ScriptResult:
        """Runs a script and waits for its end; if the caller is cancelled, the script is killed.

        Raises:
            NotFoundError: The skill has no such file.
            InvalidInputError: It is no script, or something given to it cannot be given.
            PayloadTooLargeError: The skill's folder, or what is given, is too large to copy.
            UnavailableError: Its interpreter is missing, or this machine cannot isolate it.
        """
        _check_call(call)
        async with self._turn:
            place = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="tahoe-skill-"))
            try:
                plan = await asyncio.to_thread(self._prepare, skill, call, place)
                return await self._launch(plan, call.stdin)
            finally:
                # Shielded: a cancelled caller leaves no copies behind either.
                await asyncio.shield(asyncio.to_thread(_remove, place))

    def _prepare(self, skill: Skill, call: ScriptCall, place: Path) -> Plan:
        limits = self._limits
        os.close(open_inside(skill.folder, call.path))  # it is there, and within
        work, home = place / "skill", place / "home"
        home.mkdir()
        _copy(skill, work, limits.folder_bytes)
        _write_given(call.files, work)
        script = work / PurePosixPath(call.path)
        interpreter = find_interpreter(script)
        return Plan(
            command=[*interpreter.command, str(script), *call.arguments],
            environment=_environment(home),
            folder=str(work),
            readable=list(_list_readable(interpreter.command[0])),
            writable=[str(place)],
            timeout_s=limits.timeout_s,
            cpu_s=limits.cpu_s,
            address_bytes=None if interpreter.reserves_memory else limits.memory_bytes,
            data_bytes=limits.memory_bytes,
            file_bytes=limits.file_bytes,
            processes=limits.processes,
            needs_isolation=not self._allow_unisolated,
        )

    async def _launch(self, plan: Plan, stdin: str) -> ScriptResult:
        began_s = time.monotonic()
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(getattr(sys, "_base_executable", sys.executable), "-S", "-s", "-E", "-B", "-c", _LAUNCH),
                *(json.dumps(asdict(plan)), str(writing)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={"PATH": SEARCH_PATH},
                pass_fds=(writing,),
                start_new_session=True,
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        try:
            stdout, stderr = await self._converse(process, plan, stdin)
            said = await asyncio.to_thread(_read_pipe, reading)
        finally:
            os.close(reading)
            await _stop(process)
        return _result(said, stdout, stderr, time.monotonic() - began_s)

    async def _converse(self, process: asyncio.subprocess.Process, plan: Plan, stdin: str) -> tuple[Captured, Captured]:
        most = self._limits.output_bytes
        outputs = [
            asyncio.create_task(capture(stream, most))
            for stream in (process.stdout, process.stderr)
            if stream is not None
        ]
        feeding = asyncio.create_task(feed(process.stdin, stdin))
        try:
            # The launcher keeps the time; this is for a launcher that is itself held up.
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), plan.timeout_s + _GRACE_S)
            await asyncio.wait(outputs, timeout=1)
        finally:
            for task in (*outputs, feeding):
                task.cancel()
            stdout, stderr = await asyncio.gather(*outputs)
            await asyncio.gather(feeding, return_exceptions=True)
        return stdout, stderr


def _check_call(call: ScriptCall) -> None:
    for what, texts in (("argument", call.arguments), ("file name", call.files)):
        if any("\0" in text for text in texts):
            raise InvalidInputError(f"An {what} holds a NUL character, which no process can be given.")
    if sum(map(len, call.arguments)) > 64 * 1024:
        raise PayloadTooLargeError("The arguments are longer than 65,536 characters.", cure="Give it as a file.")


def _copy(skill: Skill, target: Path, most_bytes: int) -> None:
    """Copies what can be read of a skill; links become the files they point to."""
    target.mkdir()
    left = most_bytes
    for file in list_files(skill):
        if file.size_bytes > left:
            raise PayloadTooLargeError(f"The skill {skill.name} is larger than {most_bytes // MIB} MiB, and not run.")
        content = read_bytes(skill.folder, file.path, left)
        left -= len(content)
        place = target / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def _write_given(files: Mapping[str, str], target: Path) -> None:
    if sum(map(len, files.values())) > 8 * MIB:
        raise PayloadTooLargeError("The files given to the script hold more than 8,388,608 characters.")
    for name, text in files.items():
        if not name or name in {".", ".."} or "/" in name or "\\" in name:
            raise InvalidInputError(f"{name!r} is no name of a file.", cure="Give a name without a folder.")
        try:
            with (target / name).open("x", encoding="utf-8", errors="replace") as file:
                file.write(text)
        except FileExistsError:
            raise ConflictError(f"The skill has a {name} of its own.", cure="Give the file another name.") from None
        except OSError as error:
            raise InvalidInputError(f"{name!r} cannot be written: {error.strerror}.") from None


def _environment(home: Path) -> dict[str, str]:
    """All that a script learns of its surroundings."""
    zones = find_spec("tzdata")
    places = [*(sysconfig.get_config_var("TZPATH") or "").split(os.pathsep)]
    if zones and zones.origin:
        places.append(str(Path(zones.origin).parent / "zoneinfo"))
    return {
        "PATH": SEARCH_PATH,
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONTZPATH": os.pathsep.join(filter(None, places)),
    }


def _list_readable(interpreter: str) -> Iterator[str]:
    yield from _SYSTEM
    yield str(Path(interpreter).resolve())
    yield sys.base_prefix
    yield sys.base_exec_prefix
    zones = find_spec("tzdata")
    if zones and zones.origin:
        yield str(Path(zones.origin).parent)


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ends the launcher, which ends the script; and the whole group, should it not."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.shield(asyncio.wait_for(process.wait(), _GRACE_S))
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _read_pipe(descriptor: int) -> dict[str, object]:
    """What the launcher said; every end of the pipe but ours is closed by now."""
    said: dict[str, object] = {}
    os.set_blocking(descriptor, False)
    with suppress(BlockingIOError):
        for line in os.read(descriptor, 64 * 1024).splitlines():
            said |= json.loads(line)
    return said


def _result(said: Mapping[str, object], stdout: Captured, stderr: Captured, duration_s: float) -> ScriptResult:
    if said.get("refused"):
        raise UnavailableError(
            "This machine cannot keep files and secrets from a script, so none is run.",
            cure="Run Tahoe on Linux 5.13 or newer with Landlock, or set TAHOE_SKILL_SCRIPTS_UNISOLATED=true.",
        )
    if "could_not_start" in said:
        raise UnavailableError(f"The script could not be started: {said['could_not_start']}.")
    exit_code, killed_by, lasted = said.get("exit_code"), said.get("signal"), said.get("duration_s", duration_s)
    return ScriptResult(
        ended=Ended(str(said.get("ended", Ended.STOPPED))),
        exit_code=exit_code if isinstance(exit_code, int) else None,
        signal=killed_by if isinstance(killed_by, str) else None,
        stdout=stdout.text,
        stderr=stderr.text,
        stdout_truncated=stdout.is_cut,
        stderr_truncated=stderr.is_cut,
        duration_s=lasted if isinstance(lasted, float) else duration_s,
        isolation=Isolation(str(said.get("network", "open")), bool(said.get("files"))),
    )


def _remove(place: Path) -> None:
    """Removes a working directory, whatever rights the script has taken from its folders."""
    for parent, folders, _files in os.walk(place):
        for name in folders:
            folder = Path(parent) / name
            if not folder.is_symlink():
                with suppress(OSError):
                    folder.chmod(0o700)
    shutil.rmtree(place, ignore_errors=True)
