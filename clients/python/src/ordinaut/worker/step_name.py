"""What a step may be called, as the Rust library has it: both must find each other's steps."""

from __future__ import annotations

import unicodedata

MAX_CHARS = 200
"""The longest name, without the number that a repeated one gets."""


def fault(name: str) -> str | None:
    """What is wrong with a name."""
    if not name:
        return "must not be empty"
    if len(name) > MAX_CHARS:
        return "must not be longer than 200 characters"
    if any(unicodedata.category(char) == "Cc" for char in name):
        return "must not contain NUL or another control character"
    if "#" in name:
        return "must not contain #, which stands before the number of a name that comes again"
    return None


def numbered(name: str, nth: int) -> str:
    """The name of the step that asks for a name for the `nth` time."""
    return name if nth <= 1 else f"{name}#{nth}"
