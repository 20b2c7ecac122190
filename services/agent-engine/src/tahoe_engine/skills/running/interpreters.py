"""What runs a script: chosen by its suffix, else by its first line."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tahoe_core.errors import InvalidInputError, UnavailableError

SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"
_BY_SUFFIX = {
    ".py": "python",
    ".sh": "sh",
    ".bash": "bash",
    ".js": "node",
    ".mjs": "node",
    ".cjs": "node",
}
_BY_SHEBANG = {"python": "python", "python3": "python", "sh": "sh", "bash": "bash", "node": "node"}
_FIRST_LINE_BYTES = 200


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A program that runs scripts.

    Attributes:
        command: What stands before the script.
        reserves_memory: Whether it reserves far more address space than it uses, so that only what it uses is bounded.
    """

    command: tuple[str, ...]
    reserves_memory: bool = False


def is_script(path: str) -> bool:
    """Tells whether a file of a skill is shown as one that can be run."""
    return PurePosixPath(path).suffix in _BY_SUFFIX


def find_interpreter(script: Path) -> Interpreter:
    """Returns what runs a script.

    Raises:
        InvalidInputError: It is no script of a kind that is run.
        UnavailableError: Its interpreter is not installed.
    """
    name = _BY_SUFFIX.get(script.suffix) or _read_shebang(script)
    if name is None:
        raise InvalidInputError(
            f"{script.name} is no script that can be run.",
            cure=f"Scripts end in {', '.join(_BY_SUFFIX)}, or begin with #! and one of {', '.join(_BY_SHEBANG)}.",
            field="path",
        )
    if name == "python":
        # The one below the virtual environment, so that a script finds the standard library and none of ours.
        return Interpreter((getattr(sys, "_base_executable", sys.executable), "-s", "-B"))
    wanted = "bash" if name == "sh" and "bash" in _first_line(script) else name
    program = shutil.which(wanted, path=SEARCH_PATH)
    if program is None:
        raise UnavailableError(f"{script.name} needs {wanted}, which is not installed here.", cure=f"Install {wanted}.")
    return Interpreter((program,), reserves_memory=name == "node")


def _read_shebang(script: Path) -> str | None:
    line = _first_line(script)
    if not line.startswith("#!"):
        return None
    words = [word for word in line[2:].split() if not word.startswith("-") and word != "/usr/bin/env"]
    return _BY_SHEBANG.get(PurePosixPath(words[0]).name) if words else None


def _first_line(script: Path) -> str:
    with script.open("rb") as file:
        return file.readline(_FIRST_LINE_BYTES).decode(errors="replace").strip()
