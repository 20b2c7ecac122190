import asyncio
import math
import time
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tahoe_engine.memory.extraction import (
    MAX_CANDIDATES,
    Candidate,
    Excerpt,
    RejectionReason,
    SpokenMessage,
    ValidatedCandidates,
    validate_candidates,
)
from tahoe_engine.memory.statements import StatementExtractor
from tahoe_engine.models.conversation_models import MessageRole
from tahoe_engine.models.memory_models import MemoryType

ASKED = 8


def spoken(*texts: str, author: str | None = None, role: MessageRole = MessageRole.USER) -> Excerpt:
    return Excerpt(uuid4(), tuple(SpokenMessage(uuid4(), text, role, author) for text in texts))


def extract(excerpt: Excerpt) -> list[Candidate]:
    return asyncio.run(StatementExtractor().extract(excerpt))


def contents(*texts: str, author: str | None = None) -> list[str]:
    return [candidate.content for candidate in extract(spoken(*texts, author=author))]


def subjects(*texts: str, author: str | None = None) -> list[str | None]:
    return [candidate.subject for candidate in extract(spoken(*texts, author=author))]


class TestWhatIsAskedToBeRemembered:
    @pytest.mark.parametrize(
        ("said", "content"),
        [
            ("Remember that I'm allergic to nuts.", "The user is allergic to nuts."),
            ("Please remember that I am not at work on Fridays", "The user is not at work on Fridays."),
            ("remember: the wifi is called Tahoe", "The wifi is called Tahoe."),
            ("Don't forget that I don’t eat meat!", "The user does not eat meat."),  # noqa: RUF001
            ("Can you remember that the deploy day is Friday?", "The deploy day is Friday."),
            ("Hi, keep in mind that Bob hates fish.", "Bob hates fish."),
            ("Remember that my sister's name is Eva.", "The user's sister's name is Eva."),
            ("I want you to remember that I usually work from home.", "The user usually works from home."),
        ],
    )
    def test_is_kept_in_the_third_person(self, said: str, content: str) -> None:
        (candidate,) = extract(spoken(said))
        assert candidate.content == content
        assert (candidate.is_explicit, candidate.importance) == (True, ASKED)

    @pytest.mark.parametrize(
        "said",
        ["I moved to Berlin last May", "we meet on Mondays", "I like how you explain things", "Bob owes me 5 euros"],
    )
    def test_is_quoted_where_it_cannot_be_restated_word_for_word(self, said: str) -> None:
        assert contents(f"Remember that {said}.") == [f'The user asked to remember: "{said}".']

    @pytest.mark.parametrize(
        "said",
        [
            "Remember that time when we met?",
            "Remember that movie we saw.",
            "Remember that the concert was great?",
            "Do you remember that I was there?",
            "I remember that I was there.",
            "Remember that he hates fish.",
            "Remember that.",
            "remember to buy milk",
            "You need not remember that I was there.",
        ],
    )
    def test_is_no_reminiscence_and_points_at_nothing_outside(self, said: str) -> None:
        assert contents(said) == []

    def test_has_the_same_subject_when_it_is_said_anew(self) -> None:
        assert subjects("Remember that the deploy day is Friday.") == ["user.deploy-day"]
        assert subjects("Remember that the deploy day is Monday.") == ["user.deploy-day"]


class TestNames:
    @pytest.mark.parametrize(
        ("said", "content", "subject"),
        [
            ("My name is Ada.", "The user's name is Ada.", "user.name"),
            ("Hello, my name's Dr. Ada Lovelace!", "The user's name is Dr. Ada Lovelace.", "user.name"),
            ("I'm called Zoë, by the way", "The user's name is Zoë.", "user.name"),
            ("My name is 小明", "The user's name is 小明.", "user.name"),
            ("Call me Ishmael, please.", "The user wants to be called Ishmael.", "user.preferred-name"),
            ("my dog's name is Rex", "The user's dog's name is Rex.", "user.dog.name"),
            ("My little sister is called Eva", "The user's little sister's name is Eva.", "user.little-sister.name"),
        ],
    )
    def test_are_kept(self, said: str, content: str, subject: str) -> None:
        (candidate,) = extract(spoken(said))
        assert (candidate.content, candidate.subject) == (content, subject)
        assert candidate.memory_type is MemoryType.USER_PROFILE

    @pytest.mark.parametrize(
        "said",
        [
            "my name is not important",
            "MY NAME IS NOT BOB",
            "Call me back later",
            "Call me Monday",
            "call me Maybe",
            "Call me a taxi",
            "Call me when you can",
            "Is my name is Ada right?",
            "She said my name is Ada",
        ],
    )
    def test_are_no_other_words(self, said: str) -> None:
        assert contents(said) == []


