"""Do the provider's opt-out lists and our ledgers say the same? Both ways, every few minutes.

What a person told the provider becomes an event. What they told us is put on the lists of senders that
send nothing but marketing, once no confirmation is on its way any more: a list blocks that too. Who came
back is taken off. Everything may happen twice: a repeat finds what the first did.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from izin.aws import acts, identity, ledger, messages, registry, state
from izin.aws import opt_out_lists as lists
from izin.aws.dynamo import Item, batch_get, get
from izin.aws.opt_out_lists import Cursor, NoSuchPage
from izin.aws.runtime import Runtime, runtime
from izin.domain import opt_out_lists as decisions
from izin.domain import phone
from izin.domain.opt_out_lists import Act, Entry
from izin.domain.phone import InvalidNumber, Phone

logger = Logger()
metrics = Metrics()

_EVERY = timedelta(hours=1)  # how often a whole list is read
_PAUSE = 1.0  # seconds between two pages, and ten numbers: the quotas are 1 and 10 a second
_SPARE = timedelta(seconds=20)


@metrics.log_metrics
def handler(_event: dict[str, Any], context: Any) -> dict[str, int]:
    """Do what there is time for; the next round goes on where this one ended."""
    rt = runtime()
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    done = reconcile(rt, rt.now() + left - _SPARE)
    for name, count in done.items():
        metrics.add_metric(name=f"Lists{name.capitalize()}", unit=MetricUnit.Count, value=count)
    return done


def reconcile(rt: Runtime, until: datetime) -> dict[str, int]:
    """One round, begun before `until`: what we know goes out first, then the lists are read."""
    done: Counter[str] = Counter(listed=0, recorded=0, taken=0, troubled=0)
    senders = registry.listed(rt)
    to_list: dict[str, set[str]] = defaultdict(set)
    brands: dict[str, set[str]] = defaultdict(set)
    for sender in senders:
        if sender.opt_out_list:
            brands[sender.opt_out_list].add(sender.brand)
            if sender.marketing_only:
                to_list[sender.brand].add(sender.opt_out_list)
    for item in messages.waking(rt, rt.state_table, state.TO_LISTS, rt.now()):
        if rt.now() >= until:
            break
        _try(done, partial(_put, rt, item, to_list, done))
    for name in sorted(brands):
        _try(done, partial(_read, rt, name, sorted(brands[name]), until, done))
    return dict(done)


def _try(done: Counter[str], act: Callable[[], None]) -> None:
    """Do one thing so that whatever is wrong with it does not keep the others waiting."""
    try:
        act()
    except Exception as error:  # noqa: BLE001 (the next round tries again; the metric shows it)
        logger.error("left for the next round", extra={"exception": type(error).__name__})
        done["troubled"] += 1


def _put(rt: Runtime, item: Item, to_list: Mapping[str, Iterable[str]], done: Counter[str]) -> None:
    """Put somebody who stopped on the lists of their brand, unless they have come back meanwhile."""
    brand, _, recipient_id = item["pk"].removeprefix("STATE#").partition("#")
    seen = state.fetch(rt, brand, recipient_id)
    key = get(rt, rt.keys_table, {"pk": recipient_id}) if decisions.is_stopped(seen.standing) else None
    number = ledger.number(rt, key["key"], brand, recipient_id) if key else None
    if number:
        for name in sorted(to_list.get(brand, ())):
            lists.put(rt, name, number)
            rt.sleep(_PAUSE / 10)
            done["listed"] += 1
    state.sleep(rt, item["pk"], item["wake_at"])


def _read(rt: Runtime, name: str, brands: list[str], until: datetime, done: Counter[str]) -> None:
    """Read a list from where the last round ended; a whole one is read again after an hour."""
    cursor = lists.cursor(rt, name)
    if cursor.rests_until and rt.now() < cursor.rests_until:
        return
    token = cursor.token
    while rt.now() < until:
        try:
            page = lists.page(rt, name, token)
        except NoSuchPage:
            page = lists.page(rt, name, None)
        _judge(rt, name, brands, page.entries, done)
        token = page.following
        lists.set_cursor(rt, name, Cursor(token, None if token else rt.now() + _EVERY))
        if token is None:
            return
        rt.sleep(_PAUSE)


def _judge(rt: Runtime, name: str, brands: list[str], entries: Iterable[Entry], done: Counter[str]) -> None:
    """Act on a page of a list. The states are read in one trip for each brand."""
    people = list(_people(rt, entries, done))
    seen: dict[tuple[str, str], Item] = {}
    for brand in brands if people else ():
        seen |= batch_get(rt, [(rt.state_table, state.state_key(brand, who)) for _, _, who in people])
    for entry, person, who in people:
        event = decisions.event_of(entry, name, who, person.country, rt.now())
        asked = []
        for brand in brands:
            found = state.read(brand, who, seen.get((rt.state_table, state.state_key(brand, who))))
            asked.append(decisions.judge(found.standing, event))
            if asked[-1] is Act.RECORD:
                key = identity.key_of(rt, who, get(rt, rt.keys_table, {"pk": who}))
                acts.opt_out(rt, brand, who, ledger.draft(key, who, event, {"address": person.e164}))
                done["recorded"] += 1
        if decisions.together(asked) is Act.TAKE_OFF:
            done["taken"] += lists.take_off(rt, name, entry.number)
            rt.sleep(_PAUSE / 10)


def _people(rt: Runtime, entries: Iterable[Entry], done: Counter[str]) -> Iterator[tuple[Entry, Phone, str]]:
    for entry in entries:
        try:
            person = phone.parse(entry.number)
        except InvalidNumber:
            done["troubled"] += 1  # nobody can have it, and nothing is ever sent there
        else:
            yield entry, person, identity.recipient(rt, person.e164)
