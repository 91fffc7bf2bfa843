"""How many messages may still go to a person, and when may the next one?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from izin.domain.history import Send
from izin.domain.pack import CapRule
from izin.domain.reasons import Code, Effect, Reason
from izin.domain.windows import Opening, Timeline


class Cap:
    """A cap as it holds for one person. `workdays` is open on every day that is no holiday to it.

    A day of a year whose holidays are not known is held to be one.
    """

    __slots__ = ("_channels", "_limit", "_period", "_purposes", "_says", "_workdays", "fewest", "rule")

    def __init__(self, rule: CapRule, workdays: Timeline | None) -> None:
        self.rule, self._workdays = rule, workdays
        self._limit, self._period = rule.limit, rule.period
        self._purposes, self._channels = rule.purposes, rule.channels
        self._says = rule.says() + "; as many were sent; the next may go at {}"
        # To whomever fewer were sent it says nothing, on no day.
        self.fewest = rule.limit if rule.holiday_limit is None else rule.holiday_limit

    @property
    def is_even(self) -> bool:
        """Whether all days are the same to it."""
        return self._workdays is None

    def frees_at(self, sends: Sequence[Send], at: datetime) -> Opening:
        """The first instant from `at` on at which the cap permits one more."""
        frees = self._frees_below(self._limit, sends, at)
        if self._workdays is None:
            return frees
        workday = self._workdays.at(frees).opens or frees
        if not self.fewest:
            return workday
        on_any_day = self._frees_below(self.fewest, sends, at)
        return on_any_day if isinstance(workday, Code) else min(workday, on_any_day)

    def closes_at(self, sends: Sequence[Send], at: datetime) -> datetime | None:
        """When a holiday closes what is free at `at`; None where none does."""
        if self._workdays is None or (self.fewest and self._frees_below(self.fewest, sends, at) <= at):
            return None
        return self._workdays.at(at).closes

    def _frees_below(self, limit: int, sends: Sequence[Send], at: datetime) -> datetime:
        """The first instant from `at` on at which fewer than `limit` sends lie within the cap's period."""
        purposes, channels = self._purposes, self._channels
        counted = [send.at for send in sends if send.purpose in purposes and send.channel in channels]
        if len(counted) < limit:
            return at
        counted.sort()
        frees = counted[-limit] + self._period
        return frees if frees > at else at

    def full(self, frees: datetime) -> Reason:
        """That the cap is full, and frees itself at `frees`."""
        rule = self.rule
        return Reason(_FULL, rule.rule, _DEFER, self._says, rule.sources, frees, (frees,))


_FULL, _DEFER = Code.CAP_REACHED, Effect.DEFER
