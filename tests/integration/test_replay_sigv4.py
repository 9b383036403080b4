"""AWS signatures: made anew as botocore's own clients make them, and accepted by a server that checks them."""

import datetime
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import botocore.auth
import pytest
from botocore.client import Config

from entrepot_replay.credentials import Credentials, CredentialSource, references_of
from entrepot_replay.credentials.material import Keys
from entrepot_replay.credentials.signature import Signature
from entrepot_replay.credentials.signing import sign
from entrepot_replay.digests import sha256_hex
from entrepot_replay.options import RunOptions
from entrepot_store.model import Headers
from entrepot_store.redact import Redactor
from tests.support.captured import Recording
from tests.support.replay_target import ReplayTarget, Seen, answer
from tests.support.replaying import replaying
from tests.support.servers import S3Server

RECORDED = {"aws_access_key_id": "AKIDRECORDED", "aws_secret_access_key": "recorded/secret+key"}
REDACTOR = Redactor(
    bytes(32), frozenset({"authorization"}), frozenset({"x-amz-credential", "x-amz-signature", "x-amz-security-token"})
)


def client(service: str, url: str, **more: Any) -> Any:
    config = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, parameter_validation=False)
    return boto3.client(service, endpoint_url=url, region_name="eu-central-1", config=config, **RECORDED, **more)


@contextmanager
def lost_service() -> Iterator[ReplayTarget]:
    """Answers as S3, DynamoDB and SQS do, and remembers what it was sent."""

    def answered(seen: Seen) -> bytes:
        if b"/s3/" in (seen.header(b"authorization") or b"/s3/"):
            return answer(200, b"", b"application/xml", b'ETag: "x"\r\n')
        return answer(200, b"{}", extra=b"x-amz-crc32: 2745614147\r\n")

    with ReplayTarget(answered) as target:
        yield target


def again(seen: Seen, keys: Keys, origin: str) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    path = seen.line.split(b" ")[1]
    signature = Signature.of(seen.headers, path)
    assert signature is not None
    stale = [
        (
            name,
            b"20200101T000000Z"
            if name.lower() == b"x-amz-date"
            else b"0"
            if name.lower() == b"x-amz-security-token"
            else value,
        )
        for name, value in seen.headers
    ]
    return sign(
        keys,
        signature,
        method=seen.method.encode(),
        origin=origin,
        path=path,
        headers=stale,
        digest=lambda: sha256_hex([seen.body]),
    )


