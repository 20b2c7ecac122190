"""What is known at the moment of each call."""

import gc
import json
from collections.abc import Callable
from time import process_time

from tahoe_engine.models.check_specs import GroundedArgumentsCheck, ToolSequenceCheck
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.scoring.checks.grounded_arguments import GroundedArgumentsRunner
from tahoe_engine.scoring.checks.tool_sequence import ToolSequenceRunner
from tahoe_engine.scoring.trajectory.moments import calls, moments

Build = Callable[..., Interaction]


def test_every_call_is_a_moment_in_order(trajectory: Build) -> None:
    made = trajectory(("customer", "Hi"), ("find", {"q": "a"}), ("tool", "done"), ("book", {"q": "b"}))
    assert [(moment.index, moment.call.name) for moment in moments(made)] == [(1, "find"), (3, "book")]
    assert [(place.index, place.call.name) for place in calls(made)] == [(1, "find"), (3, "book")]


def test_a_moment_knows_what_came_before_it_and_nothing_after(trajectory: Build) -> None:
    made = trajectory(
        ("customer", "Hi"),
        ("find", {"q": "a"}),
        ("tool", {"id": "ord-1001"}),
        ("customer", "The red one"),
        ("book", {}),
    )
    known = [
        (
            moment.history.customer_turns,
            moment.history.latest and (moment.history.latest.name, moment.history.latest.answer),
            moment.history.sources.is_fact("ORD-1001"),
            moment.history.sources.asked_for("red"),
        )
        for moment in moments(made)
    ]
    assert known == [(1, None, False, False), (2, ("find", '{"id": "ord-1001"}'), True, True)]


def test_values_of_nested_arguments_know_their_path(trajectory: Build) -> None:
    arguments = {"a": "x", "b": [{"c": [["y"], 2], "d": None}, True], "e": {"f": {"g": 0.5}}}
    moment = next(moments(trajectory(("find", arguments))))
    found = [(value.name, value.text, value.path) for item in moment.items for value in item.values]
    assert found == [
        ("a", "x", ("a",)),
        ("c", "y", ("b", 0, "c", 0, 0)),
        ("c", "2", ("b", 0, "c", 1)),
        ("g", "0.5", ("e", "f", "g")),
    ]


def test_what_stands_in_very_many_objects_tells_nothing_apart(trajectory: Build) -> None:
    listed = [{"id": f"ord-{number}x", "kind": "lamp shade"} for number in range(60)]
    made = trajectory(("customer", "Hi"), ("find", {}), ("tool", listed), ("book", {"kind": "lamp shade"}))
    *_, last = moments(made)
    assert last.history.sources.is_choice("lamp shade")
    assert last.history.sources.described_by("lamp shade") is None


def test_time_grows_with_the_length_and_not_with_its_square(trajectory: Build) -> None:
    def seconds(count: int) -> float:
        steps: list[tuple[str, object]] = [("customer", "start")]
        for number in range(count):
            answer = json.dumps({"id": f"o-{number}-a", "kind": "lamp", "sizes": ["a", f"b{number}"]})
            steps += [("find", {"q": f"lámp {number}", "id": f"o-{number}-a"}), ("tool", answer), ("customer", "go on")]
        made = trajectory(*steps)
        rules = {
            "no_repeats": True,
            "no_repeats_in_a_row": True,
            "confirm": True,
            "complete": True,
            "no_placeholders": True,
        }
        sequence = ToolSequenceCheck.model_validate({"type": "tool_sequence", "needs": {"x": ["y"]}, **rules})
        # What the tests before have left is much to look through for the garbage collector, and none of our time.
        gc.collect()
        gc.disable()
        try:
            start = process_time()
            GroundedArgumentsRunner(GroundedArgumentsCheck(type="grounded_arguments"), CheckKit()).run(made)
            ToolSequenceRunner(sequence, CheckKit()).run(made)
            return process_time() - start
        finally:
            gc.enable()

    seconds(100)
    short = min(seconds(1000) for _ in range(3))
    assert min(seconds(4000) for _ in range(3)) < 16 * short + 0.5


def test_hostile_texts_do_not_stop_it(trajectory: Build) -> None:
    start = process_time()
    for text in (
        " " * 200_000,
        '"' * 200_000,
        "[" * 200_000,
        " OR " * 50_000,
        "1 " * 100_000,
        "a" * 200_000,
        "北" * 50_000,
    ):
        made = trajectory(("customer", text), ("find", text), ("tool", text), ("find", {"q": text, "id": text}))
        GroundedArgumentsRunner(GroundedArgumentsCheck(type="grounded_arguments"), CheckKit()).run(made)
    assert process_time() - start < 20
