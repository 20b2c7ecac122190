"""Names that stand in the database. Changing one orphans the runs that carry it."""

APPLICATION = "tahoe-agent-engine"
UPKEEP_QUEUE = "memory_upkeep"
TIDY_TEAM = "tidy_team"
REQUEST_ALL_TEAMS = "request_all_teams"
UPKEEP_SCHEDULE = "memory_upkeep"

VERSION = "1"
"""Of the workflow functions taken together: raised when one changes so that a run begun by the old cannot be finished
by the new. A release that changes none keeps it, so that its workers go on with what older ones began."""

FINISHABLE_VERSIONS = (VERSION,)
"""Whose runs these workers can finish; they adopt them. Older ones are listed as long as `DBOS.patch` covers them."""
