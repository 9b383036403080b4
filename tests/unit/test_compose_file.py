"""docker-compose.yml keeps its promises: pinned images, health checks, no default secrets, proxies that scale."""

import re

import pytest

from tests.support.compose import FILE, ROOT, MissingVariable, interpolate, load

SECRETS = {"MINIO_ROOT_USER": "user", "MINIO_ROOT_PASSWORD": "of-minio", "POSTGRES_PASSWORD": "of-postgres"}
COMPOSE = load()
SERVICES = COMPOSE["services"]
OURS = ("proxy", "shipper", "api")


def test_services_are_those_of_the_design() -> None:
    assert SERVICES.keys() == {"haproxy", "proxy", "shipper", "api", "minio", "postgres"}


@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_starts_without_a_secret(secret: str) -> None:
    variables = {name: value for name, value in SECRETS.items() if name != secret}
    with pytest.raises(MissingVariable, match=f"set {secret}"):
        interpolate(COMPOSE, variables)


def test_every_secret_comes_from_outside() -> None:
    """Whatever is called a password or key is nothing but a variable."""
    literal = [
        f"{service}.{name}"
        for service, definition in SERVICES.items()
        for name, value in definition.get("environment", {}).items()
        if re.search(r"PASSWORD|SECRET|ACCESS_KEY|ROOT_USER|TOKEN", name)
        and not re.fullmatch(r"\$\{\w+:\?[^}]*\}", value)
    ]
    assert literal == []


@pytest.mark.parametrize("service", SERVICES)
def test_service_has_a_health_check_and_comes_back(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[service]["restart"] == "unless-stopped"


def test_images_of_others_are_pinned() -> None:
    images = {name: definition["image"] for name, definition in SERVICES.items() if name not in OURS}
    for image in images.values():
        assert re.search(r":[^:@/]*\d[^:@/]*(@sha256:[0-9a-f]{64})?$", image), image
    assert re.fullmatch(r"quay\.io/minio/minio:RELEASE\.[\dTZ-]+@sha256:[0-9a-f]{64}", images["minio"])


def test_header_tells_of_minios_end_and_its_fork() -> None:
    header = FILE.read_text().partition("\nname:")[0]
    assert "archived" in header
    assert "April 2026" in header
    assert "pgsty/silo" in header


def test_named_volumes_are_declared_and_files_are_there() -> None:
    for definition in SERVICES.values():
        for volume in definition.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).is_file(), source
            else:
                assert source in COMPOSE["volumes"], source


def test_dependencies_wait_for_health() -> None:
    for definition in SERVICES.values():
        for name, condition in definition.get("depends_on", {}).items():
            assert condition == {"condition": "service_healthy"}
            assert name in SERVICES


def test_proxy_can_be_scaled() -> None:
    proxy = SERVICES["proxy"]
    assert "ports" not in proxy
    assert "container_name" not in proxy
    assert proxy["environment"]["ENTREPOT_REPLICA"] == "1"


def test_balancer_reaches_the_port_that_proxies_listen_on() -> None:
    balancer = (ROOT / "deploy" / "haproxy.cfg").read_text()
    port = SERVICES["proxy"]["command"][-1].rpartition(":")[2]
    assert f" proxy:{port} check" in balancer
    assert "mode tcp" in balancer, "CONNECT and TLS must pass untouched"
    assert SERVICES["haproxy"]["ports"][0].rpartition(":")[2] == "8080"
    assert "bind *:8080" in balancer


def test_nothing_is_published_beyond_this_machine_by_default() -> None:
    published = [interpolate(port, {}) for definition in SERVICES.values() for port in definition.get("ports", [])]
    assert len(published) == 2
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("service", OURS)
def test_our_containers_have_no_more_rights_than_they_need(service: str) -> None:
    definition = SERVICES[service]
    assert definition["read_only"] is True
    assert definition["cap_drop"] == ["ALL"]
    assert definition["security_opt"] == ["no-new-privileges:true"]


def test_image_runs_as_nobody_special_and_installs_only_what_is_pinned() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    final = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert any(line == "USER entrepot" for line in final)
    assert any(line.startswith("HEALTHCHECK") for line in final)
    installs = [line for line in lines if "pip install" in line]
    assert installs
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    missing = [source for sources in copied for source in sources if not (ROOT / source).exists()]
    assert missing == []