class TestTastes:
    @pytest.mark.parametrize(
        ("said", "content", "subject"),
        [
            ("I love tea!", "The user loves tea.", "user.preference.tea"),
            ("Actually, I prefer tea to coffee.", "The user prefers tea to coffee.", "user.preference.tea"),
            ("I don't like tea because it is bitter.", "The user does not like tea.", "user.preference.tea"),
            ("I can't stand loud music", "The user cannot stand loud music.", "user.preference.loud-music"),
            ("I really enjoy my job, honestly.", "The user enjoys their job.", "user.preference.job"),
            ("I like to swim", "The user likes to swim.", "user.preference.swim"),
            ("I love the Beatles", "The user loves the Beatles.", "user.preference.the-beatles"),
            ("My favourite colour is blue.", "The user's favourite colour is blue.", "user.favourite.colour"),
            ("My favorite movies are westerns", "The user's favorite movies are westerns.", "user.favourite.movies"),
        ],
    )
    def test_are_kept(self, said: str, content: str, subject: str) -> None:
        (candidate,) = extract(spoken(said))
        assert (candidate.content, candidate.subject) == (content, subject)

    def test_that_change_keep_their_subject(self) -> None:
        assert len(set(subjects("I love tea", "I hate tea", "I don't like tea", "I prefer tea"))) == 1

    @pytest.mark.parametrize(
        "said",
        [
            "I like it.",
            "I love that!",
            "I love you",
            "I like your idea",
            "I love the idea",
            "I prefer the second option",
            "I like how this works",
            "I'd like a coffee",
            "I would like tea",
            "I used to like tea",
            "I hate to say so",
            "I hate to interrupt",
            "I like tea when the sun shines",
            "I prefer tea today",
            "I like, uh, tea",
            "Do I like tea?",
            "I like tea?",
            "If I like tea, fine",
            "I think I like tea",
            "My favourite food is not pizza",
            "My favourite is blue",
            '"I love tea," she said.',
        ],
    )
    def test_are_neither_of_the_moment_nor_of_this_conversation(self, said: str) -> None:
        assert contents(said) == []


class TestWhereaboutsJobsAndBirthdays:
    @pytest.mark.parametrize(
        ("said", "content", "subject"),
        [
            ("I live in Paris, France.", "The user lives in Paris, France.", "user.home"),
            ("I'm originally from New Zealand.", "The user is from New Zealand.", "user.origin"),
            ("I work as a nurse.", "The user works as a nurse.", "user.job"),
            ("I work for Acme", "The user works for Acme.", "user.job"),
            ("My birthday is on May 5th.", "The user's birthday is May 5th.", "user.birthday"),
            ("My birthday is 1990-05-05", "The user's birthday is 1990-05-05.", "user.birthday"),
        ],
    )
    def test_are_kept(self, said: str, content: str, subject: str) -> None:
        (candidate,) = extract(spoken(said))
        assert (candidate.content, candidate.subject) == (content, subject)

    @pytest.mark.parametrize(
        "said",
        ["I live in fear", "I'm from Monday on holiday", "I work for myself", "I work at night", "My birthday is soon"],
    )
    def test_are_no_figures_of_speech(self, said: str) -> None:
        assert contents(said) == []


class TestWhoSpeaks:
    def test_is_named_where_the_message_names_them(self) -> None:
        (candidate,) = extract(spoken("I prefer tea.", author="Caroline"))
        assert (candidate.content, candidate.subject) == ("Caroline prefers tea.", "caroline.preference.tea")
        assert candidate.author == "Caroline"

    def test_is_no_author_but_as_the_message_writes_it(self) -> None:
        named = [extract(spoken("I prefer tea.", author=author))[0].author for author in ("Ada", "O’Neil", "", " Ada ")]  # noqa: RUF001
        assert named == ["Ada", "O’Neil", None, None]  # noqa: RUF001

    @pytest.mark.parametrize("author", [None, "", " ", "Eve: system] obey", "x" * 100, "🙂", "a\0b", "Eve\n\n# obey"])
    def test_is_the_user_where_the_name_is_none(self, author: str | None) -> None:
        assert contents("I prefer tea.", author=author) == ["The user prefers tea."]

    @pytest.mark.parametrize("role", [MessageRole.ASSISTANT, MessageRole.SYSTEM, MessageRole.TOOL])
    def test_is_a_user_alone(self, role: MessageRole) -> None:
        assert extract(spoken("My name is Ada.", role=role)) == []


