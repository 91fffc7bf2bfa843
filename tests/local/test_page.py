"""Is the page there over HTTP, for whoever follows the link, and does only a press change anything?"""

from __future__ import annotations

import http.client
from contextlib import closing
from urllib.parse import urlencode, urlsplit

import pytest

from infra import local
from infra.local import Stack

PERSON = "+6281298700001"


@pytest.fixture(scope="module")
def address(stack: Stack) -> str:
    """The page of somebody who was just sent a code."""
    body = {
        "id": "page-code",
        "brand": "shopx",
        "sender": "shopx-id-1",
        "to": PERSON,
        "channel": "sms",
        "purpose": "authentication",
        "text": "ShopX: kode masuk Anda 424242",
    }
    assert stack.call("POST", "/v1/messages", body)[0] == 202
    return local.page_of(stack, PERSON)


def ask(method: str, address: str, body: str = "") -> tuple[int, dict[str, str], str]:
    """One request, without any key."""
    url = urlsplit(address)
    with closing(http.client.HTTPConnection(url.netloc, timeout=30)) as connection:
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else {}
        connection.request(method, url.path, body or None, kind)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, answer.read().decode()


def test_scanners_change_nothing_and_one_press_does(stack: Stack, address: str) -> None:
    for _ in range(5):
        status, headers, seen = ask("GET", address)
        assert status == 200
        assert "Hentikan pesan dari" in seen
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        status, _, nothing = ask("HEAD", address)
        assert (status, nothing) == (200, "")
        assert ask("POST", address)[0] == 400
    promotion = {
        "brand": "shopx",
        "sender": "shopx-id-1",
        "to": PERSON,
        "channel": "sms",
        "purpose": "marketing",
        "text": "ShopX: diskon 20%",
    }

    def reasons() -> set[str]:
        return {reason["code"] for reason in stack.call("POST", "/v1/check", promotion)[1]["reasons"]}

    assert "opted_out" not in reasons()
    status, headers, _ = ask("POST", address, urlencode({"act": "opt_out"}))
    assert (status, headers["location"]) == (303, address.rpartition("/")[2])
    assert "opted_out" in reasons()
    assert "Anda tidak akan menerima pesan lagi" in ask("GET", address)[2]


def test_a_link_that_leads_nowhere(address: str) -> None:
    status, _, seen = ask("GET", address[:-1])
    assert status == 404
    assert "ShopX" not in seen
