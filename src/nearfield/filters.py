"""placeholder"""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class IsNull:
    """x"""

    field: str


Filter: TypeAlias = IsNull
