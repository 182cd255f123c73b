"""What the journeys look at on every page."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cable import Cable

# The rules of axe that look at colours; all others find the same in either theme.
OF_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


@pytest.fixture
def cable(server: Any) -> Iterator[Cable]:
    """Another address of the server, that can be cut off: a browser that plays offline lets a word through now and
    then, of its worker or while it loads a page."""
    its = Cable(server.port)
    yield its
    its.close()


@pytest.fixture
def look() -> Callable[[Any], None]:
    """`look(page)`: axe finds nothing serious, in the dark and in the light, and nothing is wider than the screen."""
    from axe_playwright_python.sync_playwright import Axe

    def look(page: Any) -> None:
        for scheme, options in (("dark", {}), ("light", OF_COLOURS)):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page, options=options).response["violations"]
            serious = [(it["id"], it["nodes"][0]["html"]) for it in found if it["impact"] in {"serious", "critical"}]
            assert serious == [], (page.url, scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url

    return look
