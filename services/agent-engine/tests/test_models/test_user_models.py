from uuid import uuid4

import pytest
from pydantic import ValidationError

from tahoe_engine.models.user_models import TeamRef, UserRef


class TestReferences:
    def test_need_ids_alone(self) -> None:
        team = TeamRef(id=uuid4())
        user = UserRef(id=uuid4(), team_id=team.id)
        assert (team.name, user.display_name) == (None, None)
        assert UserRef.model_validate_json(user.model_dump_json()) == user

    @pytest.mark.parametrize("name", ["", " ", "a\nb", "a\0", "x" * 201])
    def test_take_names_of_one_line(self, name: str) -> None:
        with pytest.raises(ValidationError, match="display_name"):
            UserRef(id=uuid4(), team_id=uuid4(), display_name=name)

    def test_know_no_roles(self) -> None:
        with pytest.raises(ValidationError, match="extra"):
            UserRef.model_validate({"id": str(uuid4()), "team_id": str(uuid4()), "role": "admin"})
