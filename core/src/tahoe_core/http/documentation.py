"""The API's documentation, which needs no network: Swagger UI's files come from an installed package."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from tahoe_core.errors import NotFoundError

# fastapi-offline is used as a carrier of these two files alone; its own app factory and its ReDoc are not.
ASSETS_PACKAGE = "fastapi_offline"
ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
NO_FAVICON = "data:,"
PARAMETERS = {
    "validatorUrl": None,  # else Swagger UI sends the address of our document to a public service
    "persistAuthorization": True,
    "displayRequestDuration": True,
    "tryItOutEnabled": True,
}
PUBLIC_PATHS = frozenset({"/openapi.json", "/docs", "/docs/"})


def create_documentation_router(app: FastAPI) -> APIRouter:
    """Returns the routes `/openapi.json`, `/docs` and the files that page needs."""
    router = APIRouter(include_in_schema=False)
    folder = Path(str(files(ASSETS_PACKAGE))) / "static"

    @router.get("/openapi.json")
    async def get_openapi() -> JSONResponse:
        return JSONResponse(app.openapi())

    @router.get("/docs")
    async def get_docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title=app.title,
            swagger_js_url="docs/swagger-ui-bundle.js",
            swagger_css_url="docs/swagger-ui.css",
            swagger_favicon_url=NO_FAVICON,
            swagger_ui_parameters=PARAMETERS,
        )

    @router.get("/docs/{asset}")
    async def get_asset(asset: str) -> Response:
        if asset not in ASSETS:
            raise NotFoundError(f"The documentation has no file {asset!r}.")
        return FileResponse(folder / asset, media_type=ASSETS[asset], headers={"Cache-Control": "max-age=86400"})

    return router
