"""E-mail addresses of people; a company's common mailboxes are not personal."""

import re
from collections.abc import Iterator

# Starts only where an address may start, so that a megabyte without an @ is passed over once.
_ADDRESS = re.compile(
    r"(?<![\w.+'%-])[\w.+'%-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}(?P<end>[^\W\d_]{2,24})(?![\w-])",
)
_FILE_ENDINGS = frozenset(
    ("png", "jpg", "jpeg", "gif", "svg", "webp", "pdf", "css", "js", "html", "json")
)  # logo@2x.png
_COMMON_MAILBOX = re.compile(  # RFC 2142 and what companies use beside it
    r"info|marketing|sales|support|abuse|noc|security|postmaster|hostmaster|usenet|news|webmaster|www|help|helpdesk|"
    r"contact|contactus|services?|customer(?:service|services|support|care)|care|billing|accounts|orders|returns|"
    r"refunds|claims|hello|team|office|admin|noreply|donotreply|feedback|press|jobs|careers|privacy|legal|compliance|"
    r"disputes|git"
)


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Yields the addresses in a text."""
    for match in _ADDRESS.finditer(text):
        start, end = match.span()
        while text[start] in ".'":  # an opening quotation mark
            start += 1
        local = re.sub(r"[._-]|\+.*", "", text[start : text.index("@", start)].lower())
        if local and not _COMMON_MAILBOX.fullmatch(local) and match["end"].lower() not in _FILE_ENDINGS:
            yield start, end
