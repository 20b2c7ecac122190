"""Plain values to YAML that a person likes to read."""

import yaml
from pydantic import JsonValue

from tahoe_engine.scoring.yaml_source import PLAIN_SCALARS, TAG

_WIDTH = 100
_ESCAPED = "\r\x85\u2028\u2029"  # line ends that a reader may turn into spaces, unless they are written as escapes


def write_yaml(data: JsonValue) -> str:
    """Writes values in the order they have; `yaml_source` reads the same values back."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text


class _Dumper(yaml.SafeDumper):
    """Quotes whatever could be taken for something else, by the rules of YAML 1.1 and of 1.2."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's signature
        """Indents the items of a list, as people do."""
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        """Writes everything out."""
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    several_lines = "|" if "\n" in text else None
    style = '"' if any(mark in text for mark in _ESCAPED) else several_lines
    return dumper.represent_scalar(TAG + "str", text, style=style)


def _represent_number(dumper: yaml.SafeDumper, number: float) -> yaml.ScalarNode:
    return dumper.represent_int(int(number)) if number.is_integer() else dumper.represent_float(number)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(float, _represent_number)
for _tag, _expression in PLAIN_SCALARS.items():
    _Dumper.add_implicit_resolver(_tag, _expression, None)
