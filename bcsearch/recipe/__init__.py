"""The recipe: one table of searchable parameters, and configurations made of it."""

from bcsearch.recipe.params import Params
from bcsearch.recipe.parts import PARTS, Names, Part, Range, Value, Where, check_value

__all__ = ["PARTS", "Names", "Params", "Part", "Range", "Value", "Where", "check_value"]
