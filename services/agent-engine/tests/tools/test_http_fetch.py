import asyncio
import gzip
import ssl
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from tahoe_core.errors import InvalidInputError, UnavailableError
from tahoe_engine.network.addresses import Address
from tahoe_engine.network.testing import HOST, LOCAL, resolver_of
from tahoe_engine.tools.egress import Egress
from tahoe_engine.tools.http_fetch import Fetcher, FetchLimits
from tahoe_engine.tools.testing import answer, egress_to, serve

QUICK = FetchLimits(timeout_s=1)


class TestAUrl:
    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("ftp://site.example/", "begin with http"),
            ("file:///etc/passwd", "begin with http"),
            ("site.example", "begin with http"),
            ("http://", "begin with http"),
            ("http://other.example/", "not among the hosts"),
            ("http://site.example.evil.example/", "not among the hosts"),
            ("http://notsite.example/", "not among the hosts"),
            ("http://127.0.0.1/", "not among the hosts"),
            ("http://2130706433/", "not among the hosts"),
            ("http://0x7f000001/", "not among the hosts"),
            ("http://[::1]/", "not among the hosts"),
            ("http://evil.example@site.example/", "user or password"),
            ("http://site.example@evil.example/", "user or password"),
            ("http://user:secret@site.example/", "user or password"),
            ("http://site.example:22/", "Port 22"),
            ("http://site.example:8001/", "Port 8001"),
            ("http://site.example/" + "a" * 5000, "longer than"),
            ("http://site.example:port/", "well-formed"),
        ],
    )
    async def test_that_may_not_be_asked_is_refused_with_the_reason(self, url: str, said: str) -> None:
        with pytest.raises(InvalidInputError, match=said) as caught:
            await Fetcher(Egress((HOST,), resolver=resolver_of(site_example="93.184.215.14"))).get(url)
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("url", ["http://SITE.example./x", "https://site.example:443", "  http://site.example  "])
    def test_of_an_allowed_host_is_admitted_however_it_is_written(self, url: str) -> None:
        assert Egress((HOST,)).admit(url).host == HOST

    def test_below_a_star_is_admitted_and_the_star_s_own_host_is_not(self) -> None:
        egress = Egress(("*.example",))
        assert egress.admit("http://site.example/").host == HOST
        with pytest.raises(InvalidInputError, match="not among the hosts"):
            egress.admit("http://example/")

    async def test_with_an_international_name_is_asked_by_its_ascii_form(self) -> None:
        asked: list[str] = []

        async def find(host: str, _port: int) -> Sequence[Address]:
            asked.append(host)
            return ()

        with pytest.raises(UnavailableError, match="has no address"):
            await Fetcher(Egress(("xn--bcher-kva.example",), resolver=find)).get("http://bücher.example/")
        assert asked == ["xn--bcher-kva.example"]


