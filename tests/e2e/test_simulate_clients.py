"""Clients of products that nobody here wrote, first in front of the product and then of its simulation."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session
from moto.server import ThreadedMotoServer
from urllib3 import HTTPResponse

from entrepot_store.model import Headers
from entrepot_store.redact import Redactor
from tests.e2e.test_replay_kinto import AUTHORIZATION, kinto
from tests.support.captured import Recording
from tests.support.simulating import captured_in, serving_simulation

REDACTOR = Redactor(bytes(32), frozenset({"authorization", "set-cookie"}))
RECORDS = "/buckets/shop/collections/preferences/records"
SETTLED = f"{RECORDS}/c1"

type Send = Callable[..., httpx.Response]


def redacted(headers: Headers) -> Headers:
    return REDACTOR.headers(tuple(pair for pair in headers if pair[0].lower() != b"host"))


def a_day_with_kinto(send: Send) -> list[Any]:
    """What a client does, and what it sees."""
    send("PUT", "/buckets/shop", json={"permissions": {"read": ["system.Everyone"]}})
    send("PUT", "/buckets/shop/collections/preferences", json={})
    seen: list[Any] = []
    for number in range(3):
        made = send("PUT", f"{RECORDS}/c{number}", json={"data": {"theme": "dark", "size": number}})
        seen.append((made.status_code, made.json()))
    posted = send("POST", RECORDS, json={"data": {"theme": "made"}}).json()["data"]
    seen.append(send("GET", f"{RECORDS}/{posted['id']}").json())
    seen.append(send("GET", SETTLED).json())
    seen.append(send("PATCH", SETTLED, json={"data": {"theme": "light"}}).json())
    seen.append(send("GET", SETTLED).json())
    seen.append(send("DELETE", f"{RECORDS}/c0").json())
    seen.append(send("GET", f"{RECORDS}/c0").status_code)
    seen.append(send("GET", f"{RECORDS}?_sort=size&_limit=2").json())
    return seen


def test_kintos_client_sees_what_it_saw(tmp_path: Path) -> None:
    headers = {"Authorization": AUTHORIZATION, "Accept-Encoding": "identity"}
    with kinto() as url, httpx.Client(base_url=f"{url}/v1", headers=headers) as client:
        recording = Recording(authority=url.removeprefix("http://").encode())

        def recorded(method: str, path: str, **content: Any) -> httpx.Response:
            answer = client.request(method, path, **content)
            recording.add(
                method,
                answer.request.url.raw_path,
                answer.request.content,
                headers=redacted(tuple(answer.request.headers.raw)),
                status=answer.status_code,
                answer=answer.content,
                answer_headers=redacted(tuple(answer.headers.raw)),
            )
            return answer

        saw = a_day_with_kinto(recorded)
        last = client.get(SETTLED)
    data = captured_in(tmp_path / "data", recording.exchanges)
    with serving_simulation(data) as (server, _), httpx.Client(base_url=f"{server.url}/v1", headers=headers) as client:
        assert client.get(SETTLED).json() == last.json()
        assert a_day_with_kinto(client.request) == saw
        assert client.get(SETTLED, headers={"If-None-Match": last.headers["etag"]}).status_code == 304
        missed = client.put(f"{RECORDS}/c1", json={"data": {"theme": "loud"}})
        assert (missed.status_code, missed.json()["nearest"][0]["why"]) == (501, "its body differs in $.data.theme")
        counts, _ = server.end()
    assert (counts["misses"], counts["failures"]) == (1, 0)


@pytest.fixture
def moto() -> Iterator[str]:
    """An empty cloud."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def cloud(service: str, url: str, recording: Recording | None = None) -> Any:
    """A client of AWS's own, signing every request; what it sends is recorded as the proxy would have."""
    client = boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )
    if recording is not None:
        session = URLLib3Session()

        def record(request: Any, **_: Any) -> Any:
            sent = request.body or b""
            if hasattr(sent, "read"):
                request.body = sent = sent.read()
            answer = session.send(request)
            target = urlsplit(request.url)
            recording.add(
                request.method,
                target.path + (f"?{target.query}" if target.query else ""),
                _bytes(sent),
                headers=redacted(tuple((str(k).encode(), _bytes(v)) for k, v in request.headers.items())),
                status=answer.status_code,
                answer=answer.content,
                answer_headers=tuple((k.encode(), v.encode()) for k, v in answer.headers.items()),
            )
            answer.raw = HTTPResponse(BytesIO(answer.content), preload_content=False)  # which recording has read
            return answer

        client.meta.events.register("before-send", record)
    return client


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def a_day_with_the_cloud(s3: Any, table: Any) -> list[Any]:
    s3.create_bucket(Bucket="shop")
    seen: list[Any] = []
    for key, body in (("a.csv", b"sku,net\n"), ("b c/ü.json", b"{}"), ("a.csv", b"sku,net\nA,1\n")):
        seen.append(s3.put_object(Bucket="shop", Key=key, Body=body)["ETag"])
        seen.append(s3.get_object(Bucket="shop", Key=key)["Body"].read())
    seen.append(s3.head_object(Bucket="shop", Key="a.csv")["ContentLength"])
    seen.append([item["Key"] for item in s3.list_objects_v2(Bucket="shop")["Contents"]])
    s3.delete_object(Bucket="shop", Key="a.csv")
    try:
        s3.get_object(Bucket="shop", Key="a.csv")
    except ClientError as error:
        seen.append(error.response["Error"]["Code"])
    key = {"AttributeName": "id", "KeyType": "HASH"}
    table.create_table(
        TableName="orders",
        KeySchema=[key],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(3):
        table.put_item(TableName="orders", Item={"id": {"S": "1"}, "n": {"N": str(number)}})
        seen.append(table.get_item(TableName="orders", Key={"id": {"S": "1"}})["Item"])
    seen.append(table.describe_table(TableName="orders")["Table"]["TableName"])
    seen.append(table.delete_table(TableName="orders")["TableDescription"]["TableStatus"])
    return seen


def test_the_clouds_clients_see_what_they_saw(tmp_path: Path, moto: str) -> None:
    recording = Recording(authority=moto.removeprefix("http://").encode())
    saw = a_day_with_the_cloud(cloud("s3", moto, recording), cloud("dynamodb", moto, recording))
    data = captured_in(tmp_path / "data", recording.exchanges)
    with serving_simulation(data) as (server, _):
        assert a_day_with_the_cloud(cloud("s3", server.url), cloud("dynamodb", server.url)) == saw
        part = cloud("s3", server.url).get_object(Bucket="shop", Key="b c/ü.json", Range="bytes=1-")
        assert part["Body"].read() == b"}"
        counts, said = server.end()
    assert (counts["misses"], counts["failures"]) == (0, 0), said
