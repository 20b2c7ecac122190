"""Whose turn it is, whatever the source calls them."""

import re
from functools import lru_cache

from tahoe_engine.models.interaction import Role


def _names(role: Role, names: str) -> dict[str, Role]:
    return dict.fromkeys(names.split(), role)


# The whole name, in lower case and without blanks and underscores.
_WHOLE_NAMES: dict[str, Role] = {
    **_names(
        Role.AGENT,
        "agent assistant bot chatbot ai gpt chatgpt model llm rep representative advisor adviser support operator csr "
        "associate specialist consultant collector employee staff service helpdesk servicedesk seller salesperson "
        "virtualassistant functioncall toolcall aimessage aimessagechunk",
    ),
    **_names(
        Role.CUSTOMER,
        "customer user human client caller debtor consumer visitor guest member patient buyer shopper borrower "
        "subscriber passenger enduser humanmessage",
    ),
    **_names(Role.SYSTEM, "system developer systemmessage"),
    **_names(
        Role.TOOL,
        "tool function observation api environment env ipython toolresponse toolresult tooloutput functionresponse "
        "functionresult functioncalloutput toolmessage",
    ),
    **_names(Role.ACTION, "action agentaction"),
}
# Words that say it inside a longer name ("Agent 2", "Dana (Agent)"); shorter than the list above, since "Ai Tanaka"
# and "Guest Services" are names too.
_WORDS: dict[str, Role] = {
    **_names(
        Role.AGENT, "agent assistant bot chatbot rep representative advisor adviser support operator csr collector"
    ),
    **_names(Role.CUSTOMER, "customer user client caller debtor consumer visitor borrower"),
}
_SERVICE = re.compile(
    r"\b(?:customer|client|user|guest|member|patient|visitor|consumer)s?[\s_-]+"
    r"(?:service|support|care|success|relations|help|desk|agent|rep|representative|advisor|adviser|assistant)"
)
_WORD = re.compile(r"[^\W\d_]+")
_BLANKS = re.compile(r"[\s_-]+")


@lru_cache(maxsize=4096)
def find_role(name: str) -> Role | None:
    """Returns the role that a speaker's name tells, or None when it is somebody's own name."""
    folded = name.strip().casefold()
    whole = _WHOLE_NAMES.get(_BLANKS.sub("", folded))
    if whole is not None:
        return whole
    if _SERVICE.search(folded):
        return Role.AGENT
    told = {_WORDS[word] for word in _WORD.findall(folded) if word in _WORDS}
    return told.pop() if len(told) == 1 else None


def other_side(role: Role) -> Role | None:
    """Returns who talks to an agent or to a customer; None for the rest."""
    return {Role.AGENT: Role.CUSTOMER, Role.CUSTOMER: Role.AGENT}.get(role)
