"""What can go wrong between a program and the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class OrdinautError(Exception):
    """What every error of this package is."""


class ApiError(OrdinautError):
    """The API refused a request, with a problem document (RFC 9457)."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.type: str = document.get("type", "about:blank")
        self.title: str = document.get("title", "")
        self.detail: str = document.get("detail", "")
        self.field: str | None = document.get("field")
        """The part of the request at fault."""
        self.reason: str | None = document.get("reason")
        """What programs go by where one status has several meanings, such as `lease_lost`."""
        self.document: Mapping[str, Any] = document
        """All members, such as `job_id` of the job that holds a unique key."""
        field = f" ({self.field})" if self.field else ""
        super().__init__(f"{status} {self.title}{field}: {self.detail}")

    @classmethod
    def of(cls, response: httpx.Response) -> ApiError:
        try:
            document = response.json()
        except ValueError:
            document = None
        if not isinstance(document, dict):
            # A proxy answered in the API's place.
            document = {"title": response.reason_phrase, "detail": response.text[:500]}
        return cls(response.status_code, document)


class Unreachable(OrdinautError):
    """No answer came, however often the request was repeated. It may still have been carried out."""


class ResultTimeout(OrdinautError, TimeoutError):
    """A job had not ended when the time to wait for it was over."""
