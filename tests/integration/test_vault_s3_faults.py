"""The S3 vault between a failing network and a real server: what was written is known, what was not is said."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from entrepot_store.config import S3Settings
from entrepot_store.errors import AlreadyExists, NotFound, VaultDenied, VaultUnavailable
from entrepot_store.vault import s3 as s3_module
from entrepot_store.vault.retrying import RetryingVault
from entrepot_store.vault.s3 import S3Vault
from tests.support import fault_proxy as faults
from tests.support.fault_proxy import FaultProxy, Request, fault_proxy
from tests.support.servers import S3Server

pytestmark = pytest.mark.s3

CONTENT = bytes(range(256)) * 1000
PART = 5 * 1024 * 1024


@pytest.fixture
def proxy(seaweedfs: S3Server) -> Iterator[FaultProxy]:
    with fault_proxy(seaweedfs.endpoint) as proxy:
        yield proxy
    assert proxy.unused == 0, "a test queued a fault that never came to be"


@pytest.fixture
def vault(seaweedfs: S3Server, proxy: FaultProxy) -> S3Vault:
    """Through the proxy, with nothing that retries."""
    server = seaweedfs.at(proxy.url)
    bucket = server.new_bucket()
    seaweedfs.client().make_bucket(bucket)
    settings = S3Settings(
        endpoint=server.endpoint, access_key=server.access_key, secret_key=SecretStr(server.secret_key)
    )
    return S3Vault(f"s3://{bucket}/p", settings)


@pytest.fixture
def patient(vault: S3Vault) -> RetryingVault:
    return RetryingVault(vault, sleep=lambda _: None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of three parts."""
    monkeypatch.setattr(s3_module, "PART_BYTES", PART)
    path = tmp_path / "large"
    path.write_bytes(CONTENT * 45)
    return path


def of_part(number: int) -> Callable[[Request], bool]:
    return lambda request: f"partNumber={number}&" in f"{request.target.partition('?')[2]}&"


def completion(request: Request) -> bool:
    return "uploadId=" in request.target


LOST = [faults.lose_answer, faults.hang_up, faults.fail_after]


@pytest.mark.parametrize("lost", LOST)
def test_a_put_whose_answer_was_lost_can_be_repeated(
    vault: S3Vault, proxy: FaultProxy, file: Path, lost: faults.Fault
) -> None:
    proxy.fail("PUT", lost)
    with pytest.raises(VaultUnavailable):
        vault.put("a", file)
    assert vault.get("a") == CONTENT  # it had happened
    assert vault.put("a", file).size == len(CONTENT)


@pytest.mark.parametrize("lost", LOST)
def test_retries_make_one_put_of_it(vault: RetryingVault, proxy: FaultProxy, file: Path, lost: faults.Fault) -> None:
    proxy.fail("PUT", faults.refuse, lost)
    assert RetryingVault(vault, sleep=lambda _: None).put("a", file).size == len(CONTENT)
    assert [request.method for request in proxy.seen].count("PUT") == 2  # the third look found it there


def test_a_refused_put_left_nothing(vault: S3Vault, proxy: FaultProxy, file: Path) -> None:
    proxy.fail("PUT", faults.refuse)
    with pytest.raises(VaultUnavailable):
        vault.put("a", file)
    with pytest.raises(NotFound):
        vault.stat("a")


@pytest.mark.parametrize("lost", LOST)
def test_a_lost_completion_of_a_large_put_can_be_repeated(
    vault: S3Vault, proxy: FaultProxy, large: Path, lost: faults.Fault
) -> None:
    proxy.fail("POST", lost, when=completion)
    with pytest.raises(VaultUnavailable):
        vault.put("a", large)
    before = len(proxy.seen)
    assert vault.put("a", large).size == large.stat().st_size
    assert {request.method for request in proxy.seen[before:]} == {"HEAD", "GET"}  # it was all there
    assert vault.get("a") == large.read_bytes()


@pytest.mark.parametrize("fault", [faults.refuse, faults.lose_answer, faults.answering(503, "SlowDown")])
def test_a_large_put_that_broke_off_shows_nothing_and_can_be_repeated(
    vault: S3Vault, proxy: FaultProxy, large: Path, fault: faults.Fault
) -> None:
    proxy.fail("PUT", fault, when=of_part(2))
    with pytest.raises(VaultUnavailable):
        vault.put("a", large)
    assert list(vault.list()) == []
    with pytest.raises(NotFound):
        vault.get("a")
    assert vault.put("a", large).size == large.stat().st_size
    assert vault.get("a") == large.read_bytes()


