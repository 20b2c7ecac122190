def mask_personal_data(text: str) -> str:
    """Masks every kind of personal data that checks know, character by character."""
    from tahoe_engine.scoring.personal_spans import find_personal_data, mask  # noqa: PLC0415 - phone metadata is heavy

    return mask(text, find_personal_data(text))
