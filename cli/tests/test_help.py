import importlib
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from tahoe_cli.main import COMMANDS, tahoe


def every_command() -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name in COMMANDS:
        command: click.Command = importlib.import_module(f"tahoe_cli.commands.{name}").command
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {child}", sub) for child, sub in command.commands.items()]
    return found


EVERY_COMMAND = every_command()


class TestHelp:
    def test_lists_every_command(self) -> None:
        result = CliRunner().invoke(tahoe, ["--help"])
        assert result.exit_code == 0
        for name, line in COMMANDS.items():
            assert name in result.output
            assert line.split()[0] in result.output

    @pytest.mark.parametrize(("name", "command"), EVERY_COMMAND, ids=[name for name, _ in EVERY_COMMAND])
    def test_of_each_command_gives_an_example(self, name: str, command: click.Command) -> None:
        result = CliRunner().invoke(tahoe, [*name.split(), "--help"])
        assert result.exit_code == 0
        assert "Example" in result.output
        assert f"tahoe {name}" in result.output

    def test_needs_nothing_heavy(self) -> None:
        """What takes long to import is imported by the command that needs it."""
        code = (
            "import sys; from tahoe_cli.main import tahoe; tahoe(['--help'], standalone_mode=False);"
            "heavy = {'sqlalchemy', 'fastapi', 'pydantic', 'numpy', 'rich', 'alembic'} & set(sys.modules);"
            "sys.exit(', '.join(heavy) or 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


class TestAnalyze:
    def test_imports_neither_the_server_nor_what_only_some_scorecards_need(self) -> None:
        code = (
            "import sys; import tahoe_cli.commands.analyze;"
            "heavy = {'fastapi', 'starlette', 'uvicorn', 'alembic', 'numpy', 'jinja2', 'jsonschema', 'phonenumbers'}"
            " & set(sys.modules); sys.exit(', '.join(heavy) or 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


class TestAMistypedCommand:
    def test_is_answered_with_near_names(self) -> None:
        result = CliRunner().invoke(tahoe, ["analize"])
        assert result.exit_code == 2
        assert "Did you mean analyze?" in result.output