def test_a_failed_large_put_says_why_even_if_the_clean_up_fails_too(
    vault: S3Vault, proxy: FaultProxy, large: Path
) -> None:
    proxy.fail("PUT", faults.refuse, when=of_part(2))
    proxy.fail("DELETE", faults.answering(404, "NoSuchUpload"))
    with pytest.raises(VaultUnavailable):
        vault.put("a", large)


@pytest.mark.parametrize("lost", ["small", "large"])
def test_bytes_changed_on_the_way_in_are_not_stored(
    vault: S3Vault, proxy: FaultProxy, request: pytest.FixtureRequest, lost: str
) -> None:
    source = request.getfixturevalue("file" if lost == "small" else "large")
    proxy.fail("PUT", faults.altered, when=(lambda _: True) if lost == "small" else of_part(2))
    with pytest.raises((VaultUnavailable, VaultDenied)):
        vault.put("a", source)
    assert list(vault.list()) == []


@pytest.mark.parametrize("fault", [faults.cut(0.5), faults.cut(0.0), faults.shorten(0.5), faults.shorten(0.0)])
@pytest.mark.parametrize("span", [(0, None), (100, None), (0, 5000), (100_000, 100_000)])
def test_a_short_answer_is_never_taken_for_the_whole(
    vault: S3Vault, proxy: FaultProxy, file: Path, fault: faults.Fault, span: tuple[int, int | None]
) -> None:
    vault.put("a", file)
    proxy.fail("GET", fault)
    with pytest.raises(VaultUnavailable):
        vault.get("a", *span)
    start, length = span
    assert vault.get("a", start, length) == CONTENT[start : None if length is None else start + length]


def test_a_server_that_ignores_ranges_is_not_believed(vault: S3Vault, proxy: FaultProxy, file: Path) -> None:
    vault.put("a", file)
    proxy.fail("GET", faults.answering_text(200, CONTENT, "application/octet-stream"))
    with pytest.raises(VaultUnavailable, match="range"):
        vault.get("a", 100, 10)


def test_a_stream_goes_on_where_it_broke_off(patient: RetryingVault, proxy: FaultProxy, large: Path) -> None:
    patient.put("a", large)
    proxy.fail("GET", faults.cut(0.4), faults.refuse, faults.cut(0.3), faults.shorten(0.5))
    with patient.open("a", 10) as stream:
        content = bytearray()
        while chunk := stream.read(100_000):
            content += chunk
    assert bytes(content) == large.read_bytes()[10:]


def test_patience_ends(patient: RetryingVault, proxy: FaultProxy, file: Path) -> None:
    patient.put("a", file)
    proxy.fail("GET", *[faults.refuse] * 5)
    with pytest.raises(VaultUnavailable):
        patient.get("a")
    assert patient.get("a") == CONTENT


@pytest.mark.parametrize("fault", [faults.cut(0.5), faults.shorten(0.5), faults.shorten(0.0), faults.refuse])
def test_a_listing_that_is_cut_short_raises(vault: S3Vault, proxy: FaultProxy, file: Path, fault: faults.Fault) -> None:
    for key in ("a/1", "a/2", "b/1"):
        vault.put(key, file)
    proxy.fail("GET", fault)
    with pytest.raises(VaultUnavailable):
        list(vault.list())
    assert [found.key for found in vault.list()] == ["a/1", "a/2", "b/1"]


def test_a_listing_is_taken_up_again_behind_what_it_gave_out(
    patient: RetryingVault, proxy: FaultProxy, file: Path
) -> None:
    keys = [f"{folder}/{number}" for folder in "abc" for number in range(3)]
    for key in keys:
        patient.put(key, file)
    proxy.fail("GET", faults.cut(0.5), when=lambda request: "prefix=p%2Fb" in request.target)
    proxy.fail("GET", faults.refuse, when=lambda request: "prefix=p%2Fc" in request.target)
    assert [found.key for found in patient.list()] == keys


