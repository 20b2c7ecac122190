from pathlib import Path

import pytest

from tahoe_core.db.address import DatabaseAddress, quote_identifier, quote_literal
from tahoe_core.errors import InvalidInputError


class TestParsing:
    def test_takes_a_url_apart(self) -> None:
        address = DatabaseAddress.parse("postgresql://ann:pw@db.example:6543/tahoe?schema=auth_service")
        assert (address.host, address.port, address.user, address.password) == ("db.example", 6543, "ann", "pw")
        assert (address.database, address.schema) == ("tahoe", "auth_service")

    @pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
    def test_takes_any_usual_scheme(self, scheme: str) -> None:
        assert DatabaseAddress.parse(f"{scheme}://a:b@h/d").host == "h"

    def test_decodes_what_is_percent_encoded(self) -> None:
        address = DatabaseAddress.parse("postgresql://u%40x:p%2F%3A%23%20w@h/d%2Fe?schema=a%22b")
        assert (address.user, address.password, address.database) == ("u@x", "p/:# w", "d/e")
        assert address.schema == 'a"b'

    def test_port_and_schema_have_defaults(self) -> None:
        address = DatabaseAddress.parse("postgresql://a@h/d", default_schema="agent_engine")
        assert (address.port, address.schema, address.password) == (5432, "agent_engine", None)

    def test_the_url_s_schema_wins_over_the_default(self) -> None:
        assert DatabaseAddress.parse("postgresql://a@h/d?schema=x", default_schema="y").schema == "x"

    def test_a_socket_directory_is_a_host(self) -> None:
        assert DatabaseAddress.parse("postgresql://a@/d?host=/run/postgresql").host == "/run/postgresql"

    def test_knows_ipv6(self) -> None:
        address = DatabaseAddress.parse("postgresql://a@[::1]:5433/d")
        assert address.host == "::1"
        assert address.place == "[::1]:5433"

    def test_keeps_the_driver_s_parameters(self) -> None:
        address = DatabaseAddress.parse(
            "postgresql://a@h/d?sslmode=require&application_name=worker&connect_timeout=3&schema=s"
        )
        assert (address.ssl_mode, address.application_name, address.connect_timeout) == ("require", "worker", 3.0)

    def test_the_search_path_is_quoted_and_ends_with_public(self) -> None:
        address = DatabaseAddress.parse("postgresql://a@h/d?schema=My%20%22odd%22%20one")
        assert address.search_path == '"My ""odd"" one", public'


class TestRefusal:
    @pytest.mark.parametrize(
        "url",
        [
            "mysql://u:s3cret@h/d",
            "postgresql://u:s3cret@h:port/d",
            "postgresql://u:s3cret@h:99999/d",
            "postgresql://u:s3cret@h",
            "postgresql://h/d",
            "postgresql://u:s3cret#1@h/d",
            "postgresql://u:[s3cret@h/d",
            "postgresql://u:s3cret@h/d?pgbouncer=true",
            "postgresql://u:s3cret@h/d?sslmode=maybe",
            "postgresql://u:s3cret@h/d?connect_timeout=soon",
            "postgresql://u:s3cret@h/d?schema=pg_catalog",
            "postgresql://u:s3cret@h/d?schema=" + "x" * 64,
            "s3cret",
            "",
        ],
    )
    def test_says_what_is_wrong_and_never_the_url(self, url: str) -> None:
        with pytest.raises(InvalidInputError) as raised:
            DatabaseAddress.parse(url)
        assert "s3cret" not in f"{raised.value} {raised.value!r} {raised.value.__cause__!r}"
        assert "postgresql://USER:PASSWORD@HOST" in raised.value.cure

    def test_names_an_unknown_parameter(self) -> None:
        with pytest.raises(InvalidInputError, match="'pgbouncer'"):
            DatabaseAddress.parse("postgresql://u@h/d?pgbouncer=true")

    def test_an_unreadable_file_of_authorities_is_named(self, tmp_path: Path) -> None:
        url = f"postgresql://u@h/d?sslmode=verify-full&sslrootcert={tmp_path / 'none.pem'}"
        with pytest.raises(InvalidInputError, match=r"none\.pem"):
            DatabaseAddress.parse(url).make_ssl()

    def test_the_password_is_not_in_its_repr(self) -> None:
        assert "s3cret" not in repr(DatabaseAddress.parse("postgresql://u:s3cret@h/d"))


class TestQuoting:
    def test_an_identifier_keeps_its_quotes(self) -> None:
        assert quote_identifier('a"b') == '"a""b"'

    def test_a_literal_keeps_quotes_and_backslashes(self) -> None:
        assert quote_literal("it's") == "'it''s'"
        assert quote_literal("a\\b") == " E'a\\\\b'"
