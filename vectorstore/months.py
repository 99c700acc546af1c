"""The names of the months in English, whatever the machine's locale: standard library only."""

from __future__ import annotations

NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
# Each name and its short forms -> 1 to 12.
NUMBERS = {name: number for number, name in enumerate(NAMES, 1)}
NUMBERS |= {name[:3]: number for name, number in NUMBERS.items()} | {"sept": 9}
# For a regular expression: the longer form first, so that "sept" is not read as "sep".
PATTERN = "|".join(sorted(NUMBERS, key=len, reverse=True))
