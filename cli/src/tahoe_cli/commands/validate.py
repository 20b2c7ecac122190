import asyncio
from dataclasses import asdict

import click

from tahoe_cli.foundation import check_foundation
from tahoe_cli.output import json_option, print_json


@click.command("validate", epilog="\b\nExamples:\n  tahoe validate\n  tahoe validate --json")
@json_option
def command(*, as_json: bool) -> int:
    """Check settings, database, schema, seed, API and one scored interaction; exit 1 if any fails."""
    checks = asyncio.run(check_foundation())
    if as_json:
        print_json({"checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            mark = click.style("✓", fg="green") if check.passed else click.style("✗", fg="red")
            click.echo(f"{mark} {check.name:<9} {check.detail}")
    return 0 if all(check.passed for check in checks) else 1
