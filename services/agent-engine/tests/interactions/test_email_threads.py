from collections.abc import Callable

import pytest

from tahoe_engine.interactions.reading import ReadFailure, ReadInteraction
from tahoe_engine.models.interaction import InteractionType, Role

type ReadOne = Callable[..., ReadInteraction]
type RefuseOne = Callable[..., ReadFailure]


THREAD = """\
From: Tom Okafor <tom@example.com>
To: Northwind Support <support@northwind.example>
Date: Tue, 3 Nov 2026 09:12:00 -0500
Subject: Wrong size

Hello,

I got the wrong size: L instead of M.

Regards
Tom

-----Original Message-----
From: Northwind Support <support@northwind.example>
To: Tom Okafor <tom@example.com>
Sent: Tuesday, November 3, 2026 11:40 AM
Subject: Re: Wrong size

Dear Tom,
we are sorry. --- A new one is on its way.
"""


def test_each_message_is_a_turn_of_its_sender(read_one: ReadOne) -> None:
    interaction = read_one(THREAD).interaction
    assert interaction.type is InteractionType.EMAIL
    assert [turn.role for turn in interaction.turns] == [Role.CUSTOMER, Role.AGENT]
    assert interaction.turns[0].text == "Hello,\n\nI got the wrong size: L instead of M.\n\nRegards\nTom"
    assert interaction.turns[1].text == "Dear Tom,\nwe are sorry. --- A new one is on its way."
    assert interaction.metadata["subject"] == "Wrong size"


def test_the_first_date_is_when_it_began(read_one: ReadOne) -> None:
    interaction = read_one(THREAD).interaction
    assert interaction.occurred_at is not None
    assert interaction.occurred_at.isoformat() == "2026-11-03T09:12:00-05:00"
    assert interaction.time_zone == "-05:00"
    second = interaction.turns[1].at
    assert second is not None
    assert (second - interaction.occurred_at).total_seconds() == 2 * 3600 + 28 * 60


def test_a_message_without_text_stays_a_turn(read_one: ReadOne) -> None:
    text = "From: Support <support@example.com>\nSubject: a\n\n\nFrom: Tom <t@example.com>\nSubject: b\n\nhi\n"
    assert [turn.text for turn in read_one(text).interaction.turns] == ["", "hi"]


def test_a_mention_of_from_in_the_text_starts_no_message(read_one: ReadOne) -> None:
    text = "From: Support <s@example.com>\nTo: T\n\nThe parcel went\nFrom: Reno\nTo: Boise\non Monday\n"
    assert len(read_one(text).interaction.turns) == 1


@pytest.mark.parametrize("header", ["Content-Transfer-Encoding: base64", "Content-Type: multipart/mixed; boundary=x"])
def test_mail_encoded_for_transport_is_refused(refuse_one: RefuseOne, header: str) -> None:
    refused = refuse_one(f"From: a@example.com\nSubject: x\n{header}\n\nSGVsbG8=\n", "a.eml")
    assert "MIME" in refused.message
    assert refused.source.line == 1


def test_mail_without_headers_is_refused(refuse_one: RefuseOne) -> None:
    assert "No message begins with From:" in refuse_one("hello\n", "a.eml").message
