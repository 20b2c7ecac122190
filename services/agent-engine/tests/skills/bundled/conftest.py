from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from tahoe_engine.skills.inspection import load_skill
from tahoe_engine.skills.places import find_bundled_skills
from tahoe_engine.skills.running.script_runner import ScriptCall, ScriptResult, ScriptRunner

type RunBundled = Callable[..., Awaitable[ScriptResult]]


@pytest.fixture(scope="session")
def bundled() -> Path:
    folder = find_bundled_skills()
    assert folder is not None
    return folder


@pytest.fixture
def run_bundled(bundled: Path) -> RunBundled:
    """Runs a script of a bundled skill as an agent does: confined, with the standard library alone."""
    runner = ScriptRunner(allow_unisolated=True)

    async def run(
        skill: str, script: str, *arguments: str, stdin: str = "", files: Mapping[str, str] | None = None
    ) -> ScriptResult:
        call = ScriptCall(f"scripts/{script}", arguments, stdin, files or {})
        return await runner.run(load_skill(bundled / skill), call)

    return run
