import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tahoe_engine.models.agent_models import (
    AgentDNA,
    AgentStatus,
    Autonomy,
    Boundaries,
    ContextShares,
    MemoryConfig,
    ModelChoice,
    ModelConfig,
    Personality,
    RetrievalWeights,
    VoiceExample,
    to_slug,
)
from tahoe_engine.models.memory_models import MemoryType

SKILLS = st.lists(st.sampled_from(["world-clock", "code-review", "pdf", "web-research", "x1"]), max_size=8).map(tuple)
ONE_LINE = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), min_size=1, max_size=40).filter(
    lambda text: text.strip() != ""
)
LONG_TEXT = st.text(st.characters(codec="utf-8"), max_size=200)
ASCII_NAME = st.from_regex(r"[A-Za-z][A-Za-z0-9 .'-]{0,30}", fullmatch=True)
MODEL_NAME = st.sampled_from([None, "gpt-4o-mini", "qwen3:8b", "anthropic/claude-sonnet-4"])
CHOICES = st.builds(ModelChoice, provider=st.sampled_from([None, "openai", "ollama"]), model=MODEL_NAME)
WEIGHT = st.floats(min_value=0, max_value=1000)


@st.composite
def weights(draw: st.DrawFn) -> RetrievalWeights:
    values = draw(st.lists(WEIGHT, min_size=5, max_size=5).filter(any))
    return RetrievalWeights.model_validate(dict(zip(RetrievalWeights.model_fields, values, strict=True)))


MODELS = st.builds(
    ModelConfig,
    provider=st.sampled_from([None, "openai"]),
    model=MODEL_NAME,
    temperature=st.none() | st.floats(min_value=0, max_value=2),
    max_output_tokens=st.integers(1, 1_000_000),
    fallbacks=st.lists(CHOICES, max_size=4).map(tuple),
)
MEMORIES = st.builds(
    MemoryConfig,
    reads=st.lists(st.sampled_from(MemoryType)).map(tuple),
    writes=st.lists(st.sampled_from(MemoryType)).map(tuple),
    context_tokens=st.integers(0, 200_000),
    shares=st.builds(ContextShares, identity=st.floats(0, 0.3), pinned=st.floats(0, 0.3)),
    extracts=st.booleans(),
    retention_days=st.none() | st.integers(1, 36_500),
)
BOUNDARIES = st.builds(
    Boundaries,
    autonomy=st.sampled_from(Autonomy),
    allowed_domains=st.lists(st.sampled_from(["example.com", "*.example.org", "localhost"])).map(tuple),
    max_spend_usd=st.none() | st.decimals(0, 1_000_000, places=6),
)
AGENTS = st.builds(
    AgentDNA,
    name=ASCII_NAME,
    role=ONE_LINE,
    description=LONG_TEXT,
    status=st.sampled_from(AgentStatus),
    personality=st.builds(Personality, traits=st.lists(ONE_LINE, max_size=3).map(tuple), instructions=LONG_TEXT),
    voice_examples=st.lists(st.builds(VoiceExample, heard=ONE_LINE, said=ONE_LINE), max_size=2).map(tuple),
    shared_skills=SKILLS,
    custom_skills=SKILLS,
    disabled_skills=SKILLS,
    model=MODELS,
    memory=MEMORIES,
    boundaries=BOUNDARIES,
    retrieval_weights=weights(),
)


class TestAnAgentWithANameAlone:
    def test_is_a_draft_that_asks_before_it_acts_and_reaches_no_host(self) -> None:
        ada = AgentDNA(name="Ada")
        assert (ada.slug, ada.status, ada.effective_skills) == ("ada", AgentStatus.DRAFT, ())
        assert (ada.boundaries.autonomy, ada.boundaries.allowed_domains) == (Autonomy.ASK, ())

    def test_reads_every_type_of_memory_and_writes_all_but_its_identity(self) -> None:
        memory = AgentDNA(name="Ada").memory
        assert set(memory.reads) == set(MemoryType)
        assert set(memory.writes) == set(MemoryType) - {MemoryType.IDENTITY}

    def test_cannot_be_changed_and_takes_no_key_it_does_not_know(self) -> None:
        with pytest.raises(ValidationError, match="frozen"):
            AgentDNA(name="Ada").name = "Eva"  # type: ignore[misc]
        with pytest.raises(ValidationError, match="extra"):
            AgentDNA.model_validate({"name": "Ada", "nickname": "A"})


