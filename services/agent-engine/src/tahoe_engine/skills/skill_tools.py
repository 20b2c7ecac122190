"""The tools by which a model uses its skills: load one, read a file of it, run a script of it."""

import asyncio
from typing import Annotated

from pydantic import Field

from tahoe_engine.models.base import StrictModel
from tahoe_engine.runtime.tool_function import ToolFunction
from tahoe_engine.runtime.tool_port import Tool
from tahoe_engine.skills.disclosure import present_extract, present_skill
from tahoe_engine.skills.files import list_files, read_file
from tahoe_engine.skills.library import AgentSkills
from tahoe_engine.skills.running.interpreters import is_script
from tahoe_engine.skills.running.script_runner import Ended, ScriptCall, ScriptResult, ScriptRunner

SkillName = Annotated[str, Field(description="Name of the skill.", max_length=200)]
FilePath = Annotated[str, Field(description="Path within the skill's folder.", min_length=1, max_length=1000)]


class LoadArguments(StrictModel):
    """What `load_skill` takes."""

    skill: SkillName


class ReadArguments(StrictModel):
    """What `read_skill_file` takes."""

    skill: SkillName
    path: FilePath
    offset: Annotated[int, Field(description="Characters to leave out, to read on in a long file.", ge=0)] = 0


class RunArguments(StrictModel):
    """What `run_skill_script` takes."""

    skill: SkillName
    path: FilePath
    arguments: Annotated[tuple[str, ...], Field(description="Command-line arguments.", max_length=200)] = ()
    stdin: Annotated[str, Field(description="What the script reads from its standard input.")] = ""
    files: Annotated[
        dict[str, str],
        Field(description="Text files to put beside the script's SKILL.md first, content by name.", max_length=20),
    ] = Field(default_factory=dict)


def make_skill_tools(skills: AgentSkills, runner: ScriptRunner) -> tuple[Tool, ...]:
    """Returns the skill tools of an agent; none without skills, and `run_skill_script` only where there are scripts.

    Args:
        skills: Those of the agent.
        runner: Runs the scripts, once the agent's autonomy or a person has allowed it.
    """
    if not skills.skills:
        return ()
    tools = _Tools(skills, runner)
    choices = {"skill": tuple(skill.name for skill in skills.skills)}
    load = ToolFunction(
        "load_skill",
        "Loads a skill's instructions, with the list of its files. Call it before you begin a task that fits.",
        LoadArguments,
        tools.load,
        choices=choices,
    )
    read = ToolFunction(
        "read_skill_file",
        "Reads a file of a skill, such as a reference that its instructions name.",
        ReadArguments,
        tools.read,
        choices=choices,
    )
    with_scripts = tuple(
        skill.name for skill in skills.skills if any(is_script(file.path) for file in list_files(skill))
    )
    if not with_scripts:
        return load, read
    run = ToolFunction(
        "run_skill_script",
        "Runs a script of a skill in a copy of the skill's folder, without network, and returns what it prints.",
        RunArguments,
        tools.run,
        needs_approval=True,
        choices={"skill": with_scripts},
    )
    return load, read, run


class _Tools:
    def __init__(self, skills: AgentSkills, runner: ScriptRunner) -> None:
        self._skills = skills
        self._runner = runner

    async def load(self, arguments: LoadArguments) -> str:
        return await asyncio.to_thread(present_skill, self._skills.get(arguments.skill))

    async def read(self, arguments: ReadArguments) -> str:
        skill = self._skills.get(arguments.skill)
        extract = await asyncio.to_thread(read_file, skill, arguments.path, offset=arguments.offset)
        return present_extract(extract)

    async def run(self, arguments: RunArguments) -> str:
        skill = self._skills.get(arguments.skill)
        call = ScriptCall(arguments.path, arguments.arguments, arguments.stdin, arguments.files)
        return _present(await self._runner.run(skill, call))


def _present(result: ScriptResult) -> str:
    """How it ended, what it printed, and whether all of that is here."""
    match result.ended:
        case Ended.TIMED_OUT:
            end = "It was ended, as its time was over"
        case Ended.STOPPED:
            end = "It was ended from outside"
        case Ended.EXITED:
            end = f"Exit code {result.exit_code}" if result.exit_code is not None else f"Killed by {result.signal}"
    lines = [f"{end}, after {result.duration_s:.2f} s."]
    for name, text, is_cut in (
        ("Standard output", result.stdout, result.stdout_truncated),
        ("Standard error", result.stderr, result.stderr_truncated),
    ):
        if text:
            lines += [f"{name}{' (its beginning; there was more)' if is_cut else ''}:", text.rstrip("\n")]
    return "\n".join(lines)
