import asyncio
from dataclasses import asdict

import click

from tahoe_cli.deployed import check_deployed
from tahoe_cli.foundation import check_foundation
from tahoe_cli.output import json_option, print_json

EPILOG = """\b
Examples:
  tahoe validate
  tahoe validate --json
  tahoe validate --url http://localhost:8001
"""


@click.command("validate", epilog=EPILOG)
@click.option("--url", metavar="URL", help="Check the agent-engine that answers there, by HTTP alone.")
@json_option
def command(*, url: str | None, as_json: bool) -> int:
    """Check settings, database, schema, seed, API and one scored interaction; exit 1 if any fails.

    Without --url the API is served here for the moment, to a team of its own. With it the deployed one scores the
    interaction, for your team: each check leaves an analysis of the interaction `tahoe-validate`.
    """
    checks = asyncio.run(check_deployed(url) if url else check_foundation())
    if as_json:
        print_json({"checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            mark = click.style("✓", fg="green") if check.passed else click.style("✗", fg="red")
            click.echo(f"{mark} {check.name:<9} {check.detail}")
    return 0 if all(check.passed for check in checks) else 1
