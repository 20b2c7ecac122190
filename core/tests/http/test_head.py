import httpx


async def test_head_is_get_without_the_body(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/v1/notes", "/docs", "/v1/nothing"):
        got, head = await client.get(path), await client.head(path)
        assert head.status_code == got.status_code
        assert head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"]
        if path != "/v1/nothing":  # its problem holds the request's id
            assert head.headers["content-length"] == got.headers["content-length"]


async def test_head_needs_a_token_where_get_does(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.head("/v1/notes")).status_code == 401


async def test_head_is_refused_where_nothing_can_be_got(client: httpx.AsyncClient) -> None:
    response = await client.head("/v1/small")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


async def test_a_connection_stays_usable_after_head(client: httpx.AsyncClient) -> None:
    for _ in range(3):
        assert (await client.head("/health")).status_code == 200
        assert (await client.get("/health")).json() == {"status": "ok"}
