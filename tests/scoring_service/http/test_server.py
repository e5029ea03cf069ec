"""Where the server listens."""

from __future__ import annotations

import socket

import pytest

from claimvet.data.contract.errors import UsageError
from claimvet.scoring_service.http.server import bound_socket


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_an_address_that_is_free_is_had_and_listened_on_later(host: str) -> None:
    with bound_socket(host, 0) as bound, socket.socket(bound.family) as client:
        address = bound.getsockname()
        with pytest.raises(ConnectionRefusedError, match="refused"):
            client.connect(address)


def test_an_address_that_is_taken_is_refused_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            UsageError, match=rf"the address 127\.0\.0\.1, port {port}, cannot be had \(Address already in use\)"
        ):
            bound_socket("127.0.0.1", port)


def test_a_host_that_is_none_is_refused_in_a_sentence() -> None:
    with pytest.raises(UsageError, match=r"the address 999\.1\.1\.1, port 0, cannot be had .*, expected a free one"):
        bound_socket("999.1.1.1", 0)