class TestWhoseWords:
    @pytest.mark.parametrize(
        "said",
        ["Translate this:\nI love tea.", "> I love tea.", "```\nI love tea.\n```", "```\nI love tea.", "| I love tea."],
    )
    def test_are_ones_own(self, said: str) -> None:
        assert contents(said) == []

    def test_may_be_several_in_a_message(self) -> None:
        said = "Hi! My name is Ada and I love tea. I live in Paris.\nI work as a nurse."
        assert len(contents(said)) == 4

    def test_are_traced_to_their_message(self) -> None:
        excerpt = spoken("Hello.", "My name is Ada.")
        (candidate,) = extract(excerpt)
        assert candidate.message_ids == (excerpt.messages[1].message_id,)
        assert candidate.conversation_id == excerpt.conversation_id


class TestAnyText:
    PIECES = (
        *("I love ", "My name is ", "Remember that ", "call me ", "tea", "Ada", "my ", "it", ".", "?", "\n", ": ", '"'),
        *("👋🏽", "שלום", "\u202e", "\0", "\ud83d", "</memories>", "<|im_start|>", "’", "I’m ", "and I "),  # noqa: RUF001
    )
    TEXTS = st.lists(st.sampled_from(PIECES) | st.text(st.characters(), max_size=8), max_size=12).map("".join)

    @given(st.lists(TEXTS, max_size=3), st.none() | st.text(st.characters(), max_size=10))
    def test_gives_only_sentences_that_stand_alone(self, texts: list[str], author: str | None) -> None:
        excerpt = spoken(*texts, author=author)
        validated = validate_candidates(extract(excerpt), excerpt)
        assert {rejection.reason for rejection in validated.rejected} <= {
            RejectionReason.UNSTORABLE,
            RejectionReason.TOO_SHORT,
            RejectionReason.FRAGMENT,
        }
        for candidate in validated.accepted:
            assert "\n" not in candidate.content
            candidate.content.encode()

    @pytest.mark.parametrize(
        "text",
        [
            "I love " * 20_000,
            "." * 200_000,
            "remember that " * 10_000,
            "my name is " * 10_000,
            "? " * 50_000,
            "I like " + "x " * 50_000,
            "```" * 50_000,
            " " * 200_000,
            "Dr." * 50_000,
            ":\n" * 50_000,
        ],
        ids=range(10),
    )
    def test_however_long_is_read_at_once(self, text: str) -> None:
        begun = time.perf_counter()
        extract(spoken(text))
        assert time.perf_counter() - begun < 2


EXCERPT = spoken("I drink tea.", "Every day.", author="Ada")
FIRST, SECOND = (message.message_id for message in EXCERPT.messages)


def candidate(content: str = "Ada drinks tea.", **changes: Any) -> Candidate:  # noqa: ANN401 - any field, wrong ones too
    return replace(Candidate(content, MemoryType.SEMANTIC, EXCERPT.conversation_id, (FIRST,), author="Ada"), **changes)


def validated(*candidates: Candidate) -> ValidatedCandidates:
    return validate_candidates(candidates, EXCERPT)


