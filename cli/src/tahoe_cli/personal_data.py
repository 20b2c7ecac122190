def mask_personal_data(text: str) -> str:
    """Masks every kind of personal data that the check `personal_data` looks for by default."""
    # Only reports mask, and phone numbers bring a large table of the world's numbering plans.
    from tahoe_engine.models.check_specs import PersonalDataCheck  # noqa: PLC0415
    from tahoe_engine.scoring.personal_spans import find_personal_data, mask  # noqa: PLC0415

    usual = PersonalDataCheck(type="personal_data")
    return mask(text, find_personal_data(text, usual.kinds, usual.regions))
