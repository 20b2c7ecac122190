from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    TypeAdapter,
    model_validator,
)

from tahoe_core.errors import InvalidInputError
from tahoe_core.http.strict_body import LONG_BYTES, MANY_ERRORS, read_body


class Colour(StrEnum):
    RED = "red"


class Window(BaseModel):
    first: int | None = None
    last: int | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.first is None and self.last is None:
            raise ValueError("a window needs first or last")
        return self


class Pattern(BaseModel):
    type: Literal["pattern"]
    window: Window | None = None


class Ratio(BaseModel):
    type: Literal["ratio"]
    limit: float


def kind(value: object) -> str:
    return "all" if isinstance(value, dict) and "all" in value else "check"


class Everything(BaseModel):
    all: list[Annotated[Pattern | Ratio, Field(discriminator="type")]] = Field(min_length=1)


What = Annotated[
    Annotated[Everything, Tag("all")] | Annotated[Pattern, Tag("check")],
    Discriminator(kind),
]


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: int = 0
    share: float = 0
    sure: bool = True
    text: str = ""
    colour: Colour = Colour.RED
    row: UUID | None = None
    moment: AwareDatetime | None = None
    pair: tuple[int, ...] = ()
    checks: tuple[Annotated[Pattern | Ratio, Field(discriminator="type")], ...] = ()
    what: What | None = None
    either: Window | UUID | None = None
    weights: dict[Annotated[str, Field(pattern="^[a-z]+$")], float] = {}
    anything: JsonValue = None


MODEL: TypeAdapter[Thing] = TypeAdapter(Thing)


async def read(text: str) -> Thing:
    thing: Thing = await read_body(text.encode(), MODEL)
    return thing


async def refuse(text: str) -> list[tuple[str, str]]:
    """Returns where the errors are, and their types."""
    with pytest.raises(RequestValidationError) as raised:
        await read_body(text.encode(), MODEL)
    errors: list[dict[str, Any]] = list(raised.value.errors())
    assert all(error["loc"][0] == "body" for error in errors)
    return [(".".join(map(str, error["loc"][1:])), error["type"]) for error in errors]


class TestAValue:
    @pytest.mark.parametrize(
        "text",
        [
            '{"number": "1"}',
            '{"number": true}',
            '{"number": 1.5}',
            '{"share": "0.5"}',
            '{"share": false}',
            '{"sure": 1}',
            '{"sure": "true"}',
            '{"text": 1}',
            '{"colour": "blue"}',
            '{"colour": 0}',
            '{"row": 7}',
            '{"moment": 1700000000}',
            '{"moment": "2026-11-03T10:00:00"}',
            '{"pair": {"0": 1}}',
            '{"pair": "12"}',
        ],
    )
    async def test_is_not_guessed_from_another_type(self, text: str) -> None:
        [(path, _type)] = await refuse(text)
        assert f'"{path}"' in text

    async def test_may_be_written_as_json_writes_it(self) -> None:
        row = "01985c9a-6c1e-7c3b-9a53-0b1f0a6f2b11"
        thing = await read(
            f'{{"share": 1, "colour": "red", "row": "{row}", "moment": "2026-11-03T10:00:00Z", "pair": [1, 2]}}'
        )
        assert (thing.share, thing.colour, thing.row, thing.pair) == (1.0, Colour.RED, UUID(row), (1, 2))

    async def test_that_is_whole_is_an_integer_whatever_its_digits(self) -> None:
        thing = await read('{"number": 5.0, "pair": [1e2, 3], "anything": {"kept": 7.0}}')
        assert (thing.number, thing.pair) == (5, (100, 3))
        assert isinstance(thing.anything, dict)
        assert isinstance(thing.anything["kept"], float)
        assert await refuse('{"number": 5.0, "share": "1"}') == [("share", "float_type")]

    async def test_is_read_the_same_in_a_long_body(self) -> None:
        long = '"' + "x" * LONG_BYTES + '"'
        assert (await read(f'{{"text": {long}, "number": 2.0}}')).number == 2
        assert await refuse(f'{{"text": {long}, "number": "2"}}') == [("number", "int_type")]
        with pytest.raises(InvalidInputError, match="NaN"):
            await read(f'{{"text": {long}, "number": NaN}}')


class TestAnErrorsPath:
    async def test_leads_through_unions_as_the_input_does(self) -> None:
        assert await refuse('{"checks": [{"type": "ratio", "limit": ""}]}') == [("checks.0.limit", "float_type")]
        assert await refuse('{"checks": [{"type": "ratio"}]}') == [("checks.0.limit", "missing")]
        assert await refuse('{"checks": [{"type": "other"}]}') == [("checks.0", "union_tag_invalid")]
        assert await refuse('{"what": {"all": [{"type": "pattern", "window": 1}]}}') == [
            ("what.all.0.window", "model_type")
        ]

    async def test_names_a_key_that_is_wrong_itself(self) -> None:
        assert await refuse('{"weights": {"A": 1}}') == [("weights.A", "string_pattern_mismatch")]
        assert await refuse('{"colr": 1}') == [("colr", "extra_forbidden")]

    async def test_leaves_out_what_only_follows(self) -> None:
        """A list whose only item is wrong is not too short, and what is nearly a window is no wrong id."""
        assert await refuse('{"what": {"all": [{"type": "pattern", "window": {}}]}}') == [
            ("what.all.0.window", "value_error")
        ]
        assert await refuse('{"either": {"first": "1"}}') == [("either.first", "int_type")]

    async def test_is_that_of_the_first_when_everything_is_wrong(self) -> None:
        many = ",".join(['{"type": "ratio"}'] * (MANY_ERRORS + 1))
        errors = await refuse(f'{{"checks": [{many}]}}')
        assert errors[0] == ("checks.0.limit", "missing")
        assert len(errors) == 10

    async def test_is_left_out_when_it_lies_deep_in_a_heap_of_them(self) -> None:
        right = ",".join(['{"type": "pattern"}'] * 20)
        many = ",".join(['{"type": "ratio"}'] * (MANY_ERRORS + 1))
        with pytest.raises(InvalidInputError, match="breaks the schema in 10,001 places"):
            await read(f'{{"checks": [{right}, {many}]}}')

    async def test_of_the_whole_is_the_body(self) -> None:
        assert await refuse("[]") == [("", "model_type")]
