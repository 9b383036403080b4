"""AWS services lose everything and get it back: moto, driven by boto3 through the proxy, emptied, and replayed into.

The keys given are not those of the recording: every request is signed anew.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.client import Config
from moto.server import ThreadedMotoServer

from entrepot_store.catalog import ExchangeFilter, open_catalog
from entrepot_store.config import Settings
from entrepot_store.ship import run_shipper
from entrepot_store.spool import SpoolFolder
from entrepot_store.vault import open_vault
from tests.support.leaks import Secrets, all_bytes
from tests.support.proxy import start_proxy
from tests.support.up import clean_environment

RECORDED_KEY, RECORDED_SECRET = "AKIARECORDEDKEYZQZQ", "recordedSecretZQZQ/abc"
LIVE_KEY, LIVE_SECRET = "AKIALIVEKEYZQZQZQZQ", "liveSecretZQZQ/def"
LONG = b"0123456789abcdef" * 100_000


@contextmanager
def moto() -> Iterator[str]:
    """All of AWS, empty, in memory."""
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def client(service: str, url: str) -> Any:
    config = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, parameter_validation=False)
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id=RECORDED_KEY,
        aws_secret_access_key=RECORDED_SECRET,
        config=config,
    )


def use(url: str) -> None:
    """What an application does with three services."""
    dynamodb, sqs, s3 = (client(service, url) for service in ("dynamodb", "sqs", "s3"))
    key = {"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "id", "KeyType": "HASH"}
    dynamodb.create_table(
        TableName="prefs", AttributeDefinitions=[key[0]], KeySchema=[key[1]], BillingMode="PAY_PER_REQUEST"
    )
    for number in range(5):
        item = {"id": {"S": f"c{number}"}, "theme": {"S": "dark"}, "size": {"N": str(number)}}
        dynamodb.put_item(TableName="prefs", Item=item)
    change = {":t": {"S": "light"}}
    dynamodb.update_item(
        TableName="prefs", Key={"id": {"S": "c3"}}, UpdateExpression="SET theme = :t", ExpressionAttributeValues=change
    )
    sqs.create_queue(QueueName="orders")
    for number in range(3):
        sqs.send_message(QueueUrl=f"{url}/123456789012/orders", MessageBody=f"order {number}")
    s3.create_bucket(Bucket="exports", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="exports", Key="a b/ü+1.csv", Body=b"id,n\n1,2\n", Metadata={"made": "yes"})
    s3.put_object(Bucket="exports", Key="long", Body=LONG)


def holds(url: str) -> dict[str, Any]:
    """Everything in the three services, without what they make anew at every write."""
    dynamodb, sqs, s3 = (client(service, url) for service in ("dynamodb", "sqs", "s3"))
    objects = {}
    for one in s3.list_objects_v2(Bucket="exports")["Contents"]:
        found = s3.get_object(Bucket="exports", Key=one["Key"])
        objects[one["Key"]] = found["Body"].read(), found["Metadata"], found["ContentType"]
    messages: list[str] = []
    while len(messages) < 3:
        found = sqs.receive_message(QueueUrl=f"{url}/123456789012/orders", MaxNumberOfMessages=10, WaitTimeSeconds=0)
        messages += [message["Body"] for message in found["Messages"]]
    items = {item["id"]["S"]: item for item in dynamodb.scan(TableName="prefs")["Items"]}
    return {"items": items, "messages": sorted(messages), "objects": objects}


def shipped(data: Path) -> None:
    settings = Settings(data=data)
    catalog, vault = open_catalog(settings), open_vault(settings)
    try:
        run_shipper(SpoolFolder(data / "spool"), vault, catalog, threading.Event(), mode="once")
        assert catalog.count(ExchangeFilter(destination=("aws",))) == 14
    finally:
        catalog.close()


def test_aws_services_get_back_what_they_lost(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with moto() as url:
        with start_proxy(data, "--listen", "", "--reverse", f"aws={url}@127.0.0.1:0") as proxy:
            use(f"http://127.0.0.1:{proxy.reverse('aws')}")
            proxy.spooled(14)
            assert proxy.stop() == 0
        shipped(data)
        before = holds(url)
        httpx.post(f"{url}/moto-api/reset").raise_for_status()
        assert client("s3", url).list_buckets()["Buckets"] == []
        done = subprocess.run(
            [
                *(sys.executable, "-m", "entrepot_api", "replay", "--data", str(data), "--to", "aws", "--target", url),
                *("--allow-captured-host", "--credential", "sigv4=env:LIVE_KEYS", "--yes", "--json"),
            ],
            capture_output=True,
            text=True,
            check=False,
            env=clean_environment(LIVE_KEYS=f"{LIVE_KEY}:{LIVE_SECRET}"),
        )
        assert done.stdout, done.stderr
        report = json.loads(done.stdout)
        counts = report["counts"] if "counts" in report else report["replay"]["counts"]
        assert (counts["failed"], counts["unknown"]) == (0, 0), done.stdout
        assert holds(url) == before
    assert len(before["items"]) == 5
    assert before["objects"]["long"][0] == LONG
    secrets = Secrets()
    secrets.by_place = {"recorded key": RECORDED_KEY, "live key": LIVE_KEY, "live secret": LIVE_SECRET}
    secrets.by_place = {place: secret.lower() for place, secret in secrets.by_place.items()}
    assert secrets.found((done.stdout + done.stderr).encode()) == set()
    assert {name: places for name, content in all_bytes(data) if (places := secrets.found(content))} == {}
