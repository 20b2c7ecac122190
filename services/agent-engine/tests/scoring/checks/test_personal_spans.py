import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tahoe_engine.models.check_specs import PersonalDataKind
from tahoe_engine.scoring.personal.cards import luhn
from tahoe_engine.scoring.personal_spans import find_personal_data, mask

KINDS: tuple[PersonalDataKind, ...] = ("card", "email", "phone", "national_id", "iban")
REGIONS = ("US", "GB")


def found(text: str, *, before: str = "", kinds: tuple[PersonalDataKind, ...] = KINDS) -> list[tuple[str, str]]:
    return [
        (span.kind, text[span.start : span.end]) for span in find_personal_data(text, kinds, REGIONS, before=before)
    ]


class TestCards:
    @pytest.mark.parametrize(
        "number",
        [
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "4111111111111111",
            "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "5555 5555 5555 4444",
            "2223003122003222",
            "3782 822463 10005",
            "30569309025904",
            "6011111111111117",
            "3530111333300000",
            "6200000000000005",
        ],
    )
    def test_numbers_of_the_known_schemes_are_found(self, number: str) -> None:
        assert found(f"It is {number}, thanks.") == [("card", number)]

    def test_what_follows_a_card_number_does_not_hide_it(self) -> None:
        assert found("4111 1111 1111 1111 12/27 123") == [("card", "4111 1111 1111 1111")]

    def test_a_number_spelt_out_is_found(self) -> None:
        spoken = "four one one one, one one one one, one one one one, one one one one"
        assert found(f"It's {spoken} expiring in May.") == [("card", spoken)]

    def test_odd_groups_count_where_somebody_speaks_of_a_card(self) -> None:
        number = "41 11 11 11 11 11 11 11"
        assert found(f"The sum is {number}") == []
        assert found(f"My card number is {number}") == [("card", number)]
        assert found(number, before="What is your card number?") == [("card", number)]

    @pytest.mark.parametrize(
        "text",
        [
            "4111 1111 1111 1112",  # wrong last digit
            "9111 1111 1111 1111",  # no scheme begins so
            "12345678901234567890123",
            "Pi is 3.141592653589793 or so",
            "id550e8400-e29b-41d4-a716-446655440000",
            "one two three four five six seven eight nine one two three",
        ],
    )
    def test_other_long_numbers_are_no_cards(self, text: str) -> None:
        assert found(text) == []

    def test_luhn_knows_the_last_digit(self) -> None:
        assert [digit for digit in "0123456789" if luhn(f"7992739871{digit}")] == ["3"]


class TestEmails:
    @pytest.mark.parametrize("address", ["john.smith+x@example.co.uk", "ÿ@exämple.de", "a_b@x-y.org"])
    def test_addresses_are_found_without_what_is_around_them(self, address: str) -> None:
        assert found(f"({address}).") == [("email", address)]
        assert found(f"'{address}'") == [("email", address)]

    @pytest.mark.parametrize(
        "text",
        [
            "support@acme.com",
            "Customer.Service@acme.com",
            "no-reply@acme.com",
            "logo@2x.png",
            "@handle",
            "a@b",
            "x@1.2.3",
        ],
    )
    def test_common_mailboxes_and_look_alikes_are_not_personal(self, text: str) -> None:
        assert found(text) == []


class TestPhones:
    @pytest.mark.parametrize(
        "number", ["(212) 555-0123", "212-736-5000", "212.736.5000", "+1 415 555 2671", "07911 123456", "+49 30 901820"]
    )
    def test_written_numbers_are_found(self, number: str) -> None:
        assert found(f"Ring {number} please") == [("phone", number)]

    def test_bare_digits_are_a_phone_number_where_somebody_speaks_of_one(self) -> None:
        assert found("2127365000") == []
        assert found("my cell is 2127365000") == [("phone", "2127365000")]
        assert found("2127365000", before="What is the phone number on the account?") == [("phone", "2127365000")]

    @pytest.mark.parametrize(
        "text",
        [
            "order 3348917502",
            "My order number is 334-891-7502.",
            "tracking 9400 1000 0000 0000 0000 00",
            "on 2024-11-21 at 10:30",
            "from 10/12/2024 3:15",
            "$1,234.56 and 1 234 567,89",
            "192.168.100.201",
            "version 10.15.7.2001",
        ],
    )
    def test_order_numbers_dates_and_amounts_are_not(self, text: str) -> None:
        assert found(text) == []

    def test_a_companys_toll_free_number_is_not_personal(self) -> None:
        assert found("Call us at 800-275-2273") == []

    def test_an_order_number_that_was_asked_for_is_none(self) -> None:
        assert found("334-891-7502", before="What is your order number?") == []

    def test_a_number_is_found_wherever_it_stands_in_a_long_text(self) -> None:
        for distance in range(19_880, 20_020, 3):
            text = "x" * distance + " 212-736-5000 " + "y" * 300
            assert found(text) == [("phone", "212-736-5000")], distance


