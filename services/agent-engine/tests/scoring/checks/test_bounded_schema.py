import time

import pytest
from pydantic import JsonValue

from tahoe_core.errors import InvalidInputError
from tahoe_engine.scoring.bounded_schema import BoundedSchema
from tahoe_engine.scoring.check import CheckNotRunError
from tahoe_engine.scoring.schema_keywords import Allowance

SLOW = "^(a|aa)+$"


def paths(schema: dict[str, JsonValue] | bool, document: JsonValue) -> list[list[str | int]]:
    return [list(error.absolute_path) for error in BoundedSchema(schema).errors(document, Allowance(0.25))]


class TestSchemas:
    @pytest.mark.parametrize(
        ("schema", "message"),
        [
            ({"type": "strnig"}, "no JSON Schema"),
            ({"items": {"$ref": "https://example.com/schema.json"}}, "nothing is fetched"),
            ({"$ref": "file:///etc/passwd"}, "nothing is fetched"),
            ({"$ref": "#/$defs/nowhere"}, "does not hold"),
            ({"pattern": "("}, "no regular expression"),
            ({"patternProperties": {"[": True}}, "no regular expression"),
            ({"patternProperties": {"a": True}, "unevaluatedProperties": False}, "does not go with"),
        ],
    )
    def test_what_cannot_be_used_is_refused(self, schema: dict[str, JsonValue], message: str) -> None:
        with pytest.raises(InvalidInputError, match=message) as caught:
            BoundedSchema(schema)
        assert caught.value.field is not None
        assert caught.value.field.startswith("schema")

    def test_endless_nesting_is_refused(self) -> None:
        schema: dict[str, JsonValue] = {}
        for _ in range(3000):
            schema = {"properties": {"a": schema}}
        with pytest.raises(InvalidInputError, match="levels deep"):
            BoundedSchema(schema)

    def test_data_that_looks_like_a_reference_is_left_alone(self) -> None:
        schema: dict[str, JsonValue] = {"const": {"$ref": "https://example.com", "$schema": "x"}}
        assert paths(schema, {"$ref": "https://example.com", "$schema": "x"}) == []

    def test_another_dialect_does_not_lift_the_limits(self) -> None:
        draft7 = "http://json-schema.org/draft-07/schema#"
        schema: dict[str, JsonValue] = {"$schema": draft7, "items": {"$schema": draft7, "pattern": SLOW}}
        with pytest.raises(CheckNotRunError, match="takes too long"):
            paths(schema, ["a" * 60 + "!"])


class TestDocuments:
    @pytest.mark.parametrize(
        ("schema", "document", "expected"),
        [
            (True, {"a": 1}, []),
            (False, {"a": 1}, [[]]),
            ({"type": "object", "required": ["a"]}, {}, [[]]),
            ({"properties": {"a": {"items": {"type": "number"}}}}, {"a": [1, "x", 2, None]}, [["a", 1], ["a", 3]]),
            ({"$defs": {"n": {"minimum": 3}}, "items": {"$ref": "#/$defs/n"}}, [1, 5], [[0]]),
            ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1, "b": 2}, [["b"]]),
            ({"additionalProperties": {"type": "string"}}, {"a": "x", "b": 2}, [["b"]]),
            (
                {"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": False},
                {"x1": 1, "y": 2},
                [["x1"], ["y"]],
            ),
            ({"uniqueItems": True}, [1, True, "1", [1], {"a": 1}], []),
            ({"uniqueItems": True}, [{"a": 1}, {"a": 1.0}], [[]]),
            ({"pattern": r"^\p{Lu}"}, "Österreich", []),
            ({"unevaluatedProperties": False, "allOf": [{"properties": {"a": True}}]}, {"a": 1}, []),
        ],
    )
    def test_places_that_do_not_fit_are_named(
        self, schema: dict[str, JsonValue] | bool, document: JsonValue, expected: list[list[str | int]]
    ) -> None:
        assert paths(schema, document) == expected

    @pytest.mark.parametrize(
        ("name", "good", "bad"),
        [
            ("date-time", "2026-02-28T23:59:60Z", "2026-02-30T10:00:00Z"),
            ("date-time", "2026-02-28t10:00:00.5+02:00", "2026-02-28 10:00"),
            ("date", "2026-02-28", "2026-02-30"),
            ("time", "10:00:00Z", "25:00:00Z"),
            ("email", "a@b.c", "a"),
            ("ipv4", "127.0.0.1", "127.0.0"),
            ("uuid", "550e8400-e29b-41d4-a716-446655440000", "550e8400"),
            ("uri", "https://example.com/?a", "no uri"),
        ],
    )
    def test_formats_are_checked(self, name: str, good: str, bad: str) -> None:
        assert paths({"format": name}, good) == []
        assert paths({"format": name}, 3) == []
        assert paths({"format": name}, bad) == [[]]


class TestLimits:
    @pytest.mark.parametrize(
        ("schema", "document"),
        [
            ({"pattern": SLOW}, "a" * 60 + "!"),
            ({"patternProperties": {SLOW: True}}, {"a" * 60 + "!": 1}),
            ({"patternProperties": {SLOW: True}, "additionalProperties": False}, {"a" * 60 + "!": 1}),
            ({"unevaluatedProperties": False}, {str(n): n for n in range(3000)}),
            ({"$ref": "#"}, 1),
            ({"items": {"$ref": "#"}}, None),
        ],
    )
    def test_what_would_take_for_ever_is_not_run(self, schema: dict[str, JsonValue], document: JsonValue) -> None:
        if document is None:
            for _ in range(900):
                document = [document]
        begin = time.process_time()
        with pytest.raises(CheckNotRunError):
            paths(schema, document)
        assert time.process_time() - begin < 5

    def test_a_schema_that_doubles_itself_runs_out_of_time(self) -> None:
        definitions: dict[str, JsonValue] = {
            f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]} for n in range(25)
        }
        definitions["d25"] = {"type": "number"}
        with pytest.raises(CheckNotRunError, match="took too long"):
            paths({"$ref": "#/$defs/d0", "$defs": definitions}, 1)

    def test_many_different_items_are_compared_in_linear_time(self) -> None:
        mixed: list[JsonValue] = [value for n in range(50_000) for value in (n, str(n))]
        begin = time.process_time()
        assert paths({"uniqueItems": True}, mixed) == []
        assert time.process_time() - begin < 5
