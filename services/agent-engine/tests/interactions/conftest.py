"""Reading in one word, for documents that hold one interaction or one mistake."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tahoe_engine.interactions.reading import FieldMap, Format, ReadFailure, ReadInteraction, ReadOptions, read_document

type ReadOne = Callable[..., ReadInteraction]
type RefuseOne = Callable[..., ReadFailure]


def _read(document: object, name: str, kwargs: dict[str, Any]) -> list[ReadInteraction | ReadFailure]:
    if "map" in kwargs:
        kwargs["field_map"] = FieldMap.parse(kwargs.pop("map"))
    if "format" in kwargs:
        kwargs["format"] = Format(kwargs["format"])
    data = document if isinstance(document, str | bytes) else json.dumps(document, ensure_ascii=False)
    return read_document(data, name, ReadOptions(**kwargs))


@pytest.fixture
def read_one() -> ReadOne:
    """Reads a document that holds exactly one interaction."""

    def read(document: object, name: str = "", **kwargs: Any) -> ReadInteraction:  # noqa: ANN401  # options of several types
        items = _read(document, name, kwargs)
        assert len(items) == 1, items
        assert isinstance(items[0], ReadInteraction), str(items[0])
        return items[0]

    return read


@pytest.fixture
def refuse_one() -> RefuseOne:
    """Reads a document that holds exactly one mistake."""

    def read(document: object, name: str = "", **kwargs: Any) -> ReadFailure:  # noqa: ANN401  # options of several types
        items = _read(document, name, kwargs)
        assert len(items) == 1, items
        assert isinstance(items[0], ReadFailure), items[0]
        return items[0]

    return read
