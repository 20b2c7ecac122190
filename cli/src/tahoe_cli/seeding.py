"""The example scorecards of this repository, applied for the team of this home."""

from pathlib import Path

from tahoe_core.db.session import team_session
from tahoe_core.errors import UnavailableError
from tahoe_engine.composition import Services
from tahoe_engine.models.catalog import SeedReport
from tahoe_engine.settings import EngineSettings


def find_examples(settings: EngineSettings) -> Path:
    """Returns the folder with the example scorecards and interactions.

    Raises:
        UnavailableError: It is not where the source tree has it; `TAHOE_EXAMPLES` can say where it is.
    """
    folder = settings.examples or Path(__file__).resolve().parents[3] / "examples"
    if not (folder / "scorecards").is_dir():
        raise UnavailableError(
            f"There are no example scorecards in {folder}.",
            cure="Set TAHOE_EXAMPLES to the folder examples/ of Tahoe's source tree.",
        )
    return folder


async def seed_team(services: Services) -> SeedReport:
    """Writes the examples that the team does not have yet; what it has stays as it is."""
    from tahoe_engine.catalog.seed import seed  # noqa: PLC0415 - YAML and its checks are needed once a team
    from tahoe_engine.scoring.definition import load_definition  # noqa: PLC0415 - as above

    definitions = [
        load_definition(path) for path in sorted((find_examples(services.settings) / "scorecards").glob("*.yaml"))
    ]
    async with team_session(services.sessions, services.identity.team_id) as session:
        return await seed(session, definitions)
