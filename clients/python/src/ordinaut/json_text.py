"""Values as the JSON that the API accepts."""

from __future__ import annotations

import dataclasses
import json
from typing import Any


def plain(value: Any) -> Any:
    """What `json` calls for a value that it does not know: dataclasses and pydantic models become objects."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # Not `asdict`, which copies deeply: fields that are models themselves come here again.
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json")
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def encode(value: Any) -> bytes:
    """JSON in UTF-8. Refuses what Postgres cannot keep as JSON: NaN, infinities, and halves of surrogate pairs."""
    text = json.dumps(value, default=plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.encode()


def as_text(value: str) -> str:
    """A text that JSON in Postgres can hold, whatever an exception's message contains."""
    return value.encode("utf-8", "replace").decode().replace("\0", "\\0")