@pytest.mark.parametrize("token", ["", "temporary/token=="])
def test_a_new_signature_is_that_of_the_client_itself(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    """Same keys, same time: then the client's own signature must come out, byte by byte."""
    keys = Keys(*RECORDED.values(), token)
    more = {"aws_session_token": token} if token else {}
    moment = datetime.datetime(2026, 11, 22, 10, 0, 0, tzinfo=datetime.UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: moment)
    with lost_service() as target:
        s3 = client("s3", target.url, **more)
        s3.put_object(Bucket="b", Key="a b/ü+~*//x", Body=b"content", Metadata={"note": "a  b"})
        s3.list_objects_v2(Bucket="b", Prefix="a/b +", Delimiter="/")
        s3.put_bucket_acl(Bucket="b", ACL="private")
        client("dynamodb", target.url, **more).put_item(TableName="t", Item={"id": {"S": "1"}})
        client("sqs", target.url, **more).send_message(QueueUrl=f"{target.url}/123/q", MessageBody="hello")
        client("lambda", target.url, **more).invoke(FunctionName="arn:aws:lambda:f", Payload=b"{}")
        assert len(target.seen) == 6
        for seen in target.seen:
            path, headers = again(seen, keys, target.url)
            assert path == seen.line.split(b" ")[1]
            assert headers == seen.headers, seen.head
        target.seen.clear()
        url = s3.generate_presigned_url("put_object", {"Bucket": "b", "Key": "a b"}, ExpiresIn=77)
        signature = Signature.of((), url.removeprefix(target.url).encode())
        assert signature is not None
        path, _ = sign(
            keys,
            signature,
            method=b"PUT",
            origin=target.url,
            path=url.removeprefix(target.url).encode(),
            headers=[(b"Host", target.url.removeprefix("http://").encode())],
            digest=lambda: "",
        )
        assert path == url.removeprefix(target.url).encode()


def recorded(target: ReplayTarget) -> Recording:
    """What was sent, redacted as the proxy does it."""
    found = Recording()
    for seen in target.seen:
        headers: Headers = tuple(seen.headers)
        found.add(
            seen.method,
            REDACTOR.path(seen.line.split(b" ")[1]),
            seen.body,
            headers=REDACTOR.headers(headers),
            answer=b"",
        )
    return found


@pytest.mark.s3
def test_a_server_that_checks_signatures_takes_what_is_replayed(
    seaweedfs: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = seaweedfs.new_bucket()
    long = b"0123456789abcdef" * 200_000
    with lost_service() as lost:
        s3 = client("s3", lost.url)
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=ODD, Body=b"short", Metadata={"Note": "kept"}, ContentType="text/x")
        s3.put_object(Bucket=bucket, Key="long", Body=long)
        url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "by url"})
        raw_put(url, b"presigned")
        recording = recorded(lost)
    recording.add("PUT", f"/{bucket}/chunked", CHUNKED, headers=REDACTOR.headers(CHUNKED_HEADERS), answer=b"")
    monkeypatch.setenv("KEYS", f"{seaweedfs.access_key}:{seaweedfs.secret_key}")
    monkeypatch.setenv("WRONG", f"{seaweedfs.access_key}:wrong")
    with replaying(tmp_path, recording.exchanges) as bench:
        row = bench.plan(seaweedfs.endpoint)
        assert row.plan["secret_names"] == {"sigv4": 5}
        assert [entry["steps"] for entry in row.plan["secrets"]] == [5]  # one access key, however many signatures
        refused = bench.run(row.id, RunOptions(), Credentials([CredentialSource.parse("sigv4=env:WRONG")]))
        assert refused.counts.failed == 5
        report = bench.run(
            row.id, RunOptions(retry_failed=True), Credentials([CredentialSource.parse("sigv4=env:KEYS")])
        )
        assert report.counts.failed + report.counts.unknown == 0, report.steps
    held = seaweedfs.client()
    for key, content in (
        (ODD, b"short"),
        ("long", long),
        ("by url", b"presigned"),
        ("chunked", b"in chunks"),
    ):
        found = held.get_object(bucket, key)
        assert found.read() == content, key
        found.close()
    assert held.stat_object(bucket, ODD).metadata["x-amz-meta-note"] == "kept"


CHUNKED = b"".join(
    b"%x;chunk-signature=%b\r\n%b\r\n" % (len(piece), b"0" * 64, piece) for piece in (b"in ", b"chunks", b"")
)


_SCOPE = b"AKIDRECORDED/20261122/eu-central-1/s3/aws4_request"
_NAMES = b"content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length"
CHUNKED_HEADERS = (
    (b"Content-Encoding", b"aws-chunked"),
    (b"X-Amz-Content-SHA256", b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
    (b"X-Amz-Date", b"20261122T100000Z"),
    (b"X-Amz-Decoded-Content-Length", b"9"),
    (b"Authorization", b"AWS4-HMAC-SHA256 Credential=%b,SignedHeaders=%b,Signature=%b" % (_SCOPE, _NAMES, b"0" * 64)),
)
"""As SDKs that sign each chunk send them."""
ODD = "a b/ü+~(1).txt"


def raw_put(url: str, body: bytes) -> None:
    host, _, path = url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port))) as connection:
        head = f"PUT /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + body)
        while connection.recv(4096).find(b"\r\n\r\n") < 0:
            pass


def test_what_signing_anew_replaces_is_no_secret_to_be_given() -> None:
    scope = b"AKID/20261122/eu-central-1/sqs/aws4_request"
    header = b"AWS4-HMAC-SHA256 Credential=%b, SignedHeaders=host, Signature=%b" % (scope, b"a" * 64)
    ((name, value),) = REDACTOR.headers(((b"Authorization", header),))
    assert [one.name for one in references_of(((name, value),), b"/")] == ["sigv4"]
    path = REDACTOR.path(
        b"/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%b&X-Amz-Signature=%b&X-Amz-Security-Token=t"
        % (scope.replace(b"/", b"%2F"), b"a" * 64)
    )
    assert [one.name for one in references_of((), path)] == ["sigv4"]
