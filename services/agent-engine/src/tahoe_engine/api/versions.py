"""How a path and a query name one version of something that has a name."""

from typing import Annotated

from fastapi import Path, Query

LARGEST_VERSION = 2**31 - 1
"""What the column can hold."""

Version = Annotated[int | None, Query(ge=1, le=LARGEST_VERSION, description="Left out: the newest.")]
VersionNumber = Annotated[int, Path(ge=1, le=LARGEST_VERSION)]
