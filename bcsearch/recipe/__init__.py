"""The recipe: one table of searchable parameters, and configurations made of it."""

from bcsearch.recipe.params import Params
from bcsearch.recipe.part import Names, Part, Range, Value, Where
from bcsearch.recipe.parts import BY_NAME, PARTS, check_value
from bcsearch.recipe.synonyms import meant_by, unknown

__all__ = [
    "BY_NAME",
    "PARTS",
    "Names",
    "Params",
    "Part",
    "Range",
    "Value",
    "Where",
    "check_value",
    "meant_by",
    "unknown",
]
