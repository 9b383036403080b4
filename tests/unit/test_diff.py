"""What differs between two contents: each way of comparing, the bounds, and what hostile contents do."""

import itertools
import json
import sys
import time
import zipfile
from hashlib import sha256
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot_store.diff import (
    MAX_COMPARED,
    Content,
    Diff,
    Hunk,
    Kind,
    Op,
    PathChange,
    TableChange,
    compare,
    xlsx_table,
)
from entrepot_store.diff.align import align, gaps
from entrepot_store.diff.media import XLSX

JSON, TEXT, CSV = "application/json", "text/plain; charset=utf-8", "text/csv"


comparing = sys.modules["entrepot_store.diff.compare"]  # the package has a function of that name


def content(data: bytes, media_type: str) -> Content:
    return Content(media_type, len(data), sha256(data).digest(), lambda: data)


def diff(before: bytes, after: bytes, media_type: str = JSON, **more: Any) -> Diff:
    return compare(content(before, media_type), content(after, media_type), **more)


def by_path(before: Any, after: Any) -> list[tuple[str, str, Any, Any]]:
    found = diff(json.dumps(before).encode(), json.dumps(after).encode())
    assert found.kind is Kind.JSON
    changes = [change for change in found.changes if isinstance(change, PathChange)]
    return [(change.op.value, change.path, change.before, change.after) for change in changes]


# JSON


def test_json_is_compared_by_path() -> None:
    before = {"a": 1, "b": {"c": [1, 2], "odd name": None}, "gone": {"x": 1}, "t": True}
    after = {"t": 1, "b": {"c": [1, 3], "odd name": ""}, "a": 1.0, "new": []}
    assert by_path(before, after) == [
        ("changed", "$.b.c[1]", 2, 3),
        ("changed", '$.b["odd name"]', None, ""),
        ("removed", "$.gone", {"x": 1}, None),
        ("changed", "$.t", True, 1),
        ("added", "$.new", None, []),
    ]


def test_elements_put_in_at_the_front_do_not_change_those_behind() -> None:
    assert by_path([{"v": 1}, {"v": 2}], [{"v": 0}, {"v": 1}, {"v": 2}]) == [("added", "$[0]", None, {"v": 0})]
    assert by_path([1, 2, 3, 4], [1, 3, 4]) == [("removed", "$[1]", 2, None)]


def test_elements_with_an_id_are_matched_by_it() -> None:
    before = [{"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "c", "n": 3}]
    after = [{"id": "c", "n": 3}, {"id": "a", "n": 9}, {"id": "d", "n": 4}]
    assert by_path({"items": before}, {"items": after}) == [
        ("changed", "$.items[1].n", 1, 9),
        ("removed", "$.items[1]", {"id": "b", "n": 2}, None),
        ("added", "$.items[2]", None, {"id": "d", "n": 4}),
        ("moved", "$.items", None, None),
    ]
    # 1 and true name different elements, whatever Python thinks
    assert by_path([{"id": 1}, {"id": True}], [{"id": True}, {"id": 1}]) == [("moved", "$", None, None)]


def test_numbers_are_compared_exactly_and_by_value() -> None:
    assert not diff(b'{"a": 1.0, "b": 100}', b'{"b":1e2,"a":1}').changes
    assert "the data does not" in diff(b'{"a": 1.0}', b'{"a":1}').note
    (change,) = diff(b"[0.1]", b"[0.1000000000000000000001]").changes
    assert change == PathChange(Op.CHANGED, "$[0]", 0.1, "0.1000000000000000000001")
    (change,) = diff(b"[9007199254740993]", b"[9007199254740992]").changes
    assert change == PathChange(Op.CHANGED, "$[0]", 9007199254740993, 9007199254740992)
    (change,) = diff(b"[1e999]", b"[" + b"9" * 5000 + b"]").changes
    assert isinstance(change, PathChange)
    assert (change.before, change.after) == ("1E+999", "9" * 5000)


def test_what_is_no_json_is_compared_as_text_and_says_so() -> None:
    for wrong in (b'{"a": NaN}', b"{,}", b"<html>"):
        found = diff(b'{"a": 1}', wrong)
        assert found.kind is Kind.TEXT
        assert found.note == "It says that it is application/json, and is no JSON."
        assert found.changes
    assert diff(b"{}", b"\x00\xff").kind is Kind.BINARY
    deep = b"[" * 20_000 + b"]" * 20_000
    assert "too deep" in diff(deep, b"[" + deep + b"]").note


def test_every_value_can_be_written_as_json_again() -> None:
    found = diff(b"{}", rb'{"\ud800": "\udfff", "nul": "\u0000", "\u202e": 1}')
    for change in found.changes:
        assert isinstance(change, PathChange)
        json.dumps([change.path, change.after], ensure_ascii=False).encode()


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "a", "b"]), inner, max_size=3),
    max_leaves=12,
)


@given(values, values)
def test_no_change_is_found_exactly_where_there_is_none(before: Any, after: Any) -> None:
    same = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    assert (by_path(before, after) == []) is same


# Text


