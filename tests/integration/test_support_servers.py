"""The servers that the other tests stand on: they answer, they are separate, their limits are real."""

import io

import psycopg
import pytest
from minio import Minio
from minio.error import S3Error

from tests.support.servers import S3Server


@pytest.mark.s3
def test_seaweedfs_keeps_an_object_and_knows_its_reader(seaweedfs: S3Server) -> None:
    client, bucket = seaweedfs.client(), seaweedfs.new_bucket()
    client.make_bucket(bucket)
    client.put_object(bucket, "a/b", io.BytesIO(b"hello"), 5)
    reader = Minio(
        seaweedfs.endpoint.removeprefix("http://"), seaweedfs.reader_key, seaweedfs.reader_secret, secure=False
    )
    assert reader.get_object(bucket, "a/b").read() == b"hello"
    with pytest.raises(S3Error, match="AccessDenied"):
        reader.put_object(bucket, "a/c", io.BytesIO(b"no"), 2)


@pytest.mark.postgres
def test_every_postgres_url_is_a_database_of_its_own(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert found == (0,)
