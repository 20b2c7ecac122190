import re
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Body

from tahoe_core.http.routing import create_router


async def test_the_page_has_our_title_and_needs_no_network(stranger: httpx.AsyncClient) -> None:
    page = (await stranger.get("/docs")).text
    assert "<title>Notes</title>" in page
    loaded = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page) + re.findall(r"""url: ["']([^"']+)["']""", page)
    assert len(loaded) == 4
    for address in loaded:
        assert not address.startswith(("http", "//"))
        if not address.startswith("data:"):
            response = await stranger.get(f"/{address.removeprefix('/')}")
            assert response.status_code == 200, address
            assert len(response.content) > 1000


async def test_the_page_sends_our_document_to_nobody(stranger: httpx.AsyncClient) -> None:
    assert '"validatorUrl": null' in (await stranger.get("/docs")).text


@pytest.mark.parametrize("asset", ["redoc.standalone.js", "..%2Fcore.py", "%2e%2e/core.py", "nothing.css"])
async def test_no_other_file_is_served(stranger: httpx.AsyncClient, asset: str) -> None:
    assert (await stranger.get(f"/docs/{asset}")).status_code == 404


class TestTheDocument:
    @pytest.fixture
    async def document(self, stranger: httpx.AsyncClient) -> dict[str, Any]:
        document: dict[str, Any] = (await stranger.get("/openapi.json")).json()
        return document

    async def test_declares_problems_and_nothing_of_fastapis_own(self, document: dict[str, Any]) -> None:
        assert "HTTPValidationError" not in str(document)
        operation = document["paths"]["/v1/notes"]["post"]
        assert set(operation["responses"]) == {"201", "401", "408", "409", "413", "415", "422", "500", "503"}
        for status, response in operation["responses"].items():
            if status != "201":
                assert list(response["content"]) == ["application/problem+json"]
        assert {"type", "title", "status", "detail"} <= set(document["components"]["schemas"]["Problem"]["properties"])

    async def test_asks_for_a_token_wherever_one_is_needed(self, document: dict[str, Any]) -> None:
        open_paths = {
            path
            for path, operations in document["paths"].items()
            for operation in operations.values()
            if not operation.get("security")
        }
        assert open_paths == {"/health", "/ready"}

    async def test_names_its_operations_as_code_would(self, document: dict[str, Any]) -> None:
        assert document["paths"]["/v1/notes"]["post"]["operationId"] == "create_note"

    async def test_tells_of_idempotency_keys(self, document: dict[str, Any]) -> None:
        assert "Idempotency-Key" in document["paths"]["/v1/notes"]["post"]["description"]

    async def test_says_what_text_is_refused(self, document: dict[str, Any]) -> None:
        schemas = document["components"]["schemas"]
        assert schemas["NoteIn"]["properties"]["title"]["pattern"] == r"^[^\u0000]*$"
        assert schemas["NoteIn"]["properties"]["anything"]["$ref"] == "#/components/schemas/JsonValue"
        assert schemas["NoteIn"]["properties"]["metadata"]["additionalProperties"] == {
            "$ref": "#/components/schemas/JsonValue"
        }

    async def test_holds_the_keys_of_an_object_to_their_pattern(self, document: dict[str, Any]) -> None:
        """Pydantic says only what the values of fitting keys are, which leaves other keys free."""
        weights = document["components"]["schemas"]["NoteIn"]["properties"]["weights"]
        assert weights["propertyNames"] == {"maxLength": 9, "pattern": "^[a-z]+$"}
        assert weights["additionalProperties"] == {"type": "number"}
        assert "patternProperties" not in weights

    async def test_says_where_to_find_what_was_made(self, document: dict[str, Any]) -> None:
        responses = document["paths"]["/v1/notes"]["post"]["responses"]
        assert list(responses["201"]["headers"]) == ["Location"]

    async def test_says_in_the_overview_what_an_operation_does(self, document: dict[str, Any]) -> None:
        paths = document["paths"]
        assert paths["/health"]["get"]["summary"] == "Says that the process is alive"
        assert paths["/ready"]["get"]["summary"] == "Says whether everything that the service needs works"

    async def test_describes_its_tags(self, document: dict[str, Any]) -> None:
        assert [tag["name"] for tag in document["tags"]] == ["notes", "operations"]
        assert all(tag["description"] for tag in document["tags"])

    async def test_every_reference_leads_somewhere(self, document: dict[str, Any]) -> None:
        references = set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(document)))
        assert references <= set(document["components"]["schemas"])
        assert len(references) > 4


def test_a_route_of_several_bodies_is_refused_when_it_is_made() -> None:
    router = create_router("/v1/pairs", "pairs")

    async def make_pair(one: Annotated[int, Body()], two: Annotated[int, Body()]) -> None: ...

    with pytest.raises(TypeError, match="make_pair takes several bodies"):
        router.post("")(make_pair)