def unified(found: Diff) -> list[str]:
    lines = []
    for hunk in found.changes:
        assert isinstance(hunk, Hunk)
        lines.append(f"@@ -{hunk.from_line},{hunk.from_count} +{hunk.to_line},{hunk.to_count} @@")
        lines += hunk.lines
    return lines


def test_text_is_compared_by_line() -> None:
    before = "".join(f"line {number}\n" for number in range(1, 21))
    after = before.replace("line 2\n", "line two\n").replace("line 19\n", "").replace("line 20\n", "line 20")
    assert unified(diff(before.encode(), after.encode(), TEXT)) == [
        *("@@ -1,5 +1,5 @@", " line 1", "-line 2", "+line two", " line 3", " line 4", " line 5"),
        *("@@ -16,5 +16,4 @@", " line 16", " line 17", " line 18", "-line 19", "-line 20", "+line 20"),
        "\\ No newline at end of file",
    ]
    assert unified(diff(b"", b"a\n", TEXT)) == ["@@ -0,0 +1,1 @@", "+a"]


@given(st.lists(st.sampled_from("abcd\n"), max_size=30), st.lists(st.sampled_from("abcd\n"), max_size=30))
def test_a_unified_diff_makes_the_one_text_into_the_other(one: list[str], other: list[str]) -> None:
    before, after = "".join(one), "".join(other)
    found = diff(before.encode(), after.encode(), TEXT)
    lines, made, position = [*before.splitlines(keepends=True)], "", 0
    for hunk in found.changes:
        assert isinstance(hunk, Hunk)
        start = hunk.from_line - (1 if hunk.from_count else 0)
        made += "".join(lines[position:start])
        position = start + hunk.from_count
        for index, line in enumerate(hunk.lines):
            unended = index + 1 < len(hunk.lines) and hunk.lines[index + 1].startswith("\\")
            if line[0] in " +":
                made += line[1:] + ("" if unended else "\n")
    assert made + "".join(lines[position:]) == after


def test_text_is_read_as_it_says_and_line_ends_count() -> None:
    assert diff("grün\n".encode("utf-16"), "blau\n".encode("utf-16"), "text/plain").kind is Kind.TEXT
    latin = diff("grün\n".encode("latin-1"), "grüner\n".encode("latin-1"), "text/plain; charset=nonsense")
    assert unified(latin)[1:] == ["-grün", "+grüner"]
    assert unified(diff(b"a\r\n", b"a\n", TEXT))[1:] == ["-a\r", "+a"]
    assert "another encoding" in diff("ü".encode(), "ü".encode("utf-16"), "text/plain").note


def test_an_unknown_type_is_judged_by_its_bytes() -> None:
    assert diff(b'{"a": 1}', b'{"a": 2}', "").kind is Kind.JSON
    assert diff(b"a\n", b"b\n", "application/octet-stream").kind is Kind.TEXT
    assert diff(b"\x00\x01", b"\x00\x02", "application/octet-stream").kind is Kind.BINARY
    assert "size, type and digest" in diff(b"%PDF-1", b"%PDF-2", "application/pdf").note


def test_no_bytes_are_not_complained_about_as_bad_json() -> None:
    assert (diff(b"", b"{}").kind, diff(b"", b"{}").note) == (Kind.TEXT, "The content was empty before.")
    assert diff(b"{}", b"").note == "The content is empty."


# Tables


def cells(before: str, after: str, media_type: str = CSV) -> list[TableChange]:
    found = diff(before.encode(), after.encode(), media_type)
    assert found.kind is Kind.TABLE, found
    return [change for change in found.changes if isinstance(change, TableChange)]


def test_csv_is_compared_by_row_and_column() -> None:
    before = 'sku,price,name\nA1,10,"Desk, oak"\nB2,20,Chair\nC3,30,Lamp\n'
    after = 'sku,name,price,vat\nC3,Lamp,30,19\nA1,"Desk, oak",12,19\nD4,Shelf,5,19\n'
    assert cells(before, after) == [
        TableChange(Op.ADDED, column="vat"),
        TableChange(Op.MOVED, before="sku, price, name", after="sku, name, price, vat"),
        TableChange(Op.CHANGED, None, 3, "A1", "price", "10", "12"),
        TableChange(Op.REMOVED, None, 3, "B2", values={"sku": "B2", "price": "20", "name": "Chair"}),
        TableChange(Op.ADDED, None, 4, "D4", values={"sku": "D4", "name": "Shelf", "price": "5", "vat": "19"}),
        TableChange(Op.MOVED),
    ]


def test_rows_without_a_key_are_matched_by_their_order() -> None:
    before, after = "1;a;x\n1;b;y\n2;c;z\n", "0;n;n\n1;a;x\n1;b;Y\n2;c;z\n"
    assert cells(before, after) == [
        TableChange(Op.ADDED, None, 1, values={"A": "0", "B": "n", "C": "n"}),
        TableChange(Op.CHANGED, None, 3, None, "C", "y", "Y"),
    ]
    assert cells("a,b\n1,2\n", "a,b\n1,3\n", "text/csv; header=absent")[0].row == 2