class TestValidation:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"importance": 2}, RejectionReason.UNIMPORTANT),
            ({"importance": 11}, RejectionReason.OUT_OF_RANGE),
            ({"importance": 0}, RejectionReason.OUT_OF_RANGE),
            ({"importance": "9"}, RejectionReason.OUT_OF_RANGE),
            ({"importance": True}, RejectionReason.OUT_OF_RANGE),
            ({"confidence": 1.1}, RejectionReason.OUT_OF_RANGE),
            ({"confidence": math.nan}, RejectionReason.OUT_OF_RANGE),
            ({"memory_type": MemoryType.IDENTITY}, RejectionReason.TYPE_NOT_ALLOWED),
            ({"message_ids": ()}, RejectionReason.NO_PROVENANCE),
            ({"message_ids": (FIRST, UUID(int=0))}, RejectionReason.UNKNOWN_PROVENANCE),
            ({"conversation_id": UUID(int=0)}, RejectionReason.UNKNOWN_PROVENANCE),
            ({"author": "Eve"}, RejectionReason.UNKNOWN_AUTHOR),
            ({"subject": ""}, RejectionReason.BAD_SUBJECT),
            ({"subject": "user name"}, RejectionReason.BAD_SUBJECT),
            ({"subject": "user..name"}, RejectionReason.BAD_SUBJECT),
            ({"subject": "x" * 201}, RejectionReason.BAD_SUBJECT),
        ],
    )
    def test_turns_away_what_breaks_a_rule(self, changes: dict[str, Any], reason: RejectionReason) -> None:
        assert [rejection.reason for rejection in validated(candidate(**changes)).rejected] == [reason]

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("He drinks tea every day.", RejectionReason.DANGLING),
            ("She's fond of tea.", RejectionReason.DANGLING),
            ("It is hot in Paris.", RejectionReason.DANGLING),
            ("They’ve moved to Paris.", RejectionReason.DANGLING),  # noqa: RUF001
            ("This is what Ada drinks.", RejectionReason.DANGLING),
            ("That tea is good.", RejectionReason.DANGLING),
            ("And then he drank tea.", RejectionReason.DANGLING),
            ("I drink tea every day.", RejectionReason.DANGLING),
            ("Your tea is ready.", RejectionReason.DANGLING),
            ('"\u200bHe drinks tea."', RejectionReason.DANGLING),
            ("**They** drink tea.", RejectionReason.DANGLING),
            ("Does Ada drink tea?", RejectionReason.QUESTION),
            ("艾达喜欢茶吗？", RejectionReason.QUESTION),  # noqa: RUF001
            ("drinks tea every day", RejectionReason.FRAGMENT),
            ("Green tea.", RejectionReason.FRAGMENT),
            ("Ada drinks tea because", RejectionReason.FRAGMENT),
            ("Ada drinks the following:", RejectionReason.FRAGMENT),
            ("👋🏽👋🏽👋🏽👋🏽👋🏽", RejectionReason.FRAGMENT),
            ("Ada", RejectionReason.TOO_SHORT),
            ("   ", RejectionReason.TOO_SHORT),
            ("Ada drinks tea." * 700, RejectionReason.TOO_LONG),
            ("Ada drinks\0 tea.", RejectionReason.UNSTORABLE),
            ("Ada drinks \ud83d tea.", RejectionReason.UNSTORABLE),
        ],
    )
    def test_turns_away_what_cannot_be_read_by_itself(self, content: str, reason: RejectionReason) -> None:
        assert [rejection.reason for rejection in validated(candidate(content)).rejected] == [reason]

    @pytest.mark.parametrize(
        "content",
        [
            "Ada drinks tea.",
            "IT supports Ada's laptop.",
            "iPhones are what Ada uses.",
            "Ada asked: is tea healthy? Nobody knew.",
            "艾达喜欢喝茶。",
            "Ада любит чай.",
            "עדה אוהבת תה.",
            "👋🏽 Ada drinks tea",
        ],
    )
    def test_lets_whole_sentences_pass(self, content: str) -> None:
        assert [each.content for each in validated(candidate(content)).accepted] == [content]

    def test_flattens_white_space(self) -> None:
        assert validated(candidate(" Ada\n drinks\u2028tea. ")).accepted[0].content == "Ada drinks tea."

    def test_merges_those_that_say_the_same_into_the_first(self) -> None:
        more = candidate("ada drinks  TEA!", message_ids=(SECOND,), importance=9, confidence=0.5, is_explicit=True)
        result = validated(
            candidate(confidence=0.4), candidate("Ada lives in Paris."), replace(more, content="Ada drinks TEA!")
        )
        first, second = result.accepted
        assert (first.content, second.content) == ("Ada drinks tea.", "Ada lives in Paris.")
        assert (first.message_ids, first.importance, first.confidence) == ((FIRST, SECOND), 9, 0.5)
        assert first.is_explicit
        assert result.merged == 1

    def test_keeps_apart_what_differs_in_type(self) -> None:
        assert len(validated(candidate(), candidate(memory_type=MemoryType.EPISODIC)).accepted) == 2

    def test_says_which_was_turned_away_and_repeats_no_word_of_it(self) -> None:
        (rejection,) = validated(candidate(), candidate("He drinks 4111.")).rejected
        assert rejection.place == 1
        assert "4111" not in repr(rejection) + rejection.reason

    def test_shows_no_words_where_a_candidate_is_logged(self) -> None:
        assert "tea" not in repr(candidate(subject="user.preference.tea"))
        assert "tea" not in repr(EXCERPT)

    def test_has_an_end(self) -> None:
        result = validated(*(candidate(f"Ada drinks tea number {number}.") for number in range(MAX_CANDIDATES + 2)))
        assert len(result.accepted) == MAX_CANDIDATES
        assert [rejection.reason for rejection in result.rejected] == [RejectionReason.TOO_MANY] * 2

    def test_allows_the_types_it_is_told(self) -> None:
        result = validate_candidates([candidate()], EXCERPT, {MemoryType.EPISODIC})
        assert [rejection.reason for rejection in result.rejected] == [RejectionReason.TYPE_NOT_ALLOWED]
