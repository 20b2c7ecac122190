from tahoe_engine.catalog.not_found import not_found, suggest


def test_near_names_come_first() -> None:
    assert suggest("suport", ["debt", "support", "support-2"]) == "Did you mean support or support-2?"


def test_a_long_list_is_cut() -> None:
    said = suggest("zzz", [f"name-{number:03}" for number in range(25)])
    assert "name-000, " in said
    assert "and 5 more." in said
    assert "name-020" not in said


def test_an_empty_catalog_says_so() -> None:
    assert str(not_found("tool", "x", [])) == "There is no tool 'x'. There is none at all yet."