class TestNationalIds:
    @pytest.mark.parametrize(
        "number",
        [
            "123-45-6789",
            "AB 12 34 56 C",
            "AB123456C",
            "12345678Z",
            "X1234567L",
            "RSSMRA85T10A562S",
            "756.9217.0769.85",
            "131052-308T",
            "111.444.777-35",
        ],
    )
    def test_numbers_that_speak_for_themselves_are_found(self, number: str) -> None:
        assert found(f"It is {number}.") == [("national_id", number)]

    @pytest.mark.parametrize("number", ["000-12-3456", "666-12-3456", "123-00-4567", "123-45-0000", "GB123456A"])
    def test_numbers_that_were_never_given_are_not(self, number: str) -> None:
        assert found(f"It is {number}.") == []

    def test_bare_digits_need_a_word_that_names_them(self) -> None:
        assert found("It is 123456789.") == []
        assert found("My social is 123456789.") == [("national_id", "123456789")]
        assert found("123456789", before="Can I have your SSN?") == [("national_id", "123456789")]
        assert found("BSN 111222333") == [("national_id", "111222333")]


class TestIbans:
    @pytest.mark.parametrize(
        "number", ["DE89 3704 0044 0532 0130 00", "de89370400440532013000", "GB82WEST12345698765432"]
    )
    def test_numbers_with_the_right_checksum_are_found(self, number: str) -> None:
        assert found(f"Pay to {number} and we are done") == [("iban", number)]

    @pytest.mark.parametrize("number", ["DE88 3704 0044 0532 0130 00", "ZZ82WEST12345698765432", "DE89 3704 0044"])
    def test_others_are_not(self, number: str) -> None:
        assert "iban" not in [kind for kind, _ in found(number)]


class TestTogether:
    def test_each_digit_belongs_to_one_kind(self) -> None:
        text = "card 4111111111111111, mail 2127365000@example.com, phone 212-736-5000, SSN 123-45-6789"
        assert [kind for kind, _ in found(text)] == ["card", "email", "phone", "national_id"]

    def test_a_kind_that_was_not_asked_for_still_claims_its_digits(self) -> None:
        assert found("mail 2127365000@example.com, my phone", kinds=("phone",)) == []
        assert found("card 4111111111111111", kinds=("email",)) == []

    def test_digits_and_hyphens_of_other_scripts_are_read(self) -> None:
        text = "😀 ４１１１\u00a01111\u00a01111\u00a01111 and 123‑45‑6789"  # noqa: RUF001 - full-width digits
        assert [kind for kind, _ in found(text)] == ["card", "national_id"]

    def test_nothing_asked_for_is_nothing_found(self) -> None:
        assert find_personal_data("4111111111111111", (), REGIONS) == []

    @settings(deadline=None)
    @given(
        st.text(alphabet=st.one_of(st.sampled_from(["👩", "\u200d", "e\u0301"[1], "é", " ", "ß", "字"])), max_size=30),
        st.sampled_from(["4111 1111 1111 1111", "jane@example.org", "+1 212 736 5000", "123-45-6789"]),
        st.text(alphabet=st.sampled_from(list("👩\u200d\u0301é ß字")), max_size=30),
    )
    def test_offsets_count_code_points(self, before: str, number: str, after: str) -> None:
        text = f"{before} {number} {after}"
        assert number in [quote for _, quote in found(text)]

    @settings(deadline=None)
    @given(st.text(max_size=300))
    def test_spans_are_ordered_apart_and_inside(self, text: str) -> None:
        last = 0
        for span in find_personal_data(text, KINDS, REGIONS):
            assert last <= span.start < span.end <= len(text)
            last = span.end

    @settings(deadline=None)
    @given(st.text(alphabet=st.sampled_from(list("0123456789 -+().@a4DEone")), max_size=120))
    def test_any_jumble_of_digits_gives_spans_that_can_be_masked(self, text: str) -> None:
        spans = find_personal_data(text, KINDS, REGIONS)
        masked = mask(text, spans)
        assert len(masked) == len(text)
        assert all(set(masked[span.start : span.end]) == {"•"} for span in spans)

    def test_masking_hides_the_data_and_nothing_else(self) -> None:
        text = "👍🏽 mail jane@example.org now"
        assert mask(text, find_personal_data(text, KINDS, REGIONS)) == "👍🏽 mail •••••••••••••••• now"

    @pytest.mark.parametrize(
        "text", ["a" * 200_000, "." * 200_000, "one " * 50_000, "a.b@" * 50_000, "DE12 AB34 " * 20_000, "1-" * 20_000]
    )
    def test_no_text_takes_for_ever(self, text: str) -> None:
        begin = time.process_time()
        find_personal_data(text, KINDS, REGIONS)
        assert time.process_time() - begin < 10