class TestAHost:
    @pytest.mark.parametrize(
        "addresses",
        [["127.0.0.1"], ["169.254.169.254"], ["::ffff:10.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["fd00:ec2::254"]],
    )
    async def test_with_an_address_that_is_not_public_is_refused(self, addresses: list[str]) -> None:
        with pytest.raises(InvalidInputError, match="not of the public internet"):
            await Fetcher(Egress((HOST,), resolver=resolver_of(site_example=addresses))).get(f"http://{HOST}/")

    async def test_called_localhost_is_refused_by_the_real_resolver_too(self) -> None:
        with pytest.raises(InvalidInputError, match="not of the public internet"):
            await Fetcher(Egress(("localhost",))).get("http://localhost/")

    async def test_without_an_address_is_named(self) -> None:
        with pytest.raises(UnavailableError, match=r"nowhere\.example has no address"):
            await Fetcher(Egress(("nowhere.example",), resolver=resolver_of())).get("http://nowhere.example/")

    async def test_is_looked_up_once_so_that_a_second_answer_changes_nothing(self) -> None:
        """DNS rebinding: the name means this server when it is checked, and another address a moment later."""
        lookups = 0

        async def rebind(_host: str, _port: int) -> Sequence[Address]:
            nonlocal lookups
            lookups += 1
            return await resolver_of(site_example="127.0.0.1" if lookups == 1 else "10.0.0.1")(HOST, 80)

        async with serve(lambda _: answer(b"here")) as site:
            egress = Egress((HOST,), resolver=rebind, is_allowed=lambda one: one == LOCAL, ports=frozenset({site.port}))
            assert (await Fetcher(egress).get(site.url())).body == b"here"
        assert lookups == 1

    async def test_that_is_not_reached_is_named_and_the_path_is_not(self) -> None:
        async with serve(lambda _: answer()) as site:
            pass
        with pytest.raises(UnavailableError, match="is not reached") as caught:
            await Fetcher(egress_to(site), QUICK).get(site.url("/private?token=secret"))
        assert "secret" not in str(caught.value)

    async def test_whose_first_address_is_dead_is_reached_at_its_second(self) -> None:
        async with serve(lambda _: answer(b"here")) as site:
            egress = Egress(
                (HOST,),
                resolver=resolver_of(site_example=["127.0.0.2", "127.0.0.1"]),
                is_allowed=lambda one: one.is_loopback,
                ports=frozenset({site.port}),
            )
            assert (await Fetcher(egress).get(site.url())).body == b"here"


class TestARequest:
    async def test_carries_the_host_s_name_and_nothing_that_says_who_asks(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("default login ann password secret")
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        async with serve(lambda _: answer(b"one", Set_Cookie="id=1")) as site:
            fetcher = Fetcher(egress_to(site))
            await fetcher.get(site.url("/a?b=c#d"))
            await fetcher.get(site.url("/a?b=c"))
        first, second = (request.lower() for request in site.requests)
        assert first.startswith("get /a?b=c http/1.1\r\n")
        assert f"host: {HOST}:{site.port}\r\n" in first
        assert first == second
        assert "authorization" not in first
        assert "cookie" not in first

    async def test_over_tls_is_checked_against_the_name_and_not_the_address(self, certificate: Path) -> None:
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(certificate)
        trusting = ssl.create_default_context(cafile=str(certificate))
        async with serve(lambda _: answer(b"safe"), server) as site:
            egress = egress_to(site, domains=(HOST, "other.example"), other_example="127.0.0.1")
            assert (await Fetcher(egress, tls=trusting).get(site.url(scheme="https"))).body == b"safe"
            assert site.server_names == [HOST]
            with pytest.raises(UnavailableError, match=r"certificate of https://other\.example"):
                await Fetcher(egress, tls=trusting).get(site.url(host="other.example", scheme="https"))
            with pytest.raises(UnavailableError, match="certificate"):
                await Fetcher(egress).get(site.url(scheme="https"))

    async def test_posts_a_body(self) -> None:
        async with serve(lambda _: answer(b"done", "201 Created")) as site:
            fetched = await Fetcher(egress_to(site)).post(site.url(), b'{"a":1}', "application/json")
        assert fetched.status == 201
        assert site.bodies == [b'{"a":1}']
        assert "content-type: application/json" in site.requests[0].lower()

    async def test_with_a_body_that_is_too_large_is_not_sent(self) -> None:
        with pytest.raises(InvalidInputError, match="larger than 262,144 bytes"):
            await Fetcher(egress_to()).post(f"http://{HOST}/", b"x" * 300_000, "text/plain")


class TestARedirect:
    async def test_is_followed_to_an_allowed_host(self) -> None:
        def respond(path: str) -> bytes:
            return answer(b"", "302 Found", Location="/there") if path == "/" else answer(b"there")

        async with serve(respond) as site:
            fetched = await Fetcher(egress_to(site)).get(site.url())
        assert (fetched.body, fetched.url) == (b"there", site.url("/there"))

    @pytest.mark.parametrize(
        ("target", "said"),
        [
            ("http://other.example/", "not among the hosts"),
            ("http://inside.example/", "not of the public internet"),
            ("http://169.254.169.254/latest/meta-data/", "not among the hosts"),
            ("http://u:p@site.example/", "user or password"),
            ("//site.example:22/", "Port 22"),
            ("file:///etc/passwd", "begin with http"),
            ("gopher://site.example/", "begin with http"),
        ],
    )
    async def test_to_where_nothing_may_go_is_refused(self, target: str, said: str) -> None:
        async with serve(lambda _: answer(b"", "302 Found", Location=target)) as site:
            egress = egress_to(site, domains=(HOST, "inside.example"), inside_example="10.0.0.1")
            with pytest.raises(InvalidInputError, match=said):
                await Fetcher(egress).get(site.url())
        assert len(site.requests) == 1

    async def test_without_end_is_given_up(self) -> None:
        async with serve(lambda _: answer(b"", "302 Found", Location="/")) as site:
            with pytest.raises(UnavailableError, match="redirects more than 5 times"):
                await Fetcher(egress_to(site)).get(site.url())
        assert len(site.requests) == 6

    async def test_that_gives_up_encryption_is_refused(self, certificate: Path) -> None:
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(certificate)
        trusting = ssl.create_default_context(cafile=str(certificate))
        async with serve(lambda _: answer(b"", "302 Found", Location=f"http://{HOST}/"), server) as site:
            with pytest.raises(InvalidInputError, match="without encryption"):
                await Fetcher(egress_to(site), tls=trusting).get(site.url(scheme="https"))

    async def test_of_a_post_becomes_a_get_without_the_body(self) -> None:
        def respond(path: str) -> bytes:
            return answer(b"", "303 See Other", Location="/result") if path == "/" else answer(b"result")

        async with serve(respond) as site:
            fetched = await Fetcher(egress_to(site)).post(site.url(), b"data", "text/plain")
        assert fetched.body == b"result"
        assert site.bodies == [b"data", b""]
        assert site.requests[1].startswith("GET /result ")

    async def test_never_sends_a_body_on_to_another_host(self) -> None:
        async with serve(lambda _: answer(b"", "307 Temporary Redirect", Location="http://other.example/")) as site:
            egress = egress_to(site, domains=(HOST, "other.example"), other_example="127.0.0.1")
            with pytest.raises(InvalidInputError, match="send the body to another host"):
                await Fetcher(egress).post(site.url(), b"data", "text/plain")


class TestAnAnswer:
    async def test_that_is_too_large_is_cut(self) -> None:
        async with serve(lambda _: answer(b"x" * 5000)) as site:
            fetched = await Fetcher(egress_to(site), FetchLimits(body_bytes=1000)).get(site.url())
        assert (len(fetched.body), fetched.truncated) == (1000, True)

    @pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
    async def test_that_is_packed_is_unpacked(self, name: str, pack: object) -> None:
        assert callable(pack)
        async with serve(lambda _: answer(pack(b"x" * 500), Content_Encoding=name)) as site:
            fetched = await Fetcher(egress_to(site)).get(site.url())
        assert (fetched.body, fetched.truncated) == (b"x" * 500, False)

    async def test_that_unpacks_to_very_much_is_cut_before_it_does(self) -> None:
        bomb = gzip.compress(b"\0" * 50_000_000)
        async with serve(lambda _: answer(bomb, Content_Encoding="gzip")) as site:
            fetched = await Fetcher(egress_to(site), FetchLimits(body_bytes=1000)).get(site.url())
        assert (len(fetched.body), fetched.truncated) == (1000, True)

    @pytest.mark.parametrize(
        "wrong",
        [
            answer(b"not gzip", Content_Encoding="gzip"),
            answer(b"packed", Content_Encoding="br"),
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        ],
    )
    async def test_that_cannot_be_used_is_reported_without_its_content(self, wrong: bytes) -> None:
        async with serve(lambda _: wrong) as site:
            with pytest.raises(UnavailableError, match="gave no usable answer") as caught:
                await Fetcher(egress_to(site)).get(site.url())
        assert "OpenSSH" not in str(caught.value)

    async def test_that_does_not_come_is_given_up_in_time(self) -> None:
        async def sleep() -> bytes:
            await asyncio.sleep(30)
            return b""

        async with serve(lambda _: sleep()) as site:
            began = time.monotonic()
            with pytest.raises(UnavailableError, match=r"within 0\.3 s"):
                await Fetcher(egress_to(site), FetchLimits(timeout_s=0.3)).get(site.url())
        assert time.monotonic() - began < 5

    async def test_that_drips_is_given_up_as_a_whole(self) -> None:
        stop = asyncio.Event()

        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not stop.is_set():
                writer.write(b"x")
                await asyncio.sleep(0.05)
            writer.close()

        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        egress = Egress((HOST,), resolver=resolver_of(), is_allowed=lambda one: one == LOCAL, ports=frozenset({port}))
        with pytest.raises(UnavailableError, match=r"within 0\.4 s"):
            await Fetcher(egress, FetchLimits(timeout_s=0.4)).get(f"http://{HOST}:{port}/")
        stop.set()
        server.close()

    async def test_with_an_error_s_status_is_an_answer(self) -> None:
        async with serve(lambda _: answer(b"gone", "429 Too Many Requests", Retry_After="7")) as site:
            fetched = await Fetcher(egress_to(site)).get(site.url())
        assert (fetched.status, fetched.retry_after, fetched.body) == (429, "7", b"gone")
