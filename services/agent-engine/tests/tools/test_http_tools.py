import asyncio
import json
import time

import pytest

from tahoe_engine.models.agent_models import Boundaries
from tahoe_engine.network.testing import HOST
from tahoe_engine.runtime.tool_port import ToolError
from tahoe_engine.tools.http_fetch import Fetcher
from tahoe_engine.tools.http_tools import MAX_CHARACTERS, make_http_tools
from tahoe_engine.tools.testing import answer, egress_to, serve

BOUNDS = Boundaries(allowed_domains=(HOST,))


class TestTheToolsOfAnAgent:
    def test_are_none_without_allowed_domains(self) -> None:
        assert make_http_tools(Boundaries()) == ()

    def test_need_approval_where_they_may_change_something(self) -> None:
        tools = make_http_tools(BOUNDS)
        assert {tool.name: tool.needs_approval for tool in tools} == {"http_get": False, "http_post": True}

    def test_say_which_hosts_there_are_and_what_they_take(self) -> None:
        get, post = make_http_tools(BOUNDS)
        assert HOST in get.description
        assert json.loads(json.dumps(get.parameters))["required"] == ["url"]
        assert set(post.parameters["required"]) == {"url", "body"}

    async def test_refuse_what_the_schema_does_not_know_without_repeating_it(self) -> None:
        get, _post = make_http_tools(BOUNDS)
        with pytest.raises(ToolError, match="headers") as caught:
            await get({"url": f"http://{HOST}/", "headers": {"Authorization": "secret"}})
        assert "secret" not in str(caught.value)

    async def test_tell_the_model_why_a_host_is_not_reached(self) -> None:
        get, _post = make_http_tools(BOUNDS)
        with pytest.raises(ToolError, match=r"other\.example is not among .* It may reach: site\.example"):
            await get({"url": "http://other.example/"})


class TestGet:
    async def test_returns_a_page_as_text(self) -> None:
        page = b"<title>Shop</title><p>Open <a href='/hours'>daily</a></p>"
        async with serve(lambda _: answer(page, Content_Type="text/html")) as site:
            get, _post = make_http_tools(BOUNDS, Fetcher(egress_to(site)))
            said = await get({"url": site.url()})
        assert said == f"200 {site.url()} (text/html)\n\nShop\n\nOpen [daily]({site.url('/hours')})"

    async def test_reads_a_long_text_part_by_part(self) -> None:
        text = "".join(f"{number:06}\n" for number in range(10_000))
        async with serve(lambda _: answer(text.encode(), Content_Type="text/plain")) as site:
            get, _post = make_http_tools(BOUNDS, Fetcher(egress_to(site)))
            first = await get({"url": site.url()})
            second = await get({"url": site.url(), "offset": MAX_CHARACTERS})
        assert first.endswith(f"[40,000 of 70,000 characters; read on with offset {MAX_CHARACTERS}.]")
        assert text[:MAX_CHARACTERS] in first
        assert second.endswith(text[MAX_CHARACTERS:])

    async def test_says_so_when_it_is_no_text_or_was_not_read_to_the_end(self) -> None:
        async with serve(lambda _: answer(b"\x89PNG", Content_Type="image/png")) as site:
            get, _post = make_http_tools(BOUNDS, Fetcher(egress_to(site)))
            assert "[This is no text; 4 bytes of it were read.]" in await get({"url": site.url()})
        async with serve(lambda _: answer(b"x" * 3_000_000, Content_Type="text/plain")) as site:
            get, _post = make_http_tools(BOUNDS, Fetcher(egress_to(site)))
            said = await get({"url": site.url(), "offset": 2_097_000})
        assert "[The answer was longer; only its first 2,097,152 bytes were read.]" in said

    async def test_leaves_everything_else_its_turn_while_it_reads_a_long_page(self) -> None:
        async with serve(lambda _: answer(b"<p>x" * (1 << 19), Content_Type="text/html")) as site:
            get, _post = make_http_tools(BOUNDS, Fetcher(egress_to(site)))
            reading = asyncio.ensure_future(get({"url": site.url()}))
            longest, last = 0.0, time.thread_time()
            while not reading.done():
                await asyncio.sleep(0.005)
                now = time.thread_time()  # of this thread alone
                longest, last = max(longest, now - last), now
        assert "x" in await reading
        assert longest < 0.2

    async def test_passes_on_when_to_ask_again(self) -> None:
        async with serve(lambda _: answer(b"", "429 Too Many Requests", Retry_After="7")) as site:
            get, _post = make_http_tools(BOUNDS, Fetcher(egress_to(site)))
            assert (await get({"url": site.url()})).splitlines()[1] == "Retry-After: 7"


class TestPost:
    @pytest.mark.parametrize(
        ("body", "sent"), [({"a": [1, "ü"]}, '{"a": [1, "ü"]}'.encode()), ("as it is", b"as it is")]
    )
    async def test_sends_an_object_as_json_and_a_text_as_it_is(self, body: object, sent: bytes) -> None:
        async with serve(lambda _: answer(b"ok", Content_Type="text/plain")) as site:
            _get, post = make_http_tools(BOUNDS, Fetcher(egress_to(site)))
            said = await post({"url": site.url(), "body": body})
        assert said.endswith("ok")
        assert site.bodies == [sent]

    async def test_refuses_a_content_type_that_could_break_out_of_its_line(self) -> None:
        _get, post = make_http_tools(BOUNDS)
        with pytest.raises(ToolError, match="content_type"):
            await post({"url": f"http://{HOST}/", "body": "", "content_type": "text/plain\r\nX: y"})
