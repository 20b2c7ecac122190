"""Scripts are run for real, and try what they must not be able to do."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tahoe_core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PayloadTooLargeError,
    UnavailableError,
)
from tahoe_engine.skills.running import landlock
from tahoe_engine.skills.running.launch import Plan
from tahoe_engine.skills.running.script_runner import (
    Ended,
    ScriptCall,
    ScriptLimits,
    ScriptResult,
    ScriptRunner,
)
from tahoe_engine.skills.skill import Skill

pytestmark = pytest.mark.skipif(landlock.find_version() == 0, reason="this kernel has no Landlock")

type MakeSkill = Callable[..., Skill]
MIB = 1024 * 1024


async def run_script(skill: Skill, path: str, limits: ScriptLimits | None = None, **call: Any) -> ScriptResult:  # noqa: ANN401 - as ScriptCall has it
    return await ScriptRunner(limits).run(skill, ScriptCall(path, **call))


async def run_python(make_skill: MakeSkill, code: str, limits: ScriptLimits | None = None) -> ScriptResult:
    return await run_script(make_skill(**{"scripts/main.py": code}), "scripts/main.py", limits)


class TestAScript:
    async def test_gets_arguments_input_and_files_and_gives_its_output(self, make_skill: MakeSkill) -> None:
        code = "import sys; print(sys.argv[1:], sys.stdin.read(), open('data.csv').read()); sys.exit(3)"
        result = await run_script(
            make_skill(**{"scripts/main.py": code}),
            "scripts/main.py",
            arguments=("a b", "$(id)"),
            stdin="typed ü",
            files={"data.csv": "1,2"},
        )
        assert result.stdout == "['a b', '$(id)'] typed ü 1,2\n"
        assert (result.ended, result.exit_code, result.signal, result.stderr) == (Ended.EXITED, 3, None, "")
        assert 0 < result.duration_s < 20

    async def test_that_does_not_read_its_input_is_no_fault(self, make_skill: MakeSkill) -> None:
        skill = make_skill(**{"scripts/main.py": "print('done')"})
        assert (await run_script(skill, "scripts/main.py", stdin="x" * MIB)).stdout == "done\n"

    async def test_finds_its_neighbours_and_the_standard_library_and_nothing_of_ours(
        self, make_skill: MakeSkill
    ) -> None:
        skill = make_skill(
            **{
                "scripts/main.py": "import near, sqlite3, importlib.util as u; print(near.WORD, u.find_spec('yaml'))",
                "scripts/near.py": "WORD = 'here'",
            }
        )
        assert (await run_script(skill, "scripts/main.py")).stdout == "here None\n"

    async def test_may_write_into_its_copy_and_changes_nothing(self, make_skill: MakeSkill) -> None:
        skill = make_skill(**{"scripts/main.sh": 'echo new > SKILL.md; echo x > "$HOME/x"; cat SKILL.md; pwd'})
        before = skill.file.read_text()
        result = await run_script(skill, "scripts/main.sh")
        said, folder = result.stdout.splitlines()
        assert said == "new"
        assert skill.file.read_text() == before
        assert not os.path.exists(folder)  # noqa: ASYNC240, PTH110 - at once

    async def test_leaves_nothing_behind_whatever_rights_it_takes_away(
        self, make_skill: MakeSkill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = tmp_path / "temporary"
        place.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        skill = make_skill(**{"scripts/main.sh": "mkdir -p a/b; touch a/b/c; chmod 0 a/b a; ln -s / root"})
        assert (await run_script(skill, "scripts/main.sh")).exit_code == 0
        assert list(place.iterdir()) == []

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("run.sh", "echo hello"),
            ("run.bash", "[[ 1 ]] && echo hello"),
            ("run", "#!/usr/bin/env -S python3 -u\nprint('hello')"),
            ("shell", "#!/bin/bash\n[[ 1 ]] && echo hello"),
            ("run.sh", "#!/bin/bash\n[[ 1 ]] && echo hello"),
        ],
    )
    async def test_is_run_by_what_its_name_or_first_line_says(
        self, make_skill: MakeSkill, name: str, code: str
    ) -> None:
        result = await run_script(make_skill(**{f"scripts/{name}": code}), f"scripts/{name}")
        assert (result.stdout, result.stderr) == ("hello\n", "")

    @pytest.mark.skipif(shutil.which("node", path="/usr/local/bin:/usr/bin:/bin") is None, reason="needs node")
    async def test_of_javascript_is_run_by_node(self, make_skill: MakeSkill) -> None:
        result = await run_script(make_skill(**{"scripts/a.mjs": "console.log(process.argv[2])"}), "scripts/a.mjs")
        assert (result.stdout, result.ended) == ("undefined\n", Ended.EXITED)


class TestWhatCannotBeRun:
    @pytest.mark.parametrize(
        ("path", "error"),
        [
            ("scripts/none.py", NotFoundError),
            ("../outside.py", InvalidInputError),
            ("/bin/sh", InvalidInputError),
            ("SKILL.md", InvalidInputError),
            ("scripts/link.py", InvalidInputError),
        ],
    )
    async def test_is_refused(self, make_skill: MakeSkill, tmp_path: Path, path: str, error: type[Exception]) -> None:
        (tmp_path / "outside.py").write_text("print('out')")
        skill = make_skill(**{"scripts/main.py": ""})
        (skill.folder / "scripts" / "link.py").symlink_to(tmp_path / "outside.py")
        with pytest.raises(error):
            await run_script(skill, path)

    @pytest.mark.parametrize(
        ("call", "error"),
        [
            ({"files": {"../x": ""}}, InvalidInputError),
            ({"files": {"": ""}}, InvalidInputError),
            ({"files": {"SKILL.md": ""}}, ConflictError),
            ({"files": {"a" * 300: ""}}, InvalidInputError),
            ({"files": {"big": "x" * (9 * MIB)}}, PayloadTooLargeError),
            ({"arguments": ("a\0b",)}, InvalidInputError),
            ({"arguments": ("x" * 70_000,)}, PayloadTooLargeError),
        ],
    )
    async def test_with_what_is_given_is_refused(
        self, make_skill: MakeSkill, call: dict[str, Any], error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            await run_script(make_skill(**{"scripts/main.py": ""}), "scripts/main.py", None, **call)

    async def test_in_a_skill_that_is_too_large_is_refused(self, make_skill: MakeSkill) -> None:
        skill = make_skill(**{"scripts/main.py": "", "assets/big.txt": "x" * MIB})
        with pytest.raises(PayloadTooLargeError, match="thing is larger than"):
            await run_script(skill, "scripts/main.py", ScriptLimits(folder_bytes=MIB // 2))

    async def test_where_files_cannot_be_kept_is_refused_unless_it_is_allowed(
        self, make_skill: MakeSkill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As on a kernel without Landlock, by a launcher that is told that there is none."""
        no_landlock = (
            "from tahoe_engine.skills.running import landlock; landlock.find_version = lambda: 0\n"
            "from tahoe_engine.skills.running.launch import main; main()"
        )
        package = Path(landlock.__file__).parents[3]
        monkeypatch.setattr(
            "tahoe_engine.skills.running.script_runner._LAUNCH",
            f"import sys; sys.path.append({str(package)!r})\n{no_landlock}",
        )
        skill = make_skill(**{"scripts/main.sh": "echo ran"})
        with pytest.raises(UnavailableError, match="cannot keep files and secrets"):
            await run_script(skill, "scripts/main.sh")
        result = await ScriptRunner(allow_unisolated=True).run(skill, ScriptCall("scripts/main.sh"))
        assert (result.stdout, result.isolation.files) == ("ran\n", False)


