"""YAML from outside: plain values, the line of each, and nothing that could hurt.

The values are read as YAML 1.2 has them, since the older rules that PyYAML follows by default play tricks on authors
of scorecards: `latest: 21:00` would be the number 1260, `regions: [NO]` a falsehood and a date no text.
"""

import math
from dataclasses import dataclass

import regex
import yaml
from pydantic import JsonValue
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tahoe_engine.scoring.problems import Location, Problem, ScorecardError

MAX_CHARACTERS = 1_000_000
MAX_VALUES = 50_000
"""Values after aliases have been followed: nine lines of aliases can otherwise stand for thousands of millions."""
MAX_DEPTH = 50

_SCALARS: dict[str, str] = {
    "null": r"^(?:~|null|Null|NULL|)$",
    "bool": r"^(?:true|True|TRUE|false|False|FALSE)$",
    "int": r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$",
    "float": r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
}
_TAG = "tag:yaml.org,2002:"
