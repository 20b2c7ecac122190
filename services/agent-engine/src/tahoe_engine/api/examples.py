"""What the documentation page offers to try."""

from fastapi.openapi.models import Example

_INTERACTION = {
    "external_id": "chat-20261103-17",
    "type": "chat",
    "language": "en",
    "occurred_at": "2026-11-03T10:02:00-05:00",
    "participants": [{"name": "Dana", "role": "agent"}, {"name": "Tom", "role": "customer"}],
    "turns": [
        {"speaker": "Dana", "text": "Good morning, this is Dana. How can I help you today?"},
        {"speaker": "Tom", "text": "My parcel has not arrived, and nobody calls me back."},
        {"speaker": "Dana", "text": "I am sorry about that. May I have the order number, please?"},
        {"speaker": "Tom", "text": "It is 55102."},
        {
            "speaker": "Dana",
            "text": "Thank you. It comes tomorrow. Is there anything else I can do for you?",
        },
    ],
    "metadata": {"queue": "parcels"},
}

INTERACTION_EXAMPLES: dict[str, Example] = {
    "chat": {"summary": "A chat", "value": _INTERACTION},
    "trajectory": {
        "summary": "An agent that calls tools",
        "value": {
            "type": "trajectory",
            "turns": [
                {"role": "customer", "text": "Please cancel my order 55102."},
                {"role": "agent", "tool_calls": [{"id": "1", "name": "get_order", "arguments": {"order": "55102"}}]},
                {"role": "tool", "tool_call_id": "1", "text": '{"order": "55102", "status": "open"}'},
                {"role": "agent", "text": "I found order 55102. Shall I cancel it?"},
            ],
        },
    },
}

ANALYSIS_EXAMPLES: dict[str, Example] = {
    "new": {
        "summary": "An interaction that is sent along",
        "value": {"scorecard": "support-quality", "interaction": _INTERACTION},
    },
    "stored": {
        "summary": "An interaction that is kept already",
        "value": {"scorecard": "support-quality", "interaction": "01985c9a-6c1e-7c3b-9a53-0b1f0a6f2b11"},
    },
}

SCORECARD_EXAMPLES: dict[str, Example] = {
    "courtesy": {
        "summary": "Two requirements",
        "value": {
            "name": "courtesy",
            "description": "Does the agent open and close a conversation well?",
            "categories": {"opening": {"title": "Opening"}, "closing": {"title": "Closing", "weight": 2}},
            "requirements": [
                {
                    "id": "greets",
                    "title": "Greets the customer",
                    "category": "opening",
                    "checks": [
                        {
                            "type": "pattern",
                            "patterns": [r"\b(hello|good (morning|afternoon|evening))\b"],
                            "speaker": "agent",
                            "window": {"first": 2},
                        }
                    ],
                },
                {
                    "id": "offers-more-help",
                    "title": "Asks whether there is anything else",
                    "category": "closing",
                    "severity": "low",
                    "checks": [{"type": "phrase", "examples": ["Is there anything else?"], "speaker": "agent"}],
                    "recommendation": "Ask before saying goodbye.",
                },
            ],
        },
    }
}

AGENT_EXAMPLES: dict[str, Example] = {
    "concierge": {
        "summary": "An agent that remembers its guests",
        "value": {
            "name": "Concierge",
            "role": "Looks after the guests of a small hotel",
            "status": "active",
            "personality": {"tone": "warm and brief", "traits": ["attentive"]},
            "memory": {"context_tokens": 1500},
        },
    }
}

NEW_AGENT_EXAMPLES: dict[str, Example] = {
    **AGENT_EXAMPLES,
    "template": {
        "summary": "An agent of a template, with a name and a tone of its own",
        "value": {
            "template": "hotel-desk",
            "template_version": 1,
            "name": "Night desk",
            "status": "active",
            "personality": {"tone": "calm and brief"},
        },
    },
}

_MEMORY = {
    "content": "Ann would rather have a room to the garden.",
    "subject": "ann.room",
    "author": "Ann",
    "occurred_at": "2026-11-03T10:02:00-05:00",
    "importance": 7,
    "tags": ["hotel"],
}

MEMORY_EXAMPLES: dict[str, Example] = {
    "fact": {"summary": "A fact with a subject, which a later one corrects", "value": _MEMORY},
    "episode": {
        "summary": "Something that happened",
        "value": {"content": "Ann left her umbrella in the lobby.", "memory_type": "episodic"},
    },
}

MEMORY_BATCH_EXAMPLES: dict[str, Example] = {
    "two": {"summary": "Two at once", "value": {"memories": [_MEMORY, {"content": "Breakfast ends at ten."}]}}
}

MEMORY_SEARCH_EXAMPLES: dict[str, Example] = {
    "now": {"summary": "What is known", "value": {"query": "Which room does Ann like?", "limit": 5}},
    "then": {
        "summary": "What was known at a moment",
        "value": {"query": "Which room does Ann like?", "as_of": "2026-11-03T12:00:00Z"},
    },
}
