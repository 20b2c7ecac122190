"""The size budgets and habits of CONTRIBUTING.md, held by a test."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path
    for folder in (
        "core/src",
        "services/agent-engine/src",
        "cli/src",
        "benchmarks",
        "scripts",
        "services/agent-engine/scripts",
    )
    for path in (ROOT / folder).rglob("*.py")
)
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_PARAMETERS = 6
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_free_of_the_parameter_budget(path: Path) -> bool:
    """CLI commands, route signatures and migrations list what the outside names."""
    return "migrations" in path.parts or "api" in path.parts or "commands" in path.parts


def test_there_are_sources_to_measure() -> None:
    assert len(SOURCES) > 30


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_is_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_FILE_LINES


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_function_is_at_most_50_lines(path: Path) -> None:
    if "migrations" in path.parts:
        pytest.skip("a migration is a list of statements")
    too_long = [f.name for f in functions(path) if f.end_lineno and f.end_lineno - f.lineno + 1 > MAX_FUNCTION_LINES]
    assert not too_long


@pytest.mark.parametrize("path", [path for path in SOURCES if not is_free_of_the_parameter_budget(path)], ids=name)
def test_a_function_takes_at_most_six_parameters(path: Path) -> None:
    def count(f: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        args = [*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs]
        return len([arg for arg in args if arg.arg not in {"self", "cls"}])

    assert not [f.name for f in functions(path) if count(f) > MAX_PARAMETERS]


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_name_says_its_role(path: Path) -> None:
    assert path.stem not in FORBIDDEN_NAMES


def test_queries_are_written_only_in_repositories() -> None:
    """Elsewhere nothing of SQLAlchemy that builds a query is imported."""
    builders = {"select", "insert", "update", "delete", "text"}
    allowed = {"repositories", "migrations", "tahoe_core"}
    guilty = [
        name(path)
        for path in SOURCES
        if not allowed & set(path.parts)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("sqlalchemy")
        and "models" not in path.parts
        and builders & {alias.name for alias in node.names}
    ]
    assert not guilty
