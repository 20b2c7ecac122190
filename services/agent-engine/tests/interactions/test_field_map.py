import pytest

from tahoe_core.errors import InvalidInputError
from tahoe_engine.interactions.reading import FieldMap, ReadOptions
from tahoe_engine.models.interaction import Role


def test_pairs_name_fields_and_people() -> None:
    field_map = FieldMap.parse("speaker=who,text=body", "agent=Lopez, Maria,agent=Dana,customer=Tom,turns=a.b")
    assert (field_map.speaker, field_map.text, field_map.turns) == ("who", "body", "a.b")
    assert field_map.roles == {"lopez, maria": Role.AGENT, "dana": Role.AGENT, "tom": Role.CUSTOMER}
    assert field_map.find_role(" DANA ") is Role.AGENT


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("speker=who", "Unknown key 'speker'. Did you mean speaker?"),
        ("speaker", "'speaker' is no key=value pair"),
        ("speaker=", "speaker= has no value"),
        ("", "'' is no key=value pair"),
        ("text=a,text=b", "text is given twice: 'a' and 'b'"),
        ("agent=Dana,customer=dana", "'dana' is given two roles: agent and customer"),
    ],
)
def test_mistakes_are_named(text: str, says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        FieldMap.parse(text)
    assert says in caught.value.message
    assert caught.value.field == "map"
    assert "speaker=who" in caught.value.cure


def test_a_time_zone_that_there_is_not_is_refused_at_once() -> None:
    with pytest.raises(InvalidInputError, match="Did you mean America/New_York"):
        ReadOptions(time_zone="America/NewYork")
