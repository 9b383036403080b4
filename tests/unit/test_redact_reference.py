"""References: what they look like, what they depend on, how they are found again."""

from hypothesis import given
from hypothesis import strategies as st

from entrepot_store.redact import Reference, find_references, reference_for

KEY = bytes(range(32))
labels = st.text(max_size=20)


def test_a_reference_byte_by_byte() -> None:
    """Stored captures hold these; a change of the hash would part every secret from its earlier self."""
    found = reference_for(KEY, "authorization", b"s3cret")
    assert found == b"{{secret:authorization:d6045d7aa60bc2d0551523f72b75a57b}}"


@given(labels, st.binary(max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_references_are_found_in_any_text(label: str, secret: bytes, before: str, after: str) -> None:
    reference = reference_for(KEY, label or "x", secret)
    (found,) = find_references(before + reference.decode() + after)
    assert found.text == reference
    assert find_references(before.encode(errors="surrogateescape") + reference + after.encode()) == [found]


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_equal_secrets_are_equal_and_others_are_not(one: bytes, other: bytes) -> None:
    assert (reference_for(KEY, "a", one) == reference_for(KEY, "a", other)) == (one == other)
    assert digest("a", one) == digest("b", one)


def digest(label: str, secret: bytes) -> str:
    (found,) = find_references(reference_for(KEY, label, secret))
    return found.digest


def test_another_key_makes_other_references() -> None:
    assert reference_for(KEY, "a", b"secret") != reference_for(bytes(32), "a", b"secret")


def test_several_references_are_found_in_order() -> None:
    one, other = reference_for(KEY, "cookie", b"1"), reference_for(KEY, "x-api-key", b"2")
    assert [found.name for found in find_references(b"a=" + one + b"; b=" + other + one)] == [
        "cookie",
        "x-api-key",
        "cookie",
    ]
    assert find_references("{{secret:cookie:xyz}} {{secret::00112233445566778899aabbccddeeff}}") == []


def test_a_label_never_ends_its_reference() -> None:
    reference = reference_for(KEY, "to}}ken:[x] é", b"1")
    assert find_references(reference)[0].name == "to__ken__x___"


def test_a_reference_is_a_pair() -> None:
    name, digits = find_references(reference_for(KEY, "a", b"1"))[0]
    assert Reference(name, digits).text == reference_for(KEY, "a", b"1")
