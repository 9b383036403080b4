"""The report as a page: what is not back comes first, and nothing captured becomes markup."""

from html.parser import HTMLParser
from uuid import UUID

from entrepot_api.views.replay_page import report_page
from entrepot_replay.report import Report
from entrepot_store.catalog.replay_checks import CheckCounts, CheckResult, CheckRow, VerificationRow
from entrepot_store.catalog.replays import Difference, ReplayRow, ReplayState, StepCounts, StepRow, StepState, Verdict

AT = 1_763_800_000_000_000
HOSTILE = "</style></title><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;\x1b[31m\u202e"


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def report(text: str) -> Report:
    differences = (Difference(text, text, text),)
    row = ReplayRow(
        *(UUID(int=1), AT, text, text, ReplayState.FINISHED),
        plan={"warnings": [{"kind": "gap", "text": text}], "lost": {}},
        reason=text,
    )
    step = StepRow(
        *(0, UUID(int=2), text, text, 200, 1, StepState.DONE, Verdict.FAILED),
        live_status=409, reason=text, differences=differences,
    )  # fmt: skip
    check = CheckRow(
        *(0, text, CheckResult.MISSING, text, text, text, UUID(int=3), AT, 200, 404, text), differences=differences
    )
    counts = CheckCounts(restored=2999, missing=1)
    verification = VerificationRow(UUID(int=4), UUID(int=1), AT, 3000, AT, AT, text, counts)
    return Report(row, StepCounts(failed=1), (step,), 2, verification, (check,), 3)


def test_nothing_captured_becomes_markup() -> None:
    hostile, plain = Page(report_page(report(HOSTILE))), Page(report_page(report("x")))
    assert hostile.tags == plain.tags
    assert hostile.attributes == plain.attributes
    assert not {"script", "img", "link", "iframe", "form", "a"} & set(plain.tags)
    whole = "".join(hostile.texts)
    assert whole.count("<script>alert(1)</script>") >= 15  # it is all there, to be read
    assert "\x1b" not in whole
    assert "\u202e" not in whole


def test_what_is_not_back_comes_first() -> None:
    text = report_page(report("x"))
    assert text.index("1 of 3000 documents are not back") < text.index("missing") < text.index("Back: 99.9 %")
    assert "default-src &#x27;none&#x27;" in text
    assert "http://" not in text
    assert "url(" not in text
