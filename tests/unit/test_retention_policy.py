"""The keep policy: restic's words and restic's meaning, and what differs because a version holds until the next."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from entrepot_store.config.rule import KeepConfig
from entrepot_store.retention.policy import Held, reasons_to_keep

DAY = 86_400_000_000
HOUR = DAY // 24
NOW = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()) * 1_000_000


def history(*moments: int) -> list[Held]:
    """Versions that began at these moments, each holding until the next."""
    ordered = sorted(moments)
    return [Held(at, until) for at, until in zip(ordered, [*ordered[1:], None], strict=True)]


def kept(versions: list[Held], now: int = NOW, **words: int | str) -> list[int]:
    reasons = reasons_to_keep(versions, KeepConfig.model_validate(words), now)
    return [version.at for version, said in zip(versions, reasons, strict=True) if said]


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp()) * 1_000_000


def test_counts_take_the_newest_of_each_bucket_and_words_are_ored() -> None:
    versions = history(
        *map(at, ("2026-11-20T08:00", "2026-11-20T09:10", "2026-11-20T09:50", "2026-11-21T01:00", "2026-11-22T01:00"))
    )
    moments = [version.at for version in versions]
    assert kept(versions, last=2) == moments[3:]
    assert kept(versions, daily=2) == moments[3:]
    assert kept(versions, hourly=3) == moments[2:]
    assert kept(versions, last=1, daily=3) == moments[2:]
    reasons = reasons_to_keep(versions, KeepConfig(last=1, daily=3), NOW)
    assert reasons == [(), (), ("daily",), ("daily",), ("last", "daily")]


def test_the_oldest_stays_while_a_count_is_not_used_up() -> None:
    """As restic does: the history is as long as the counts allow."""
    versions = history(at("2024-02-01"), at("2024-03-01"), at("2024-04-01"))
    assert kept(versions, yearly=3) == [versions[0].at, versions[2].at]
    assert kept(versions, yearly=1) == [versions[2].at]


def test_weeks_are_iso_weeks_and_belong_to_their_year() -> None:
    # 2021-01-03 is a Sunday of the last week of 2020, 2021-01-04 the Monday of the first week of 2021.
    versions = history(at("2020-12-28"), at("2021-01-03"), at("2021-01-04"), at("2026-01-01"))
    assert kept(versions, weekly=3) == [version.at for version in versions[1:]]


def test_spans_reach_back_from_the_latest_version_and_not_from_now() -> None:
    versions = history(at("2020-01-01"), at("2020-06-01"), at("2020-06-20"))
    assert kept(versions, within="30d") == [version.at for version in versions], "the first held until 1 June"
    assert kept(versions, within="10d") == [version.at for version in versions[1:]]


def test_a_version_in_the_future_makes_nothing_old() -> None:
    versions = history(NOW - 2 * DAY, NOW - DAY, NOW + 4000 * DAY)
    assert kept(versions, within="7d") == [version.at for version in versions]


def test_a_burst_does_not_push_out_what_held_for_years() -> None:
    good = NOW - 900 * DAY
    burst = [NOW - DAY + number * 1_000_000 for number in range(500)]
    assert good in kept(history(good, *burst), within="30d")
    assert good in kept(history(good, *burst), within_daily="30d")
    assert good not in kept(history(good, *burst), last=50), "a count can be used up, which is why there is within"


def test_within_daily_thins_out_and_within_does_not() -> None:
    versions = history(*(NOW - 3 * DAY + number * HOUR for number in range(72)))
    assert kept(versions, within="12h") == [version.at for version in versions[-13:]]
    assert len(kept(versions, within_daily="2d")) == 3


WORDS = st.fixed_dictionaries(
    {},
    optional={
        **{word: st.integers(1, 6) for word in ("last", "hourly", "daily", "weekly", "monthly", "yearly")},
        **{f"within{suffix}": st.sampled_from(["3h", "2d", "40d", "1y"]) for suffix in ("", "_hourly", "_daily")},
    },
).filter(bool)
MOMENTS = st.lists(st.integers(-600 * 24, 10), min_size=1, max_size=30, unique=True)


@given(MOMENTS, WORDS)
def test_what_always_holds(hours: list[int], words: dict[str, int | str]) -> None:
    versions = history(*(NOW + hour * HOUR for hour in hours))
    stays = kept(versions, **words)
    assert versions[-1].at in stays, "the last version"
    assert kept([version for version in versions if version.at in stays], **words)[-1] == versions[-1].at
    for word, value in words.items():
        assert set(kept(versions, **{word: value})) <= set(stays), "more words keep more"
    if "last" in words:
        assert {version.at for version in versions[-int(words["last"]) :]} <= set(stays)
    if "within" in words:
        latest = max((version.at for version in versions if version.at <= NOW), default=None)
        span = {"3h": 3 * HOUR, "2d": 2 * DAY, "40d": 40 * DAY, "1y": 366 * DAY}[str(words["within"])]
        for version in versions:
            if latest is None or version.until is None or version.until > latest - span:
                assert version.at in stays


@given(MOMENTS, st.sampled_from(["2d", "40d"]), st.integers(1, 20))
def test_no_number_of_newer_versions_takes_anything_from_within(hours: list[int], within: str, burst: int) -> None:
    """Versions added in one hour leave what `within` kept before, but for that hour."""
    before = history(*(NOW + min(hour, -2) * HOUR - number for number, hour in enumerate(hours)))
    latest = before[-1].at
    added = [latest + 1 + number for number in range(burst)]
    after = kept(history(*(version.at for version in before), *added), within=within)
    assert {moment for moment in kept(before, within=within) if moment > latest - DAY} <= set(after)
    lost = set(kept(before, within=within)) - set(after)
    for version in before:
        if version.at in lost:
            assert version.until is not None
            assert version.until <= added[-1] - {"2d": 2 * DAY, "40d": 40 * DAY}[within]


def test_moments_are_in_utc() -> None:
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    around = [int((midnight + timedelta(minutes=minutes)).timestamp()) * 1_000_000 for minutes in (-1, 1)]
    assert kept(history(*around), daily=2) == around
