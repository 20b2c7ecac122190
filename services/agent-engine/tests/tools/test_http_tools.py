import json

import pytest

from tahoe_core.errors import InvalidInputError
from tahoe_engine.models.agent_models import Autonomy, Boundaries
from tahoe_engine.tools.http_fetch import Fetcher
from tahoe_engine.tools.http_tools import MAX_CHARACTERS, make_http_tools
from tahoe_engine.tools.testing import HOST, answer, egress_to, serve


def bounds(autonomy: Autonomy = Autonomy.AUTO, *domains: str) -> Boundaries:
    return Boundaries(autonomy=autonomy, allowed_domains=domains or (HOST,))


class TestTheToolsOfAnAgent:
    def test_are_none_without_allowed_domains(self) -> None:
        assert make_http_tools(Boundaries()) == ()

    @pytest.mark.parametrize(
        ("autonomy", "expected"),
        [
            (Autonomy.NONE, {"http_get": False}),
            (Autonomy.SUGGEST, {"http_get": False, "http_post": True}),
            (Autonomy.ASK, {"http_get": False, "http_post": True}),
            (Autonomy.AUTO, {"http_get": False, "http_post": False}),
        ],
    )
    def test_need_approval_as_its_autonomy_says(self, autonomy: Autonomy, expected: dict[str, bool]) -> None:
        assert {tool.name: tool.needs_approval for tool in make_http_tools(bounds(autonomy))} == expected

    def test_say_which_hosts_there_are_and_what_they_take(self) -> None:
        get, post = make_http_tools(bounds())
        assert HOST in get.description
        assert json.loads(json.dumps(get.parameters))["required"] == ["url"]
        assert set(post.parameters["required"]) == {"url", "body"}  # type: ignore[arg-type] # a list of names

    async def test_refuse_what_the_schema_does_not_know_without_repeating_it(self) -> None:
        get, _post = make_http_tools(bounds())
        with pytest.raises(InvalidInputError, match="headers") as caught:
            await get.call({"url": f"http://{HOST}/", "headers": {"Authorization": "secret"}})
        assert "secret" not in str(caught.value)


class TestGet:
    async def test_returns_a_page_as_text(self) -> None:
        page = b"<title>Shop</title><p>Open <a href='/hours'>daily</a></p>"
        async with serve(lambda _: answer(page, Content_Type="text/html")) as site:
            get, _post = make_http_tools(bounds(), Fetcher(egress_to(site)))
            result = await get.call({"url": site.url()})
        assert result["status"] == 200
        assert result["text"] == f"Shop\n\nOpen [daily]({site.url('/hours')})"

    async def test_reads_a_long_text_part_by_part(self) -> None:
        text = "".join(f"{number:06}\n" for number in range(10_000))
        async with serve(lambda _: answer(text.encode(), Content_Type="text/plain")) as site:
            get, _post = make_http_tools(bounds(), Fetcher(egress_to(site)))
            first = await get.call({"url": site.url()})
            second = await get.call({"url": site.url(), "offset": first["next_offset"]})
        assert first["next_offset"] == MAX_CHARACTERS
        assert f"{first['text']}{second['text']}" == text
        assert "next_offset" not in second

    async def test_says_so_when_it_is_no_text(self) -> None:
        async with serve(lambda _: answer(b"\x89PNG", Content_Type="image/png")) as site:
            get, _post = make_http_tools(bounds(), Fetcher(egress_to(site)))
            result = await get.call({"url": site.url()})
        assert result["text"] is None
        assert result["note"] == "This is no text, 4 bytes of it were read."


class TestPost:
    @pytest.mark.parametrize(
        ("body", "sent"), [({"a": [1, "ü"]}, '{"a": [1, "ü"]}'.encode()), ("as it is", b"as it is")]
    )
    async def test_sends_an_object_as_json_and_a_text_as_it_is(self, body: object, sent: bytes) -> None:
        async with serve(lambda _: answer(b"ok", Content_Type="text/plain")) as site:
            _get, post = make_http_tools(bounds(), Fetcher(egress_to(site)))
            result = await post.call({"url": site.url(), "body": body})  # type: ignore[dict-item] # JSON values
        assert result["text"] == "ok"
        assert site.bodies == [sent]

    async def test_refuses_a_content_type_that_could_break_out_of_its_line(self) -> None:
        _get, post = make_http_tools(bounds())
        with pytest.raises(InvalidInputError, match="content_type"):
            await post.call({"url": f"http://{HOST}/", "body": "", "content_type": "text/plain\r\nX: y"})