class TestStatusNames:
    def test_are_those_of_the_database_type(self) -> None:
        assert [status.value for status in AgentStatus] == ["draft", "active", "paused", "archived"]


class TestJson:
    @given(AGENTS)
    def test_takes_every_agent_there_and_back(self, agent: AgentDNA) -> None:
        again = AgentDNA.model_validate_json(agent.model_dump_json())
        assert again == agent
        assert again.model_dump_json() == agent.model_dump_json()

    def test_keeps_money_as_exact_decimals(self) -> None:
        boundaries = Boundaries(max_spend_usd=Decimal("0.100000"))
        assert '"max_spend_usd":"0.100000"' in boundaries.model_dump_json()


class TestName:
    @pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\0b", "a\u2028b", "\x1b[2J", "x" * 101])
    def test_is_one_line_of_a_hundred_characters_at_most(self, name: str) -> None:
        with pytest.raises(ValidationError, match="name"):
            AgentDNA(name=name, slug="ada")

    def test_loses_the_space_around_it(self) -> None:
        assert AgentDNA(name="  Ada  ").name == "Ada"


class TestSlug:
    @pytest.mark.parametrize(
        ("name", "slug"),
        [("Ada", "ada"), ("Ada  Lovelace!", "ada-lovelace"), ("Zoë Müller", "zoe-muller"), ("--7 of 9--", "7-of-9")],
    )
    def test_is_made_of_the_name(self, name: str, slug: str) -> None:
        assert AgentDNA(name=name).slug == slug

    def test_that_is_given_stays(self) -> None:
        assert AgentDNA(name="小明", slug="xiao-ming").slug == "xiao-ming"

    def test_is_asked_for_where_the_name_has_no_latin_letter(self) -> None:
        with pytest.raises(ValidationError, match="give one as `slug`"):
            AgentDNA(name="小明")

    @pytest.mark.parametrize("slug", ["Ada", "a b", "-ada", "a/b", "ada\n", "x" * 101])
    def test_that_a_url_cannot_hold_is_refused(self, slug: str) -> None:
        with pytest.raises(ValidationError, match="slug"):
            AgentDNA(name="Ada", slug=slug)

    @given(st.text(st.characters(codec="utf-8"), max_size=300))
    def test_of_any_name_is_a_slug_or_refused(self, name: str) -> None:
        try:
            slug = to_slug(name)
        except ValueError:
            return
        assert AgentDNA(name="Ada", slug=slug).slug == slug


class TestEffectiveSkills:
    @given(SKILLS, SKILLS, SKILLS)
    def test_are_shared_and_custom_without_disabled(
        self, shared: tuple[str, ...], custom: tuple[str, ...], disabled: tuple[str, ...]
    ) -> None:
        agent = AgentDNA(name="Ada", shared_skills=shared, custom_skills=custom, disabled_skills=disabled)
        skills = agent.effective_skills
        assert set(skills) == (set(shared) | set(custom)) - set(disabled)
        assert len(skills) == len(set(skills))
        given_order = [*shared, *custom]
        assert list(skills) == sorted(skills, key=given_order.index)

    @pytest.mark.parametrize("skill", ["", "Code", "a--b", "-a", "a-", "a/b", "../a", "a" * 65])
    def test_are_named_as_the_specification_of_agent_skills_says(self, skill: str) -> None:
        with pytest.raises(ValidationError, match="shared_skills"):
            AgentDNA(name="Ada", shared_skills=(skill,))


class TestModelConfig:
    def test_lists_what_is_tried_in_order_each_once(self) -> None:
        spare = ModelChoice(provider="ollama", model="qwen3:8b")
        model = ModelConfig(provider="openai", model="gpt-4o", temperature=0.2, fallbacks=(spare, spare))
        assert model.choices == (ModelChoice(provider="openai", model="gpt-4o"), spare)

    @pytest.mark.parametrize(
        "wrong",
        [{"temperature": 2.1}, {"temperature": math.nan}, {"max_output_tokens": 0}, {"model": ""}, {"provider": "a b"}],
    )
    def test_has_bounds(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            ModelConfig.model_validate(wrong)


class TestMemoryConfig:
    def test_names_each_type_once(self) -> None:
        assert MemoryConfig(reads=(MemoryType.SHARED, MemoryType.SHARED)).reads == (MemoryType.SHARED,)

    def test_shares_out_no_more_than_there_is(self) -> None:
        assert ContextShares(identity=0.6, pinned=0.3, user_profile=0.1).identity == 0.6
        with pytest.raises(ValidationError, match="more than 1"):
            ContextShares(identity=0.6, pinned=0.3, user_profile=0.11)

    @pytest.mark.parametrize("wrong", [{"context_tokens": -1}, {"retention_days": 0}, {"reads": ["gossip"]}])
    def test_has_bounds(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            MemoryConfig.model_validate(wrong)


class TestBoundaries:
    @pytest.mark.parametrize(
        "domain",
        [
            "https://example.com",
            "example.com/x",
            "example.com:80",
            "a b.com",
            "*",
            "*.*.com",
            "127.0.0.1",
            "[::1]",
            "",
            "exämple.com",
            "-a.com",
            "a..com",
            "user@example.com",
            "example.com\n",
            "a." * 127 + "com",
        ],
    )
    def test_take_hosts_alone_for_domains(self, domain: str) -> None:
        with pytest.raises(ValidationError, match="allowed_domains"):
            Boundaries(allowed_domains=(domain,))

    def test_keep_each_domain_once_in_lower_case(self) -> None:
        boundaries = Boundaries(allowed_domains=("Example.com", "example.com", "*.example.com", "xn--exmple-cua.com"))
        assert boundaries.allowed_domains == ("example.com", "*.example.com", "xn--exmple-cua.com")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"max_turns": 0},
            {"max_tool_calls": -1},
            {"max_tokens": 0},
            {"max_seconds": 0},
            {"max_seconds": 86_401},
            {"max_spend_usd": "-0.01"},
            {"max_spend_usd": "NaN"},
            {"max_spend_usd": "0.0000001"},
            {"autonomy": "full"},
        ],
    )
    def test_are_bounded_themselves(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            Boundaries.model_validate(wrong)


class TestRetrievalWeights:
    @given(weights())
    def test_keep_their_proportions_when_normalized(self, given_weights: RetrievalWeights) -> None:
        given_values = given_weights.model_dump()
        values = given_weights.normalized.model_dump()
        assert sum(values.values()) == pytest.approx(1)
        largest = max(given_values, key=lambda name: given_values[name])
        for name, value in given_values.items():
            assert values[name] / values[largest] == pytest.approx(value / given_values[largest])

    @pytest.mark.parametrize("weight", [-0.1, math.nan, math.inf, 1001])
    def test_are_numbers_from_0_to_1000(self, weight: float) -> None:
        with pytest.raises(ValidationError, match="recency"):
            RetrievalWeights(recency=weight)

    def test_cannot_all_be_0(self) -> None:
        with pytest.raises(ValidationError, match="all weights are 0"):
            RetrievalWeights.model_validate(dict.fromkeys(RetrievalWeights.model_fields, 0))


class TestVoiceExample:
    def test_has_both_sides(self) -> None:
        with pytest.raises(ValidationError, match="said"):
            VoiceExample(heard="Hello", said="")


class TestPersonality:
    @pytest.mark.parametrize("language", ["de", "pt-BR", "zh-Hant-TW"])
    def test_takes_a_language_by_its_tag(self, language: str) -> None:
        assert Personality(language=language).language == language

    @pytest.mark.parametrize("wrong", [{"language": "in English, please"}, {"tone": ""}, {"traits": ["a\nb"]}])
    def test_has_bounds(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            Personality.model_validate(wrong)