class TestSecrets:
    async def test_are_not_in_its_environment(self, make_skill: MakeSkill, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LLM_API_KEY", "secret")
        result = await run_python(make_skill, "import os; print(sorted(os.environ))")
        assert result.stdout == "['HOME', 'LANG', 'PATH', 'PYTHONTZPATH', 'TMPDIR']\n"

    async def test_cannot_be_read_from_files_or_from_other_processes(
        self, make_skill: MakeSkill, tmp_path: Path
    ) -> None:
        secret = tmp_path / "service-token"
        secret.write_text("secret")
        code = f"""
import os
for path in ({str(secret)!r}, "/etc/shadow", "/proc/self/environ", "/proc/{os.getpid()}/environ",
             {str(Path.home() / ".bashrc")!r}, f"/proc/{{os.getppid()}}/environ", "/etc/hostname"):
    try:
        print(path, open(path).read())
    except OSError as error:
        print(error.strerror)
"""
        result = await run_python(make_skill, code)
        assert set(result.stdout.splitlines()) <= {"Permission denied", "No such file or directory"}
        assert result.isolation.files

    async def test_cannot_be_reached_by_a_link_that_the_skill_has(self, make_skill: MakeSkill, tmp_path: Path) -> None:
        (tmp_path / "secret.txt").write_text("secret")
        skill = make_skill(**{"scripts/main.sh": "cat link.txt; ls"})
        (skill.folder / "link.txt").symlink_to(tmp_path / "secret.txt")
        result = await run_script(skill, "scripts/main.sh")
        assert result.stdout.split() == ["SKILL.md", "scripts"]


class TestTheOutside:
    async def test_cannot_be_written(self, make_skill: MakeSkill, tmp_path: Path) -> None:
        result = await run_python(make_skill, f"open({str(tmp_path / 'new')!r}, 'w')")
        assert "Permission denied" in result.stderr
        assert not (tmp_path / "new").exists()

    async def test_cannot_be_reached_by_tcp_on_this_machine_either(self, make_skill: MakeSkill) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            result = await run_python(
                make_skill, f"import socket; socket.create_connection(('127.0.0.1', {port}), 2); print('in')"
            )
        assert result.isolation.network in {"none", "no_tcp"}
        assert result.stdout == ""

    async def test_cannot_be_reached_by_udp_where_it_says_that_there_is_no_network(self, make_skill: MakeSkill) -> None:
        code = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53)); print('sent')"
        result = await run_python(make_skill, code)
        assert (result.isolation.network == "none") == ("sent" not in result.stdout)

    async def test_has_processes_that_it_cannot_end(self, make_skill: MakeSkill) -> None:
        other = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
        await run_python(make_skill, f"import os; os.kill({other.pid}, 9)")
        assert other.returncode is None
        other.kill()
        await other.wait()


