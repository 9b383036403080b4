"""What `up` refuses before it starts anything."""

import socket

import pytest

from entrepot_api.supervisor.checks import check_addresses
from entrepot_store.errors import AddressInUse, ConfigError


def test_free_and_chosen_by_the_system_pass() -> None:
    check_addresses([("--proxy", "127.0.0.1:0"), ("--api", "127.0.0.1:0")])


def test_taken_port_is_named_with_its_part() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(AddressInUse, match=rf"--api: 127\.0\.0\.1:{port} is in use") as caught:
            check_addresses([("--proxy", "127.0.0.1:0"), ("--api", f"127.0.0.1:{port}")])
    assert caught.value.exit_code == 8
    assert caught.value.hint


def test_same_address_twice_is_a_mistake_of_the_configuration() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
    with pytest.raises(ConfigError, match="--proxy and --api are both given"):
        check_addresses([("--proxy", f"127.0.0.1:{port}"), ("--api", f"127.0.0.1:{port}")])


def test_address_of_another_machine_is_refused() -> None:
    with pytest.raises(AddressInUse, match="cannot be taken"):
        check_addresses([("--proxy", "192.0.2.1:0")])  # TEST-NET-1, on no machine


def test_name_that_does_not_resolve_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.invalid"):
        check_addresses([("--proxy", "nowhere.invalid:8080")])
