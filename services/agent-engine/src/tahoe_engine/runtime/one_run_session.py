from typing import Any, override
from uuid import uuid4

from google.adk.sessions.base_session_service import BaseSessionService, GetSessionConfig, ListSessionsResponse
from google.adk.sessions.session import Session


class OneRunSessions(BaseSessionService):
    """The one session of one run, in memory; what lasts is written by whoever listens to the run.

    ADK's own service in memory copies the session whenever it is asked for.
    """

    def __init__(self, app_name: str, user_id: str) -> None:
        self.session = Session(id=uuid4().hex, app_name=app_name, user_id=user_id)

    @override
    async def create_session(
        self, *, app_name: str, user_id: str, state: dict[str, Any] | None = None, session_id: str | None = None
    ) -> Session:
        return self.session

    @override
    async def get_session(
        self, *, app_name: str, user_id: str, session_id: str, config: GetSessionConfig | None = None
    ) -> Session | None:
        return self.session if session_id == self.session.id else None

    @override
    async def list_sessions(self, *, app_name: str, user_id: str | None = None) -> ListSessionsResponse:
        return ListSessionsResponse(sessions=[self.session])

    @override
    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        self.session.events.clear()