class TestTheLimits:
    async def test_of_time_end_a_script(self, make_skill: MakeSkill) -> None:
        result = await run_python(
            make_skill, "import time; print('began', flush=True); time.sleep(60)", ScriptLimits(timeout_s=1)
        )
        assert (result.ended, result.exit_code, result.signal) == (Ended.TIMED_OUT, None, "SIGKILL")
        assert result.stdout == "began\n"
        assert 1 <= result.duration_s < 8

    async def test_of_cpu_end_a_script(self, make_skill: MakeSkill) -> None:
        result = await run_python(make_skill, "while True: pass", ScriptLimits(timeout_s=30, cpu_s=1))
        assert (result.ended, result.signal) in {(Ended.EXITED, "SIGKILL"), (Ended.EXITED, "SIGXCPU")}

    async def test_of_memory_refuse_more(self, make_skill: MakeSkill) -> None:
        code = "x = bytearray(50_000_000); print('some'); y = bytearray(300_000_000)"
        result = await run_python(make_skill, code, ScriptLimits(memory_bytes=256 * MIB))
        assert result.stdout == "some\n"
        assert "MemoryError" in result.stderr

    async def test_of_a_file_refuse_more(self, make_skill: MakeSkill) -> None:
        skill = make_skill(**{"scripts/main.sh": "head -c 3000000 /dev/zero > big; wc -c < big"})
        result = await run_script(skill, "scripts/main.sh", ScriptLimits(file_bytes=MIB))
        assert int(result.stdout) <= MIB

    async def test_of_processes_refuse_more(self, make_skill: MakeSkill) -> None:
        code = """
import os, time
made = 0
try:
    for _ in range(500):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
except OSError:
    pass
print(made)
"""
        result = await run_python(make_skill, code, ScriptLimits(processes=20))
        assert 0 < int(result.stdout) <= 20

    async def test_of_output_cut_it_and_let_the_script_end(self, make_skill: MakeSkill) -> None:
        code = "import sys; sys.stdout.write('x' * 5_000_000); sys.stderr.write('short')"
        result = await run_python(make_skill, code, ScriptLimits(output_bytes=1000))
        assert (result.stdout, result.stdout_truncated) == ("x" * 1000, True)
        assert (result.stderr, result.stderr_truncated) == ("short", False)
        assert (result.ended, result.exit_code) == (Ended.EXITED, 0)

    async def test_of_how_many_run_at_once_make_others_wait(self, make_skill: MakeSkill) -> None:
        skill = make_skill(**{"scripts/main.py": "import time as t; print(t.time()); t.sleep(0.5); print(t.time())"})
        runner = ScriptRunner(ScriptLimits(at_once=1))
        results = await asyncio.gather(*(runner.run(skill, ScriptCall("scripts/main.py")) for _ in range(2)))
        (_, first_end), (second_start, _) = sorted([float(t) for t in one.stdout.split()] for one in results)
        assert second_start >= first_end


