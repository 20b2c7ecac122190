"""An answer of `/chat/completions`, put together from its deltas or read in one piece."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson

from tahoe_core.prices import TokenUsage
from tahoe_engine.models.conversation_models import MAX_CONTENT_CHARACTERS, MAX_TOOL_CALLS
from tahoe_engine.runtime.model_errors import BrokenAnswerError, RefusalError

_IS_IT_COMPATIBLE = "Check that its base_url names an OpenAI-compatible endpoint; it usually ends in /v1."
_THOUGHTS = ("reasoning_content", "reasoning")  # DeepSeek and vLLM; OpenRouter and Ollama
_MAX_ID = 200


@dataclass(slots=True)
class AskedCall:
    """A call of a tool, as the model wrote it.

    Attributes:
        arguments_text: To the letter.
    """

    id: str = ""
    name: str = ""
    arguments_text: str = ""

    @property
    def arguments(self) -> dict[str, Any] | None:
        """The arguments; None when what was written is no JSON object. Nothing at all is an empty one."""
        if not self.arguments_text.strip():
            return {}
        try:
            read = orjson.loads(self.arguments_text)
        except orjson.JSONDecodeError:
            return None
        return read if isinstance(read, dict) else None


@dataclass(frozen=True, slots=True)
class Delta:
    """What an answer grew by."""

    text: str = ""
    thoughts: str = ""


@dataclass(slots=True)
class ChatAnswer:
    """An answer, as far as it has come.

    Attributes:
        finish_reason: As OpenAI calls it; empty while it goes on.
        usage: None: the server counts nothing.
        model: What the server says that it is, which may be more exact than what was asked for.
    """

    place: str
    text_parts: list[str] = field(default_factory=list)
    thought_parts: list[str] = field(default_factory=list)
    calls: list[AskedCall] = field(default_factory=list)
    finish_reason: str = ""
    usage: TokenUsage | None = None
    model: str = ""
    _is_refused: bool = False
    _characters: int = 0
    _by_index: dict[int, AskedCall] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(self.text_parts)

    @property
    def thoughts(self) -> str:
        """What it thought before, where the server shows that."""
        return "".join(self.thought_parts)

    def add(self, document: object) -> Delta | None:
        """Takes a chunk, or a whole answer; returns what can be shown of it.

        Raises:
            BrokenAnswerError: It is none, or the answer grows beyond all measure.
        """
        if not isinstance(document, dict):
            raise self.fault("answers with something that is no JSON object", _IS_IT_COMPATIBLE)
        self.model = document.get("model") or self.model
        if usage := document.get("usage"):
            self.usage = _read_usage(usage) or self.usage
        choices = document.get("choices")
        if not choices:  # the last chunk has none, only the usage
            return None
        choice = choices[0] if isinstance(choices, list) else None
        if not isinstance(choice, dict):
            raise self.fault("answers without a list of choices", _IS_IT_COMPATIBLE)
        self.finish_reason = choice.get("finish_reason") or self.finish_reason
        grown = choice.get("delta") or choice.get("message") or {}
        if not isinstance(grown, dict):
            raise self.fault("answers without a message", _IS_IT_COMPATIBLE)
        return self._grow(grown)

    def finish(self) -> None:
        """Looks at the whole.

        Raises:
            RefusalError: The model, or a filter before it, declines to answer.
            BrokenAnswerError: It asks for a call without naming a tool.
        """
        if self._is_refused or self.finish_reason == "content_filter":
            raise RefusalError(f"{self.place} declines to answer.", cure="Ask in other words, or another model.")
        for number, call in enumerate(self.calls):
            if not call.name:
                raise self.fault("asks for a call without naming a tool", "Try again, or use another model.")
            # Some servers give calls no id, and some give all the same.
            if not call.id or len(call.id) > _MAX_ID or any(call.id == one.id for one in self.calls[:number]):
                call.id = f"call_{uuid4().hex[:24]}"

    def fault(self, what: str, cure: str) -> BrokenAnswerError:
        """Makes the error that says what is wrong with it."""
        return BrokenAnswerError(f"{self.place} {what}.", cure=cure)

    def _grow(self, grown: Mapping[str, Any]) -> Delta | None:
        text = _text_of(grown.get("content"))
        thoughts = next((found for name in _THOUGHTS if (found := _text_of(grown.get(name)))), "")
        if grown.get("refusal"):
            self._is_refused = True
        if text:
            self.text_parts.append(text)
        if thoughts:
            self.thought_parts.append(thoughts)
        self._characters += len(text) + len(thoughts)
        for given in grown.get("tool_calls") or ():
            self._grow_call(given)
        if self._characters > MAX_CONTENT_CHARACTERS:
            raise self.fault(
                f"answers with more than {MAX_CONTENT_CHARACTERS} characters", "Lower the agent's max_output_tokens."
            )
        return Delta(text, thoughts) if text or thoughts else None

    def _grow_call(self, given: object) -> None:
        if not isinstance(given, dict) or not isinstance(given.get("function"), dict):
            raise self.fault("asks for a tool in a way that is not OpenAI's", _IS_IT_COMPATIBLE)
        function = given["function"]
        call = self._find_call(given, function)
        call.id = call.id or str(given.get("id") or "")
        call.name = call.name or str(function.get("name") or "")
        arguments = function.get("arguments")
        if isinstance(arguments, dict):  # some servers send the object itself
            arguments = orjson.dumps(arguments).decode()
        if isinstance(arguments, str):
            call.arguments_text += arguments
            self._characters += len(arguments)

    def _find_call(self, given: Mapping[str, Any], function: Mapping[str, Any]) -> AskedCall:
        """Finds the call that a delta belongs to.

        Deltas of a call share its index. Some servers number nothing, or all with 0, but send each call whole.
        """
        index = given.get("index")
        known = self._by_index.get(index) if isinstance(index, int) else (self.calls[-1] if self.calls else None)
        begins = bool(function.get("name")) and (not isinstance(index, int) or given.get("id") not in {None, ""})
        if known is not None and not (begins and known.name and given.get("id") != known.id):
            return known
        if len(self.calls) == MAX_TOOL_CALLS:
            raise self.fault(f"asks for more than {MAX_TOOL_CALLS} tools at once", "Use another model.")
        call = AskedCall()
        self.calls.append(call)
        if isinstance(index, int):
            self._by_index[index] = call
        return call


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):  # Mistral's thinking models answer in parts
        return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    return ""


def _read_usage(usage: object) -> TokenUsage | None:
    if not isinstance(usage, dict):
        return None
    given, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not isinstance(given, int) or given < 0:
        return None
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    # An empty answer may come without `completion_tokens`.
    written = written if isinstance(written, int) and written >= 0 else 0
    return TokenUsage(given, min(given, max(0, cached)) if isinstance(cached, int) else 0, written)
