"""The command line itself: help, errors, exit codes. No command's own work is done here."""

import subprocess
import sys

import pytest

from entrepot_api.cli import errors, group
from entrepot_api.cli.registry import COMMANDS
from entrepot_store.errors import EntrepotError, NotFound
from tests.support.faces import run_cli


def subclasses(kind: type[EntrepotError]) -> set[type[EntrepotError]]:
    return {kind}.union(*(subclasses(below) for below in kind.__subclasses__()))


def test_help_names_every_command_and_loads_none() -> None:
    script = (
        "import sys\n"
        "from entrepot_api.cli import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "finally:\n"
        "    heavy = {'sqlalchemy', 'fastapi', 'minio', 'mitmproxy', 'rich', 'pydantic'} & set(sys.modules)\n"
        "    print('loaded', sorted(heavy))\n"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    for entry in COMMANDS:
        assert f"\n  {entry.name} " in shown
        assert entry.summary in " ".join(shown.split())
    assert "loaded []" in shown


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_every_command_loads_and_has_help(entry: group.Entry, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    shown = run_cli(capfdbinary, entry.name, "--help")
    assert shown.code == 0
    assert f"Usage: entrepot {entry.name}" in shown.out
    assert group.load(entry).help


def test_an_unknown_command_is_refused_with_a_suggestion(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    shown = run_cli(capfdbinary, "exchangs")
    assert shown.code == 2
    assert "exchanges" in shown.err


def test_version(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run_cli(capfdbinary, "--version").out.startswith("entrepot 0.")


@pytest.mark.parametrize("kind", sorted(subclasses(EntrepotError), key=lambda kind: kind.__name__))
def test_every_error_is_one_sentence_and_its_exit_code(
    kind: type[EntrepotError], capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise kind("It broke \x1b[31mbadly.", hint="Mend it.")

    with pytest.raises(SystemExit) as ended:
        errors.guarded(fail)
    assert ended.value.code == kind.exit_code
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "Error: It broke \\x1b[31mbadly. Mend it.\n"


def test_whatever_else_happens_is_one_sentence_too(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a defect of ours")

    for debug in ("", "1"):
        monkeypatch.setenv("ENTREPOT_DEBUG", debug)
        with pytest.raises(SystemExit) as ended:
            errors.guarded(fail)
        assert ended.value.code == 1
        err = capfd.readouterr().err
        assert ("Traceback" in err) is (debug == "1")
        assert "Error: Internal error: ZeroDivisionError: a defect of ours." in err


def test_errors_of_the_operating_system_name_the_file(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise PermissionError(13, "Permission denied", "/some/file")

    with pytest.raises(SystemExit) as ended:
        errors.guarded(fail)
    assert ended.value.code == 1
    assert capfd.readouterr().err == "Error: /some/file: Permission denied.\n"


def test_an_interrupt_ends_as_a_shell_expects() -> None:
    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        errors.guarded(fail)
    assert ended.value.code == 130


def test_an_error_without_a_hint_has_no_trailing_space(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise NotFound("Nothing is there.")

    with pytest.raises(SystemExit):
        errors.guarded(fail)
    assert capfd.readouterr().err == "Error: Nothing is there.\n"