class TestWhatAScriptLeavesRunning:
    DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("started", "w").write("x")
        time.sleep(300)
        os._exit(0)
    os._exit(0)
while not os.path.exists("started"):
    time.sleep(0.01)
print("left")
"""

    async def test_is_killed_though_it_has_left_the_group(self, make_skill: MakeSkill) -> None:
        name = f"{uuid4().hex}.py"
        began = time.monotonic()
        result = await run_script(make_skill(**{name: self.DAEMON}), name)
        assert result.stdout == "left\n"
        assert time.monotonic() - began < 20
        assert count_running(name) == 0

    async def test_is_killed_when_time_is_over(self, make_skill: MakeSkill) -> None:
        name = f"{uuid4().hex}.py"
        await run_script(make_skill(**{name: self.DAEMON + "time.sleep(60)"}), name, ScriptLimits(timeout_s=1))
        assert count_running(name) == 0

    async def test_is_killed_when_nobody_waits_any_more(self, make_skill: MakeSkill) -> None:
        name = f"{uuid4().hex}.py"
        task = asyncio.create_task(run_script(make_skill(**{name: self.DAEMON + "time.sleep(60)"}), name))
        async with asyncio.timeout(20):
            while count_running(name) < 2:  # noqa: ASYNC110 - the script and its daemon; nobody tells when
                await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert count_running(name) == 0


def count_running(name: str) -> int:
    """Counts the processes that run a script of this name; of the launcher, its plan alone names it."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found += path.read_bytes().rstrip(b"\0").endswith(name.encode())
    return found


@pytest.mark.skipif(os.getuid() != 0, reason="needs to be root, to be somebody else")
class TestAsAnOrdinaryUser:
    def test_all_holds_the_same(self, tmp_path: Path) -> None:
        """Tahoe run by a user without privileges, from an interpreter that it can reach."""
        interpreter = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
        if interpreter is None:
            pytest.skip("needs an interpreter outside of root's home")
        place = Path(tempfile.mkdtemp(prefix="tahoe-test-"))
        try:
            copy = place / "tahoe_engine" / "skills" / "running"
            shutil.copytree(Path(landlock.__file__).parent, copy)
            for package in (copy.parent, copy.parent.parent):
                (package / "__init__.py").touch()
            work = place / "work"
            work.mkdir()
            for path in (place, *place.rglob("*")):
                os.chown(path, 12345, 12345)
            said = launch_as(12345, interpreter, place, work)
        finally:
            shutil.rmtree(place)
        assert '"files": true' in said
        assert '"exit_code": 7' in said


def launch_as(user: int, interpreter: str, place: Path, work: Path) -> str:
    plan = Plan(
        command=["/bin/sh", "-c", "exit 7"],
        environment={},
        folder=str(work),
        readable=["/usr", "/bin", "/lib", "/lib64"],
        writable=[str(work)],
        timeout_s=10,
        cpu_s=5,
        address_bytes=None,
        data_bytes=100 * MIB,
        file_bytes=MIB,
        processes=10,
        needs_isolation=True,
    )
    code = f"import sys; sys.path.append({str(place)!r})\nfrom tahoe_engine.skills.running.launch import main; main()"
    done = subprocess.run(
        [interpreter, "-S", "-s", "-E", "-c", code, json.dumps(asdict(plan)), "1"],
        user=user,
        group=user,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.stdout + done.stderr
