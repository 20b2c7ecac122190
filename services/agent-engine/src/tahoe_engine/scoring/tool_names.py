"""Tool names as a scorecard writes them: `*` stands for any characters."""


def fits(wanted: str, name: str) -> bool:
    """Whether a name fits a wanted one, upper and lower case being the same.

    Not a regular expression: several stars in one of those can take for ever on a long text, this cannot.
    """
    first, *rest = wanted.casefold().split("*")
    name = name.casefold()
    if not rest:
        return name == first
    if not name.startswith(first):
        return False
    place = len(first)
    for part in rest[:-1]:
        found = name.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return len(name) - place >= len(rest[-1]) and name.endswith(rest[-1])
