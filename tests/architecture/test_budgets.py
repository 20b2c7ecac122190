"""The size budgets and habits of CONTRIBUTING.md, held by a test."""

import ast
from collections.abc import Iterator
from pathlib import Path

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


def test_a_file_is_at_most_400_lines() -> None:
    assert [name(path) for path in SOURCES if len(path.read_text().splitlines()) > MAX_FILE_LINES] == []


def test_a_function_is_at_most_50_lines() -> None:
    """A migration is a list of statements, and may be longer."""
    assert [
        f"{name(path)}: {f.name}"
        for path in SOURCES
        if "migrations" not in path.parts
        for f in functions(path)
        if f.end_lineno and f.end_lineno - f.lineno + 1 > MAX_FUNCTION_LINES
    ] == []


def test_a_function_takes_at_most_six_parameters() -> None:
    def count(f: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        args = [*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs]
        return len([arg for arg in args if arg.arg not in {"self", "cls"}])

    assert [
        f"{name(path)}: {f.name}"
        for path in SOURCES
        if not is_free_of_the_parameter_budget(path)
        for f in functions(path)
        if count(f) > MAX_PARAMETERS
    ] == []


def test_a_file_name_says_its_role() -> None:
    assert [name(path) for path in SOURCES if path.stem in FORBIDDEN_NAMES] == []


def test_queries_are_written_only_in_repositories() -> None:
    """Elsewhere nothing of SQLAlchemy that builds a query is imported, but where the schema itself is at stake."""
    builders = {"select", "insert", "update", "delete", "text"}
    allowed = {"repositories", "migrations", "migrate.py", "revision.py", "tahoe_core"}
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
