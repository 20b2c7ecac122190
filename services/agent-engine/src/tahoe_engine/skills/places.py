"""Where the skills lie that come with Tahoe."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def find_bundled_skills() -> Path | None:
    """Returns the folder of the bundled skills: within the installed package, or in the source tree beside it."""
    for folder in (_PACKAGE / "bundled_skills", _PACKAGE.parents[1] / "skills"):
        if folder.is_dir():
            return folder
    return None
