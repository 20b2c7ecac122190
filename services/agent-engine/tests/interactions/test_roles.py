import pytest

from tahoe_engine.interactions.formats.roles import find_role
from tahoe_engine.models.interaction import Role


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *[
            (name, Role.AGENT)
            for name in ("agent", "Assistant", "BOT", "ai", "gpt", "Rep", "representative", "Advisor")
        ],
        *[
            (name, Role.AGENT)
            for name in ("support", "operator", "Agent 2", "AGENT_01", "Dana (Agent)", "Customer Service")
        ],
        *[
            (name, Role.AGENT)
            for name in ("Customer Support Rep", "Northwind Support <s@example.com>", "virtual assistant")
        ],
        *[(name, Role.CUSTOMER) for name in ("customer", "User", "human", "Client", "caller", "debtor", "consumer")],
        *[(name, Role.CUSTOMER) for name in ("visitor", "Customer 1", "end user", "Tom (Customer)")],
        *[(name, Role.SYSTEM) for name in ("system", "developer")],
        *[(name, Role.TOOL) for name in ("tool", "function", "observation", "function_call_output")],
        ("action", Role.ACTION),
        *[(name, None) for name in ("Dana", "Ai Tanaka", "Speaker 1", "SPEAKER_00", "", "Actionable")],
    ],
)
def test_a_name_tells_its_role_or_nothing(name: str, role: Role | None) -> None:
    assert find_role(name) is role
