import importlib
import pkgutil
import re
from collections.abc import Iterator

import tahoe_core
from tahoe_core import errors
from tahoe_core.errors import TahoeError

LINE = re.compile(r"^[ │├└─]*(\w+Error) +(\d{3})  \S", re.MULTILINE)


def kinds_of(error: type[TahoeError]) -> Iterator[type[TahoeError]]:
    yield error
    for kind in error.__subclasses__():
        yield from kinds_of(kind)


def test_the_tree_at_the_head_of_errors_names_every_error_of_the_core_with_its_status() -> None:
    for module in pkgutil.walk_packages(tahoe_core.__path__, "tahoe_core."):
        importlib.import_module(module.name)
    ours = {kind for kind in kinds_of(TahoeError) if kind.__module__.partition(".")[0] == "tahoe_core"}
    assert len(ours) > 5
    assert dict(LINE.findall(errors.__doc__ or "")) == {kind.__name__: str(kind.status.value) for kind in ours}
