from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from tahoe_core.http.authentication import AuthenticationMiddleware
from tahoe_core.security.principal import ServiceTokenAuthenticator
from tahoe_core.security.service_token import create_service_token

if TYPE_CHECKING:
    from core.tests.http.conftest import Notes

PUBLIC = ["/health", "/ready", "/docs", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/openapi.json"]


class TestAStranger:
    @pytest.mark.parametrize("path", PUBLIC)
    async def test_sees_health_and_docs(self, stranger: httpx.AsyncClient, path: str) -> None:
        assert (await stranger.get(path)).status_code == 200

    @pytest.mark.parametrize(
        "path",
        ["/v1/notes", "/metrics", "/v1/nothing", "/", "/health/", "//health", "/docsx"],
    )
    async def test_sees_nothing_else(self, stranger: httpx.AsyncClient, path: str) -> None:
        response = await stranger.get(path)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert response.headers["content-type"] == "application/problem+json"
        assert "Authorization: Bearer" in response.json()["detail"]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Basic dXNlcjpwdw==", "tahoe_st_x", "Bearer wrong", f"Bearer {'x' * 5000}", "Bearer é"],
)
async def test_what_is_no_valid_token_is_refused(stranger: httpx.AsyncClient, header: str) -> None:
    response = await stranger.get("/v1/notes", headers=[(b"Authorization", header.encode())])
    assert response.status_code == 401
    assert response.json()["type"].endswith(":unauthorized")


async def test_the_token_of_another_team_is_refused(stranger: httpx.AsyncClient) -> None:
    other = create_service_token().get_secret_value()
    assert (await stranger.get("/v1/notes", headers={"Authorization": f"Bearer {other}"})).status_code == 401


async def test_two_authorization_headers_are_refused(stranger: httpx.AsyncClient, token: str) -> None:
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", "Bearer other")]
    assert (await stranger.get("/v1/notes", headers=headers)).status_code == 401


async def test_the_scheme_may_be_written_in_any_case(stranger: httpx.AsyncClient, token: str) -> None:
    assert (await stranger.get("/v1/notes", headers={"Authorization": f"bearer {token}"})).status_code == 200


async def test_a_route_knows_who_asks(client: httpx.AsyncClient, notes: "Notes", team_id: UUID) -> None:
    await client.post("/v1/notes", json={"title": "a"})
    assert [maker.team_id for maker in notes.makers] == [team_id]
    assert notes.makers[0].subject == "service-token"


async def test_a_websocket_is_closed_before_any_route_sees_it() -> None:
    async def route(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError

    async def receive() -> Message:
        raise AssertionError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    authenticator = ServiceTokenAuthenticator(uuid4(), create_service_token())
    app = AuthenticationMiddleware(route, authenticator, public_paths=["/health"])
    await app({"type": "websocket", "path": "/health", "headers": []}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]
