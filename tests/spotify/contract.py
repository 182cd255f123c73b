"""Spotify's public contract, where it is at hand: what may be asked, and what may be answered."""

import json
import re
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from jsonschema import Draft202012Validator

FILE = Path(settings.BASE_DIR).parent / "shared" / "contracts" / "spotify-openapi.json"
# What the contract does not say and Spotify does: empty rows, tracks without id, moments nobody wrote down.
NULLS = {
    "PlaylistTrackObject": ["item", "track", "added_at", "added_by"],
    "TrackObject": ["id"],
    "SimplifiedPlaylistObject": ["description"],
    "PrivateUserObject": ["display_name"],
}


def _plain(it: Any) -> Any:
    """OpenAPI 3.0's `nullable` as JSON Schema says it."""
    if isinstance(it, list):
        return [_plain(one) for one in it]
    if not isinstance(it, dict):
        return it
    its = {key: _plain(value) for key, value in it.items() if key not in {"nullable", "discriminator", "example"}}
    return {"anyOf": [{"type": "null"}, its]} if it.get("nullable") is True else its


class Contract:
    def __init__(self, document: dict[str, Any]) -> None:
        schemas = document["components"]["schemas"]
        for name, fields in NULLS.items():
            for field in fields:
                schemas[name]["properties"][field] = {**schemas[name]["properties"][field], "nullable": True}
        self._document = _plain(document)
        self._paths = []
        for path, its in self._document["paths"].items():
            self._paths.append((re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + r"\Z"), path.count("{"), its))
        self._paths.sort(key=lambda one: one[1])
        self._validators: dict[str, Draft202012Validator] = {}

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, _, its in self._paths:
            if pattern.match(path) and method.lower() in its:
                return dict(its[method.lower()])
        return None

    def wrong_request(self, method: str, path: str, query: dict[str, str], body: Any) -> list[str]:
        operation = self.operation(method, path)
        if operation is None:
            return ["no such operation"]
        wrong = []
        for parameter in map(self._resolved, operation.get("parameters", [])):
            if parameter["in"] != "query":
                continue
            name, schema = parameter["name"], parameter.get("schema", {})
            if name not in query:
                wrong += [f"query {name} is missing"] if parameter.get("required") else []
                continue
            said: Any = query[name]
            if schema.get("type") == "integer":
                said = int(said)
            elif schema.get("type") == "array":
                said = said.split(",")
            wrong += self._wrong(schema, said, f"query {name}")
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        return wrong + (self._wrong(content["schema"], body, "body") if content and body is not None else [])

    def wrong_answer(self, method: str, path: str, status: int, body: Any) -> list[str]:
        operation = self.operation(method, path)
        said = (operation or {}).get("responses", {}).get(str(status))
        if said is None:
            return [] if status >= 400 else [f"no such answer: {status}"]
        content = self._resolved(said).get("content", {}).get("application/json")
        return self._wrong(content["schema"], body, f"answer {status}") if content else []

    def _resolved(self, it: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in it:
            found: Any = self._document
            for part in it["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            it = found
        return it

    def _wrong(self, schema: dict[str, Any], value: Any, where: str) -> list[str]:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            root = {"allOf": [schema], "components": self._document["components"]}
            self._validators[key] = Draft202012Validator(root)
        return [
            f"{where}: {error.json_path}: {error.message[:300]}" for error in self._validators[key].iter_errors(value)
        ]


@cache
def contract() -> Contract | None:
    """None, and a loud word, where the file is not at hand."""
    if not FILE.is_file():
        warnings.warn("../shared/contracts is not there: Spotify's answers are not checked", stacklevel=2)
        return None
    return Contract(json.loads(FILE.read_text(encoding="utf-8")))
