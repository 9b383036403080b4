"""Products wiped and rebuilt from what `entrepot up` captured, with no rule or hint written for them."""

import json
import re
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from tests.support.up import Up, entrepot


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def answering(command: Sequence[str], url: str) -> Iterator[str]:
    """A product that is there once it answers at `url`."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 90
        while True:
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{command[0]} does not answer"
            try:
                httpx.get(url)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()


@contextmanager
def listening(*command: str) -> Iterator[str]:
    """A product that prints `listening URL`."""
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=Path.cwd()
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening "), line
        yield line.split()[1]
    finally:
        process.kill()
        process.communicate()


def captured(data: Path, url: str, use: Callable[[str], None], port: int = 0) -> None:
    """Lets `use` talk to the product through the proxy, until everything is shipped."""
    up = Up(data, "--proxy", "127.0.0.1:0", "--reverse", f"product={url}@127.0.0.1:{port}", "--api", "127.0.0.1:0")
    try:
        use(up.ready["reverse"]["product"])
    finally:
        up.process.terminate()
        assert up.process.wait(60) == 0, up.words


def replayed(data: Path, target: str, *more: str, **environment: str) -> dict[str, Any]:
    base = ("replay", "--data", str(data), "--to", "product", "--target", target, "--yes", "--json")
    done = entrepot(*base, *more, **environment)
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == report["exit_code"], done.stderr
    return report


def a_day_with_the_awkward_product(url: str) -> None:
    with httpx.Client(base_url=url) as client:
        page = client.get("/login").text
        token = re.search(r'value="([0-9a-f]+)"', page)
        assert token is not None
        answer = client.post("/login", data={"csrf_token": token[1], "user": "ann"})
        assert answer.status_code == 303
        client.headers["X-CSRF-Token"] = answer.headers["X-CSRF-Token"]

        def send(method: str, path: str, **content: Any) -> httpx.Response:
            answer = client.request(method, path, **content)
            assert answer.status_code < 300, (method, path, answer.status_code, answer.text)
            return answer

        for name in ("tea", "coffee", "milk"):
            send("POST", "/orders", json={"name": name, "price": 7})
        ids = {one["name"]: one["id"] for one in send("GET", "/orders").json()["items"]}
        assert sorted(ids.values()) == [1, 2, 3]
        first = send("PUT", f"/orders/{ids['milk']}", json={"name": "milk", "price": 2, "parent_id": ids["tea"]})
        send("PUT", f"/orders/{ids['milk']}", json={"name": "milk", "price": 3, "parent_id": ids["tea"]},
             headers={"If-Match": first.headers["ETag"]})  # fmt: skip
        for name, amount in (("tea", 3), ("coffee", 2), ("milk", 1)):
            send("POST", f"/orders/{ids[name]}/lines", json={"what": name, "amount": amount})
        # It names itself, and not the proxy.
        place = httpx.URL(send("POST", "/uploads").headers["Location"]).raw_path.decode()
        send("PATCH", place, content=b"first")
        send("PATCH", place, content=b"second")
        send("POST", f"{place.partition('?')[0]}/finish", json={"name": "notes.txt"})


def test_small_ids_sessions_versions_lists_and_uploads(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with listening("-m", "tests.support.awkward_product", "1") as url:
        captured(data, url, a_day_with_the_awkward_product)
        before = httpx.get(f"{url}/everything").json()
    assert len(before["orders"]) == 3
    with listening("-m", "tests.support.awkward_product", "40") as url:
        report = replayed(data, url)
        assert httpx.get(f"{url}/everything").json() == before, report["not_identical"]
        assert report["exit_code"] == 0, [
            *report["not_identical"],
            *((one["path"], one["reason"]) for one in report["not_back"]),
        ]
        assert report["replay"]["counts"]["failed"] == 0


@contextmanager
def moto() -> Iterator[str]:
    """An AWS, empty: a server process of its own, because moto keeps its state in globals."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("moto_server")), "-p", str(port)]
    with answering(command, f"http://127.0.0.1:{port}/moto-api/") as url:
        yield url.removesuffix("/moto-api/")


def aws(service: str, url: str, **config: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": 0}, **config),
    )


