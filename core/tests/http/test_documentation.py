import re
from typing import Any

import httpx
import pytest


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

    async def test_every_reference_leads_somewhere(self, document: dict[str, Any]) -> None:
        references = set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(document)))
        assert references <= set(document["components"]["schemas"])
        assert len(references) > 4
