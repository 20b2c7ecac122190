"""What the sessions of other programs are called in Tahoe: external ids that no two of them share."""

import hashlib
import json

from tahoe_engine.models.conversation_models import STATE_PLACE

SESSION_PLACE = "adk:"
_MAX_CHARACTERS = 200


def to_session_id(app: str, user: str, session: str) -> str:
    """Returns the external id of a session's conversation."""
    return _call(SESSION_PLACE, app, user, session)


def to_app_state_id(app: str) -> str:
    """Returns the external id of the conversation that keeps an application's state."""
    return _call(STATE_PLACE, app)


def to_user_state_id(app: str, user: str) -> str:
    """Returns the external id of the conversation that keeps the state of a user of an application."""
    return _call(STATE_PLACE, app, user)


def _call(place: str, *names: str) -> str:
    # A JSON array keeps names apart whatever stands in them; a long one is told by its digest, which begins otherwise.
    listed = json.dumps(names, separators=(",", ":"))
    if len(place) + len(listed) <= _MAX_CHARACTERS:
        return place + listed
    return f"{place}sha256:{hashlib.sha256(listed.encode()).hexdigest()}"