def workbook(**sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    target = BytesIO()
    book.save(target)
    return target.getvalue()


def test_spreadsheets_are_compared_by_sheet_row_and_column() -> None:
    before = workbook(Prices=[["sku", "net"], ["A1", 10], ["B2", 20.5]], Old=[["x"]])
    after = workbook(Prices=[["sku", "net"], ["A1", 11], ["B2", "=B2*2"]], New=[["x"]])
    found = diff(before, after, XLSX)
    assert found.changes == (
        TableChange(Op.CHANGED, "Prices", 2, "A1", "net", "10", "11"),
        TableChange(Op.CHANGED, "Prices", 3, "B2", "net", "20.5", "=B2*2"),
        TableChange(Op.REMOVED, "Old"),
        TableChange(Op.ADDED, "New"),
    )
    crossed = compare(content(b"sku,net\nA1,10\n", CSV), content(workbook(Prices=[["sku", "net"], ["A1", 11]]), XLSX))
    assert crossed.kind is Kind.TABLE
    assert "media type changed from text/csv" in crossed.note
    assert [change.after for change in crossed.changes if isinstance(change, TableChange)] == ["11"]


def test_hostile_spreadsheets_are_compared_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_table, "MAX_UNPACKED", 1_000_000)
    good = workbook(Prices=[["sku"]])
    bomb = BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"xl/{number}.xml", b"\0" * 500_000)
    for bad, why in ((bomb.getvalue(), "unpacks to"), (b"PK\x03\x04nonsense", "no zip"), (good[:-30], "no zip")):
        found = diff(good, bad, XLSX)
        assert found.kind is Kind.BINARY
        assert why in found.note
    with zipfile.ZipFile(BytesIO(good)) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    sheet = next(name for name in parts if name.startswith("xl/worksheets/"))
    evil = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd"><!ENTITY l "lol">'
    evil += b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%s;" % (b"%d" % (n - 1) if n else b"") * 10) for n in range(9))
    for entity in (b"&f;", b"&l8;"):
        start = parts[sheet].index(b"<worksheet")
        bad = parts[sheet][:start] + evil + b"]>" + parts[sheet][start:].replace(b"sku", entity)
        assert entity in bad
        target = BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for name, part in (parts | {sheet: bad}).items():
                archive.writestr(name, part)
        found = diff(good, target.getvalue(), XLSX)
        assert "cannot be read as a spreadsheet" in found.note
    far = openpyxl.Workbook()
    far.worksheets[0]["A100000"] = "x"
    target = BytesIO()
    far.save(target)
    blank = workbook(Sheet=[])
    found = diff(blank, target.getvalue(), XLSX)  # a hundred thousand empty rows say nothing
    assert found.changes == (TableChange(Op.ADDED, "Sheet", column="x"),)
    monkeypatch.setattr(xlsx_table, "MAX_CELLS", 1000)
    assert "1000 cells" in diff(good, target.getvalue(), XLSX).note


# Everything else


def test_contents_of_different_types_are_not_compared() -> None:
    found = compare(content(b"{}", JSON), content(b"a,b\n", CSV))
    assert (found.kind, found.changes) == (Kind.BINARY, ())
    assert found.note.startswith("The media type changed from application/json to text/csv: contents of different")
    assert compare(content(b"{}", JSON), content(b"{} ", "application/merge-patch+json")).kind is Kind.JSON


def test_equal_deleted_and_long_contents_are_not_read() -> None:
    def unread() -> bytes:
        raise AssertionError("this was not to be read")

    one = Content(JSON, 5, b"digest", unread)
    long = Content(JSON, MAX_COMPARED + 1, b"other", unread)
    assert compare(one, one) == Diff(Kind.JSON, identical=True)
    assert compare(one, None).note == "The document was deleted."
    assert compare(None, one).kind is Kind.TOMBSTONE
    assert compare(None, None).identical
    assert compare(one, long).kind is Kind.BINARY
    assert str(MAX_COMPARED) in compare(one, long).note


def test_changes_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    found = diff(json.dumps([0] * 50).encode(), json.dumps([1] * 50).encode(), limit=7)
    assert (len(found.changes), found.more) == (7, 43)
    monkeypatch.setattr(comparing, "MAX_COUNTED", 20)
    found = diff(json.dumps([0] * 50).encode(), json.dumps([1] * 50).encode(), limit=7)
    assert (found.more, found.note) == (20, "Counting ended after 20 further changes.")


# Alignment


@given(st.lists(st.integers(0, 5), max_size=25), st.lists(st.integers(0, 5), max_size=25))
def test_alignment_pairs_what_is_equal_and_ascends(one: list[int], other: list[int]) -> None:
    pairs = align(one, other)
    assert all(one[left] == other[right] for left, right in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(pairs))
    covered = sum(end - start for start, end, _, _ in gaps(pairs, len(one), len(other)))
    assert covered + len(pairs) == len(one)


@pytest.mark.parametrize("length", [30_000])
def test_alignment_of_what_is_made_to_be_slow_ends_soon(length: int) -> None:
    started = time.process_time()
    align([number % 7 for number in range(length)], [number % 5 for number in range(length)])
    align(list(range(length)), list(range(length))[::-1])
    assert time.process_time() - started < 20