def a_day_with_aws(url: str) -> None:
    dynamo = aws("dynamodb", url)
    dynamo.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(6):
        dynamo.put_item(TableName="orders", Item={"id": {"S": f"o{number}"}, "n": {"N": str(number)}})
    for number in range(3):
        dynamo.update_item(
            TableName="orders",
            Key={"id": {"S": f"o{number}"}},
            UpdateExpression="SET n = n + :x",
            ExpressionAttributeValues={":x": {"N": "100"}},
        )
    dynamo.delete_item(TableName="orders", Key={"id": {"S": "o5"}})
    queues = aws("sqs", url)
    queue = queues.create_queue(QueueName="jobs")["QueueUrl"]
    for number in range(4):
        queues.send_message(QueueUrl=queue, MessageBody=f"job {number}")
    taken = queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=1)["Messages"][0]
    queues.delete_message(QueueUrl=queue, ReceiptHandle=taken["ReceiptHandle"])
    s3 = aws("s3", url, s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="docs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="docs", Key="a/b.txt", Body=b"hello")
    upload = s3.create_multipart_upload(Bucket="docs", Key="big.bin")["UploadId"]
    parts = [
        {
            "PartNumber": part,
            "ETag": s3.upload_part(
                Bucket="docs", Key="big.bin", UploadId=upload, PartNumber=part, Body=bytes([part]) * (5 << 20)
            )["ETag"],
        }
        for part in (1, 2)
    ]
    s3.complete_multipart_upload(Bucket="docs", Key="big.bin", UploadId=upload, MultipartUpload={"Parts": parts})
    ec2 = aws("ec2", url)
    network = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    zone = "eu-west-1a"  # without one it takes any, and another one is a difference
    subnet = ec2.create_subnet(VpcId=network, CidrBlock="10.7.1.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=network)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0")
    ec2.create_tags(Resources=[network, subnet], Tags=[{"Key": "Name", "Value": "main"}])
    steps = aws("stepfunctions", url)
    machine = steps.create_state_machine(
        name="flow",
        definition='{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}',
        roleArn="arn:aws:iam::123456789012:role/r",
    )["stateMachineArn"]
    steps.start_execution(stateMachineArn=machine, input='{"k":1}')
    steps.tag_resource(resourceArn=machine, tags=[{"key": "a", "value": "b"}])


def what_aws_holds(url: str) -> dict[str, Any]:
    """Without the ids that it made."""
    dynamo, queues, ec2, steps = (aws(name, url) for name in ("dynamodb", "sqs", "ec2", "stepfunctions"))
    s3 = aws("s3", url, s3={"addressing_style": "path"})
    queue = queues.get_queue_url(QueueName="jobs")["QueueUrl"]
    messages = queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    networks = [one for one in ec2.describe_vpcs()["Vpcs"] if one["CidrBlock"] == "10.7.0.0/16"]
    ids = [one["VpcId"] for one in networks]
    subnets = [one for one in ec2.describe_subnets()["Subnets"] if one["VpcId"] in ids]
    groups = [one for one in ec2.describe_security_groups()["SecurityGroups"] if one["GroupName"] == "web"]
    return {
        "items": sorted(json.dumps(one, sort_keys=True) for one in dynamo.scan(TableName="orders")["Items"]),
        "messages": sorted(one["Body"] for one in messages),
        "objects": {
            one["Key"]: sha256(s3.get_object(Bucket="docs", Key=one["Key"])["Body"].read()).hexdigest()
            for one in s3.list_objects_v2(Bucket="docs").get("Contents", [])
        },
        "networks": [one.get("Tags") for one in networks],
        "subnets": [(one["CidrBlock"], one.get("Tags")) for one in subnets],
        "groups": [(one["VpcId"] in ids, [rule.get("FromPort") for rule in one["IpPermissions"]]) for one in groups],
        "machines": [
            (
                one["name"],
                steps.list_tags_for_resource(resourceArn=one["stateMachineArn"])["tags"],
                len(steps.list_executions(stateMachineArn=one["stateMachineArn"])["executions"]),
            )
            for one in steps.list_state_machines()["stateMachines"]
        ],
    }


@pytest.mark.timeout(180)
def test_an_aws_gets_back_tables_queues_uploads_networks_and_machines(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with moto() as url:
        captured(data, url, a_day_with_aws)
        before = what_aws_holds(url)
    assert (len(before["items"]), len(before["objects"]), before["networks"]) == (
        5,
        2,
        [[{"Key": "Name", "Value": "main"}]],
    )
    with moto() as url:
        report = replayed(
            data, url, "--allow-delete", "--credential", "sigv4=env:KEYS", KEYS="AKIAIOSFODNN7EXAMPLE:secret"
        )
        assert what_aws_holds(url) == before, report["not_identical"]
        assert report["exit_code"] == 0, [
            *report["not_identical"],
            *((one["path"], one["reason"]) for one in report["not_back"]),
        ]


@contextmanager
def devpi(folder: Path, outside: str | None = None) -> Iterator[str]:
    """A package index of its own, empty. `outside` is how it is to name itself."""
    tool = Path(sys.executable).parent
    subprocess.run([tool / "devpi-init", "--serverdir", folder, "--no-root-pypi"], capture_output=True, check=True)
    port = free_port()
    named = ["--outside-url", outside] if outside else []
    command = [tool / "devpi-server", "--serverdir", folder, "--host", "127.0.0.1", "--port", str(port), *named]
    with answering([str(part) for part in command], f"http://127.0.0.1:{port}/+api") as url:
        yield url.removesuffix("/+api")


def what_devpi_holds(url: str) -> dict[str, Any]:
    """Users, indexes, and the releases in them, without when they came."""
    with httpx.Client(base_url=url, headers={"Accept": "application/json"}) as client:
        found: dict[str, Any] = {}
        for name, user in client.get("/").json()["result"].items():
            found[name] = {key: value for key, value in user.items() if key not in ("created", "modified")}
            for index in user["indexes"]:
                content = client.get(f"/{name}/{index}").json()["result"]
                for project in content["projects"]:
                    for version, release in client.get(f"/{name}/{index}/{project}").json()["result"].items():
                        links = [
                            (
                                link["hash_spec"],
                                client.get(httpx.URL(link["href"]).path, headers={"Accept": "*/*"}).content,
                            )
                            for link in release.pop("+links")
                        ]
                        found[f"{name}/{index}/{project}/{version}"] = release, links
        return found


@pytest.mark.timeout(240)
def test_a_package_index_with_logins_and_uploads(tmp_path: Path) -> None:
    data, home = tmp_path / "data", tmp_path / "home"
    home.mkdir()
    package = tmp_path / "demo-1.0.tar.gz"
    with tarfile.open(package, "w:gz") as archive:
        content = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nSummary: a demonstration\n"
        member = tarfile.TarInfo("demo-1.0/PKG-INFO")
        member.size = len(content)
        archive.addfile(member, BytesIO(content))

    def client(command: str, *arguments: str) -> None:
        tool = Path(sys.executable).with_name("devpi")
        environment = {"HOME": str(home), "PATH": f"{tool.parent}:/usr/bin:/bin"}
        done = subprocess.run(
            [tool, command, "--clientdir", home, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def use(url: str) -> None:
        client("use", url)
        client("user", "-c", "alice", "password=s3cret-s3cret", "email=alice@example.org")
        client("login", "alice", "--password=s3cret-s3cret")
        client("index", "-c", "dev", "bases=")
        client("use", "alice/dev")
        client("upload", str(package))
        client("index", "alice/dev", "volatile=False")
        client("user", "-m", "alice", "title=Boss")

    # Its answers name it by URL and its client follows them, so it has to know where it is seen from outside.
    port = free_port()
    with devpi(tmp_path / "first", f"http://127.0.0.1:{port}") as url:
        captured(data, url, use, port)
        before = what_devpi_holds(url)
    assert [len(links) for _, links in [before["alice/dev/demo/1.0"]]] == [1]
    with devpi(tmp_path / "second") as url:
        report = replayed(data, url)
        assert what_devpi_holds(url) == before, report["not_identical"]
        assert report["not_identical"] == []
        # Its client read the user and then changed it in a way of its own: what a read would have shown is unknown.
        unclear = {one["path"]: (one["result"], one["reason"]) for one in report["not_back"]}
        assert unclear == {"/alice": ("unknown", "it was not read after it was written")}
