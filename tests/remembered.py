"""What was told to a platform, to be asked for again after a crash, a restore or an upgrade."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

EXAMPLE: dict[str, Any] = {
    "turns": [
        {"role": "agent", "text": "Hello, how can I help you today?"},
        {"role": "customer", "text": "My parcel has not arrived."},
        {"role": "agent", "text": "I am sorry. I will send a new one. Is there anything else?"},
    ],
}


def analyze(client: httpx.Client, external_id: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Scores the example under a name."""
    body = {"scorecard": "support-quality", "interaction": EXAMPLE | {"external_id": external_id}}
    answer = client.post("/v1/analyses", json=body, headers=headers)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    made: dict[str, Any] = answer.json()
    return made


@dataclass(frozen=True)
class Remembered:
    """A memory, by its content."""

    id: str
    content: str

    @classmethod
    def add(cls, client: httpx.Client, content: str) -> "Remembered":
        answer = client.post("/v1/memories", json={"content": content})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return cls(answer.json()["memory"]["id"], content)

    def is_found(self, client: httpx.Client, as_of: datetime | None = None) -> bool:
        """Whether a search by its own words has it among the first ten."""
        asked = {"query": self.content} | ({"as_of": as_of.isoformat()} if as_of else {})
        answer = client.post("/v1/memories/search", json=asked)
        assert answer.status_code == httpx.codes.OK, answer.text
        return self.id in [result["memory"]["id"] for result in answer.json()["results"]]


@dataclass(frozen=True)
class Record:
    """All that was told at one time, and what the platform said then."""

    analysis: dict[str, Any]
    memory: Remembered
    key: str
    at: datetime

    def assert_kept(self, client: httpx.Client) -> None:
        """Nothing is lost: results are read as they were, memories found, and a repeated request is not done twice."""
        assert client.get(f"/v1/analyses/{self.analysis['analysis_id']}").json() == self.analysis
        assert self.memory.is_found(client)
        assert self.memory.is_found(client, as_of=self.at)
        again = analyze(client, self.key, headers={"Idempotency-Key": self.key})
        assert again == self.analysis
