"""What `entrepot run` tells a program: where the proxy is, who it is, whom it may trust."""

from pathlib import Path

import certifi
import pytest

from entrepot_api.program import proxy_url_of, variables, write_bundle
from entrepot_api.program.variables import ADDING, REPLACING
from entrepot_store.errors import BadInput, ConfigError

CA = Path(certifi.where()).read_text(encoding="ascii").split("-----END CERTIFICATE-----")[0].partition("-----BEGIN")
OWN = "-----BEGIN" + CA[2] + "-----END CERTIFICATE-----"


def test_name_becomes_the_proxy_user() -> None:
    assert proxy_url_of("http://127.0.0.1:8080", "billing") == "http://billing:entrepot@127.0.0.1:8080"


def test_without_a_name_the_url_stays() -> None:
    assert proxy_url_of("http://127.0.0.1:8080", None) == "http://127.0.0.1:8080"


def test_user_already_in_the_url_is_replaced() -> None:
    assert proxy_url_of("http://other:x@proxy:8080", "billing") == "http://billing:entrepot@proxy:8080"


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "socks5://127.0.0.1:1080", "http://"])
@pytest.mark.parametrize("source", ["billing", None])
def test_what_is_no_proxy_is_refused(url: str, source: str | None) -> None:
    with pytest.raises(BadInput, match="is not the URL of a proxy"):
        proxy_url_of(url, source)


def test_every_variable_that_was_promised_is_set() -> None:
    told = variables("http://p:1", "", Path("/ca.pem"), Path("/bundle.pem"))
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    assert {name: told[name] for name in proxies} == dict.fromkeys(proxies, "http://p:1")
    assert {told[name] for name in REPLACING} == {"/bundle.pem"}
    assert {told[name] for name in ADDING} == {"/ca.pem"}
    promised = {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"}
    assert promised <= told.keys()
    assert "ALL_PROXY" not in told


def test_loopback_is_not_left_out_unless_asked_for() -> None:
    assert variables("http://p:1", "", None, None)["NO_PROXY"] == ""
    assert variables("http://p:1", "127.0.0.1", None, None)["no_proxy"] == "127.0.0.1"


def test_unknown_ca_leaves_trust_stores_alone() -> None:
    assert not {*REPLACING, *ADDING} & variables("http://p:1", "", None, None).keys()


def test_bundle_holds_what_was_trusted_before_and_ours(tmp_path: Path) -> None:
    ca, corporate = tmp_path / "ca.pem", tmp_path / "corporate.pem"
    ca.write_text(OWN.replace("MII", "MIX", 1))
    corporate.write_text("# Corporate root, with a name: Zürich\n" + OWN.replace("MII", "MIY", 1), encoding="utf-8")
    bundle = write_bundle(tmp_path / "bundle.pem", ca, {"SSL_CERT_FILE": str(corporate), "PIP_CERT": "/not/there"})
    text = bundle.read_text(encoding="ascii")
    assert ca.read_text() in text
    assert OWN.replace("MII", "MIY", 1) in text
    assert text.count("BEGIN CERTIFICATE") >= Path(certifi.where()).read_text(encoding="ascii").count("BEGIN CERT") + 2
    blocks = text.split("-----BEGIN CERTIFICATE-----")[1:]
    assert len(blocks) == len(set(blocks)), "a certificate is in the bundle twice"


def test_file_without_a_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="holds no certificate"):
        write_bundle(tmp_path / "bundle.pem", tmp_path / "ca.pem", {})
    with pytest.raises(ConfigError, match="is not there"):
        write_bundle(tmp_path / "bundle.pem", tmp_path / "mistyped.pem", {})