def test_a_listing_that_repeats_itself_ends(vault: S3Vault, proxy: FaultProxy, file: Path) -> None:
    page = (
        b"<?xml version='1.0'?><ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated><Contents><Key>p/a</Key>"
        b"<Size>1</Size><LastModified>2026-11-22T12:00:00.000Z</LastModified></Contents></ListBucketResult>"
    )
    last = page.replace(b"true", b"false")
    proxy.fail("GET", *[faults.answering_text(200, body, "application/xml") for body in (page, page, last)])
    with pytest.raises(VaultUnavailable, match="repeats"):
        list(vault.list())


@pytest.mark.parametrize(
    "fault",
    [
        faults.answering(500, "InternalError"),
        faults.answering(503, "SlowDown"),
        faults.answering(400, "RequestTimeout"),
        faults.answering(429, "TooManyRequests"),
        faults.answering_text(502, b"<html>Bad gateway</html>"),
        faults.answering_text(200, b"<html>Welcome to the hotel's network</html>"),
        faults.answering_text(500, b"\xff\xfe", "application/xml"),
        faults.answering_text(500, b"<Error><Code>Inter", "application/xml"),
        faults.refuse,
        faults.hang_up,
    ],
)
def test_what_may_pass_is_unavailable(vault: S3Vault, proxy: FaultProxy, file: Path, fault: faults.Fault) -> None:
    vault.put("a", file)
    proxy.fail("GET", fault)
    with pytest.raises(VaultUnavailable) as caught:
        vault.get("a")
    assert proxy.url in str(caught.value)
    assert vault.get("a") == CONTENT


@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        (faults.answering(403, "AccessDenied"), "ENTREPOT_S3_ACCESS_KEY"),
        (faults.answering(403, "SignatureDoesNotMatch"), "ENTREPOT_S3_SECRET_KEY"),
        (faults.answering(403, "InvalidAccessKeyId"), "AWS_ACCESS_KEY_ID"),
        (faults.answering(403, "RequestTimeTooSkewed"), "clocks"),
        (faults.answering(400, "AuthorizationHeaderMalformed"), "ENTREPOT_S3_REGION"),
        (faults.answering(404, "NoSuchBucket"), "create_bucket"),
        (faults.answering(405, "MethodNotAllowed"), "ENTREPOT_S3_ENDPOINT"),
        (faults.answering_text(404, b"<html>nginx</html>"), "S3 server"),
    ],
)
def test_what_a_person_must_mend_is_denied(
    vault: S3Vault, proxy: FaultProxy, file: Path, fault: faults.Fault, hint: str
) -> None:
    vault.put("a", file)
    proxy.fail("GET", fault)
    with pytest.raises(VaultDenied) as caught:
        vault.get("a")
    assert hint in caught.value.hint
    assert proxy.url in caught.value.message


def test_silence_is_not_waited_for_without_end(vault: S3Vault, proxy: FaultProxy, file: Path) -> None:
    vault.put("a", file)
    hasty = S3Vault(f"s3://{vault.bucket}/p", vault._settings, read_seconds=0.5)
    released = threading.Event()
    proxy.fail("GET", faults.silence(released))
    try:
        with pytest.raises(VaultUnavailable, match=r"[Tt]imed out"):
            hasty.get("a")
    finally:
        released.set()


def test_a_server_without_conditional_writes_still_refuses_other_bytes(
    vault: S3Vault, proxy: FaultProxy, file: Path, tmp_path: Path
) -> None:
    proxy.fail("PUT", faults.answering(501, "NotImplemented"))
    assert vault.put("a", file).size == len(CONTENT)
    puts = [request for request in proxy.seen if request.method == "PUT"]
    assert [("If-None-Match", "*") in request.headers for request in puts] == [True, False]
    other = tmp_path / "other"
    other.write_bytes(CONTENT[::-1])
    with pytest.raises(AlreadyExists):
        vault.put("a", other)
    assert vault.get("a") == CONTENT


def test_nothing_is_sent_that_makes_a_server_change_the_bytes(vault: S3Vault, proxy: FaultProxy, file: Path) -> None:
    vault.put("a.zst", file)
    vault.get("a.zst")
    for request in proxy.seen:
        names = {name.lower() for name, _ in request.headers}
        assert "content-encoding" not in names
        assert dict(request.headers).get("Accept-Encoding", "identity") == "identity"
