"""What Tahoe relies on in DBOS that DBOS does not promise. A new version of it begins with these tests."""

import importlib.metadata

import pytest
from dbos import DBOSClient
from dbos._context import DBOSContext, current_owner_xid
from dbos._migration import get_dbos_migrations
from dbos._schemas.system_database import SystemSchema
from dbos._serialization import DBOSPortableJSON
from dbos._sys_db import SystemDatabase, WorkflowStatusString
from dbos._utils import INTERNAL_QUEUE_NAME

from tahoe_engine.workflows import client, lease_table, schema


def test_the_version_is_the_one_that_was_tried() -> None:
    assert importlib.metadata.version("dbos").startswith("3.4.")


def test_our_revision_names_its_newest_migration() -> None:
    newest = len(get_dbos_migrations("any", use_listen_notify=True))
    assert schema.REVISION.partition(".")[0] == f"dbos-{newest}"


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (
            SystemSchema.workflow_status,
            {
                "workflow_uuid",
                "status",
                "name",
                "executor_id",
                "updated_at",
                "application_version",
                "application_name",
                "queue_name",
                "started_at_epoch_ms",
                "deduplication_id",
                "owner_xid",
                "completed_at",
            },
        ),
        (SystemSchema.operation_outputs, {"workflow_uuid", "function_id", "function_name", "output", "error"}),
    ],
    ids=["runs", "steps"],
)
def test_the_tables_have_the_columns(table: object, columns: set[str]) -> None:
    assert columns <= set(table.columns.keys())  # type: ignore[attr-defined]


def test_the_internal_queue_has_the_name_that_our_sweep_falls_back_on() -> None:
    assert lease_table.INTERNAL_QUEUE == INTERNAL_QUEUE_NAME


def test_a_run_has_the_states_that_we_know() -> None:
    going_on = {"ENQUEUED", "PENDING", "DELAYED"}
    assert {status.value for status in WorkflowStatusString} == going_on | set(client._FINISHED)


def test_our_serializer_takes_json_and_no_pickles() -> None:
    assert DBOSPortableJSON.name() == "portable_json"
    assert DBOSPortableJSON.deserialize(DBOSPortableJSON.serialize(["id", 3, None])) == ["id", 3, None]
    with pytest.raises(ValueError, match="Expecting value"):
        DBOSPortableJSON.deserialize("gASVBgAAAAAAAACMAmlklC4=")


def test_an_execution_knows_its_token() -> None:
    context = DBOSContext()
    context.workflow_id, context.owner_xid = "run", "token"
    assert current_owner_xid("run", context) == "token"
    assert current_owner_xid("another", context) is None


@pytest.mark.parametrize("name", ["create", "run_migrations", "get_workflow_owner", "reenqueue_for_recovery"])
def test_the_system_database_has_the_method(name: str) -> None:
    assert callable(getattr(SystemDatabase, name))


@pytest.mark.parametrize("name", ["enqueue", "list_workflows", "delete_workflows", "destroy"])
def test_the_client_has_the_method(name: str) -> None:
    assert callable(getattr(DBOSClient, name))
