import pytest
from pydantic import ValidationError

from tahoe_engine.models.interaction import Interaction


def test_what_people_said_stands_in_no_error_of_a_model() -> None:
    turn = {"role": "agent", "text": ["my number is 4111"], "note": "my number is 4111"}
    with pytest.raises(ValidationError) as raised:
        Interaction.model_validate({"id": "i", "turns": [turn]})
    assert "4111" not in str(raised.value)
    assert "turns.0.text" in str(raised.value)
