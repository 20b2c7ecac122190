import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from skills_ref import validate  # type: ignore[import-untyped] # it ships no types

from tahoe_cli.main import tahoe
from tahoe_core.errors import ConflictError, InvalidInputError, NotFoundError

BUNDLED = {"code-review", "document-summary", "spreadsheet-analysis", "web-research", "world-clock"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("TAHOE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TAHOE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(tahoe, ["skills", *map(str, arguments)], catch_exceptions=True, standalone_mode=False)


def document(result: Result) -> dict[str, list[dict[str, object]]]:
    read: dict[str, list[dict[str, object]]] = json.loads(result.stdout)
    return read


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(text)
    return folder


class TestList:
    def test_shows_the_bundled_skills_on_an_empty_home_and_makes_nothing(self, home: Path) -> None:
        result = run("list")
        assert {line.split()[0] for line in result.stdout.splitlines()} == BUNDLED
        assert all(len(line) <= 80 for line in result.stdout.splitlines())
        assert not home.exists()

    def test_shows_the_team_s_before_bundled_ones_and_reports_the_broken(self, home: Path) -> None:
        run("new", "ledger")
        run("new", "world-clock")
        write(home / "skills" / "broken", "---\nname: broken\n---\n")
        found = document(run("list", "--json"))
        scopes = {skill["name"]: skill["scope"] for skill in found["skills"]}
        assert scopes == dict.fromkeys(BUNDLED, "bundled") | {"ledger": "team", "world-clock": "team"}
        fatal = [problem for problem in found["problems"] if problem["severity"] == "fatal"]
        assert [(one["file"], one["line"]) for one in fatal] == [(str(home / "skills" / "broken" / "SKILL.md"), 1)]
        shown = run("list")
        assert "broken/SKILL.md:1: fatal: has no `description`" in shown.stderr
        assert "ledger" in shown.stdout

    def test_shows_an_agent_s_own_to_that_agent_alone(self, home: Path) -> None:
        run("new", "table-plan", "--agent", "concierge")
        assert "table-plan" not in run("list").stdout
        assert "table-plan" in run("list", "--agent", "concierge").stdout

    def test_looks_where_tahoe_skills_says(self, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        one, two = tmp_path / "one", tmp_path / "two"
        run("new", "first", "--in", one)
        run("new", "second", "--in", two)
        monkeypatch.setenv("TAHOE_SKILLS", f"{one}:{two}")
        names = {skill["name"] for skill in document(run("list", "--json"))["skills"]}
        assert names == BUNDLED | {"first", "second"}


class TestShow:
    def test_prints_instructions_and_files(self, home: Path) -> None:
        result = run("show", "world-clock")
        assert "scripts/clock.py" in result.stdout
        assert "# World clock" in result.stdout
        assert "Apache-2.0" in result.stdout

    def test_gives_all_of_it_as_json(self, home: Path) -> None:
        found = json.loads(run("show", "world-clock", "--json").stdout)
        assert found["license"] == "Apache-2.0"
        assert found["metadata"] == {"author": "tahoe", "version": "1.0"}
        assert {"path", "size_bytes"} == set(found["files"][0])

    def test_of_an_unknown_one_suggests_near_names(self, home: Path) -> None:
        error = run("show", "world-clok").exception
        assert isinstance(error, NotFoundError)
        assert "Did you mean world-clock?" in str(error)


class TestValidate:
    def test_passes_what_new_writes(self, home: Path, tmp_path: Path) -> None:
        run("new", "ledger", "--script", "--in", tmp_path, "--description", "Checks: ledgers. Use it when 'due'.")
        result = run("validate", tmp_path / "ledger")
        assert (result.return_value, result.stderr) == (0, "")
        assert validate(tmp_path / "ledger") == []

    def test_names_each_fault_with_its_line_and_fails(self, home: Path, tmp_path: Path) -> None:
        folder = write(tmp_path / "ledger", "---\nname: Ledger\ndescription: x\nfoo: y\n---\n[a](b.md)\n")
        result = run("validate", folder)
        assert result.return_value == 1
        assert f"{folder / 'SKILL.md'}:2: error:" in result.stderr
        assert f"{folder / 'SKILL.md'}:4: error: has the key `foo`" in result.stderr
        assert f"{folder / 'SKILL.md'}:6: warning:" in result.stderr

    def test_does_not_fail_for_advice(self, home: Path, tmp_path: Path) -> None:
        folder = write(tmp_path / "ledger", "---\nname: ledger\ndescription: x\n---\n[a](b.md)\n")
        result = run("validate", folder / "SKILL.md", "--json")
        assert result.return_value == 0
        [one] = document(result)["skills"]
        assert (one["name"], one["valid"]) == ("ledger", True)

    def test_without_folders_takes_all_that_the_team_and_its_agents_have(self, home: Path) -> None:
        assert "no skills of the team" in run("validate").stdout
        run("new", "ledger")
        run("new", "table-plan", "--agent", "concierge")
        write(home / "skills" / "broken", "nothing")
        result = run("validate", "--json")
        assert result.return_value == 1
        assert [(one["name"], one["valid"]) for one in document(result)["skills"]] == [
            ("table-plan", True),
            (None, False),
            ("ledger", True),
        ]

    def test_of_what_is_not_there_fails(self, home: Path, tmp_path: Path) -> None:
        result = run("validate", tmp_path / "nowhere")
        assert (result.return_value, "does not exist" in result.stderr) == (1, True)


class TestNew:
    def test_puts_it_where_the_team_s_skills_lie(self, home: Path) -> None:
        result = run("new", "ledger")
        assert (home / "skills" / "ledger" / "SKILL.md").is_file()
        assert str(home / "skills" / "ledger") in result.stdout

    def test_writes_a_script_that_runs(self, home: Path, tmp_path: Path) -> None:
        run("new", "ledger", "--script", "--in", tmp_path)
        script = tmp_path / "ledger" / "scripts" / "main.py"
        assert subprocess.check_output([sys.executable, script, "Ann"], text=True) == "Hello, Ann.\n"

    @pytest.mark.parametrize("name", ["Ledger", "-a", "a--b", "a_b", "../up", "a" * 65, ""])
    def test_refuses_a_name_that_the_specification_forbids(self, home: Path, tmp_path: Path, name: str) -> None:
        result = run("new", "--in", tmp_path / "place", "--", name)
        assert isinstance(result.exception, InvalidInputError)
        assert "Small letters" in (result.exception.cure or "")
        assert not (tmp_path / "place").exists()

    @pytest.mark.parametrize("description", ["", "  ", "x" * 1025, "a --- b"])
    def test_refuses_a_description_that_the_specification_forbids(self, home: Path, description: str) -> None:
        result = run("new", "ledger", "--description", description)
        assert isinstance(result.exception, InvalidInputError)
        assert "when to use it" in (result.exception.cure or "")

    def test_never_writes_over_one(self, home: Path) -> None:
        run("new", "ledger")
        (home / "skills" / "ledger" / "SKILL.md").write_text("mine")
        assert isinstance(run("new", "ledger").exception, ConflictError)
        assert (home / "skills" / "ledger" / "SKILL.md").read_text() == "mine"

    def test_refuses_an_agent_that_would_lead_elsewhere(self, home: Path) -> None:
        assert isinstance(run("new", "ledger", "--agent", "../../up").exception, click.BadParameter)
        assert not home.exists()


class TestTheCommand:
    def test_needs_no_database_and_little_to_start(self) -> None:
        code = (
            "import sys; import tahoe_cli.commands.skills;"
            "heavy = {'fastapi', 'sqlalchemy', 'numpy', 'rich', 'google', 'httpx', 'dbos'} & set(sys.modules);"
            "sys.exit(', '.join(heavy) or 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    @pytest.mark.parametrize("name", [[], ["list"], ["show"], ["validate"], ["new"]])
    def test_has_help_within_80_columns(self, name: list[str]) -> None:
        result = run(*name, "--help")
        assert max(map(len, result.stdout.splitlines())) <= 80
