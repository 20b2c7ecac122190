from collections.abc import Callable

import pytest

from tahoe_engine.runtime.tool_port import Tool, ToolError
from tahoe_engine.skills.library import AgentSkills
from tahoe_engine.skills.running import landlock
from tahoe_engine.skills.running.script_runner import ScriptLimits, ScriptRunner
from tahoe_engine.skills.skill import Skill
from tahoe_engine.skills.skill_tools import make_skill_tools

type MakeSkill = Callable[..., Skill]

needs_landlock = pytest.mark.skipif(landlock.find_version() == 0, reason="this kernel has no Landlock")


def tools_of(*skills: Skill, limits: ScriptLimits | None = None) -> dict[str, Tool]:
    return {tool.name: tool for tool in make_skill_tools(AgentSkills(skills), ScriptRunner(limits))}


class TestTheToolsOfAnAgent:
    def test_are_none_without_skills(self) -> None:
        assert tools_of() == {}

    def test_run_scripts_only_where_there_are_any_and_a_person_or_its_autonomy_agrees(
        self, make_skill: MakeSkill
    ) -> None:
        assert set(tools_of(make_skill("plain"))) == {"load_skill", "read_skill_file"}
        tools = tools_of(make_skill("plain"), make_skill("able", **{"scripts/a.py": ""}))
        assert {name: tool.needs_approval for name, tool in tools.items()} == {
            "load_skill": False,
            "read_skill_file": False,
            "run_skill_script": True,
        }
        assert tools["run_skill_script"].parameters["properties"]["skill"]["enum"] == ["able"]
        assert tools["load_skill"].parameters["properties"]["skill"]["enum"] == ["plain", "able"]


class TestLoadAndRead:
    async def test_disclose_step_by_step(self, make_skill: MakeSkill) -> None:
        tools = tools_of(make_skill("thing", **{"references/guide.md": "the guide"}))
        assert "references/guide.md" in await tools["load_skill"]({"skill": "thing"})
        assert await tools["read_skill_file"]({"skill": "thing", "path": "references/guide.md"}) == "the guide"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"skill": "thign", "path": "x"}, "Did you mean thing"),
            ({"skill": "thing", "path": "../x"}, "not within the skill's folder"),
            ({"skill": "thing", "path": "none.md"}, "no file 'none.md'"),
            ({"skill": "thing"}, "path: Field required"),
            ({"skill": "thing", "path": "x", "offset": -1}, "offset"),
        ],
    )
    async def test_tell_the_model_what_is_wrong(
        self, make_skill: MakeSkill, arguments: dict[str, object], said: str
    ) -> None:
        with pytest.raises(ToolError, match=said):
            await tools_of(make_skill("thing"))["read_skill_file"](arguments)


@needs_landlock
class TestRun:
    async def test_returns_what_a_script_prints(self, make_skill: MakeSkill) -> None:
        code = "import sys; print(sys.argv[1], open('in.txt').read(), sys.stdin.read()); print('!', file=sys.stderr)"
        run = tools_of(make_skill("thing", **{"scripts/a.py": code}))["run_skill_script"]
        given = {"skill": "thing", "path": "scripts/a.py", "arguments": ["one"], "stdin": "2", "files": {"in.txt": "3"}}
        first, *rest = (await run(given)).splitlines()
        assert first.startswith("Exit code 0, after ")
        assert rest == ["Standard output:", "one 3 2", "Standard error:", "!"]

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("import time; time.sleep(60)", "It was ended, as its time was over, after"),
            ("import os; os.kill(os.fork() or os.getpid(), 9); os._exit(4)", "Exit code 4, after"),
            ("print('x' * 2000)", "Standard output (its beginning; there was more):"),
        ],
    )
    async def test_says_how_it_ended(self, make_skill: MakeSkill, code: str, said: str) -> None:
        skill = make_skill("thing", **{"scripts/a.py": code})
        run = tools_of(skill, limits=ScriptLimits(timeout_s=1, output_bytes=1000))["run_skill_script"]
        assert said in await run({"skill": "thing", "path": "scripts/a.py"})
