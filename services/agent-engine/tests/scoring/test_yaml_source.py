import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from tahoe_engine.scoring.problems import ScorecardError
from tahoe_engine.scoring.yaml_output import write_yaml
from tahoe_engine.scoring.yaml_source import MAX_CHARACTERS, read_yaml


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("21:00", "21:00"),
        ("08:00", "08:00"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("2026-01-31", "2026-01-31"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("0x1f", 31),
        ("0o17", 15),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("'12'", "12"),
        ('"\\u00e9"', "é"),
        (r"'\bhello\b'", r"\bhello\b"),
        ("[a, 1]", ["a", 1]),
        ("{1: x, true: y}", {"1": "x", "true": "y"}),
        ("!!str 12", "12"),
    ],
)
def test_values_are_read_as_yaml_1_2_has_them(written: str, value: JsonValue) -> None:
    document = read_yaml(f"key: {written}\n", "f.yaml")
    assert document.data == {"key": value}
    assert not document.problems


def test_an_alias_stands_for_what_it_names() -> None:
    document = read_yaml("a: &words [x, y]\nb: *words\n", "f.yaml")
    assert document.data == {"a": ["x", "y"], "b": ["x", "y"]}


def test_every_value_knows_its_line() -> None:
    document = read_yaml("a:\n  - b: 1\n    c:\n      - 2\n  - d\n", "f.yaml")
    assert document.lines[("a",)] == 1
    assert document.lines["a", 0, "b"] == 2
    assert document.lines["a", 0, "c"] == 3
    assert document.lines["a", 0, "c", 0] == 4
    assert document.lines["a", 1] == 5


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", None, "is empty"),
        ("# only a comment", None, "is empty"),
        ("a: b: c", 1, "needs quotes"),
        ("a: 1\nb: [1, {2]", 2, "needs quotes"),
        ('a: 1\np: "\\d"', 2, "single quotes"),
        ("a:\n\t- b", 2, "Indent with spaces"),
        ("a: 'open", 1, "unexpected end"),
        ("a: *nobody", 1, "undefined alias"),
        ("a: *.md", 1, r"alias"),
        ("--- a\n--- b", 2, "another document"),
        ("a: \x00", None, "control characters"),
        ("a: \ud800", None, "surrogates not allowed"),
        ("%YAML 9.9\n---\na: 1", 1, "incompatible"),
        ("&a [*a]", 1, "refers to itself"),
        ("&a [*a, *a]", 1, "refers to itself"),
        (BOMB, None, "more than 50,000 values"),
        ("[" * 100_000, 1, "nested deeper than 50 levels"),
        ("- " * 100_000, 1, "nested deeper than 50 levels"),
        ("{a: " * 100_000, 1, "nested deeper than 50 levels"),
        ("x" * (MAX_CHARACTERS + 1), None, "1,000,001 characters"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, line: int | None, message: str) -> None:
    with pytest.raises(ScorecardError, match=message) as caught:
        read_yaml(text, "f.yaml")
    (problem,) = caught.value.problems
    assert str(problem).startswith("f.yaml:")
    if line is not None:
        assert problem.line == line


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3: a: stands here a second time; the first is on line 1."),
        ("a: !!python/object:os.system x", "f.yaml:1: a: has the tag `!!python/object:os.system`"),
        ("a: !!binary aGk=", "f.yaml:1: a: has the tag `!!binary`"),
        ("a: !!python/name:os.system", "f.yaml:1: a: has the tag"),
        ("a: !!int x", "f.yaml:1: a: is no number"),
        ("a: .inf", "f.yaml:1: a: is no number"),
        ("a: .nan", "f.yaml:1: a: is no number"),
        ("a: " + "9" * 5000, "f.yaml:1: a: is no number"),
        ("? [x]\n: y", "f.yaml:1: has a key that is no text."),
        ("a: &a {x: 1}\nb:\n  <<: *a\n", "f.yaml:3: b: holds a merge"),
    ],
)
def test_what_yaml_allows_and_a_scorecard_does_not_is_noted_and_the_rest_read(text: str, problem: str) -> None:
    document = read_yaml(f"{text}\nlast: here\n", "f.yaml")
    assert isinstance(document.data, dict)
    assert document.data["last"] == "here"
    (said,) = document.problems
    assert str(said).startswith(problem)


texts = st.text(st.characters(codec="utf-8"), max_size=30)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts.filter(lambda key: key != "<<"), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(values)
def test_whatever_is_written_reads_back_the_same(value: JsonValue) -> None:
    document = read_yaml(write_yaml({"value": value}), "f.yaml")
    assert not document.problems
    assert document.data == {"value": value}


@pytest.mark.parametrize(
    "text", ["21:00", "no", "1e3", "0o17", "null", "~", "2026-01-31", "a: b", "- x", "#x", "*a", ""]
)
def test_a_text_that_looks_like_something_else_stays_a_text(text: str) -> None:
    assert read_yaml(write_yaml({"value": text}), "f.yaml").data == {"value": text}
