"""Does the plain address answer as the API itself does, whatever it is asked?"""

import contextlib
import http.client
import json
from urllib.parse import urlsplit

import pytest

from infra.local import Stack


@pytest.mark.parametrize("method", ["PATCH", "BREW"])
def test_a_method_that_no_call_has_is_answered_by_the_api(stack: Stack, method: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(stack.api).netloc, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, "/v1/check", body="{}")
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("content-type")) == (404, "application/json")
        assert json.loads(answer.read()) == {"message": "Not Found"}
