"""What is there to see and to choose for this person? From what they said so far to a view of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from izin.domain import capture, keywords, preferences
from izin.domain.capture import Capture
from izin.domain.consent import Method, Standing, Status
from izin.domain.keywords import Intent
from izin.domain.message import Channel, Purpose
from izin.domain.pack import GLOBAL, Pack, Rules, load, same_language
from izin.domain.preferences import SLOTS, Choice, Offer
from izin.domain.registry import Brand, Sender
from izin.page.html import Notice, View
from izin.page.texts import Texts

SOURCE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whoever follows the link, as far as the page knows them: by no name and no number.

    `channel` is how the message came, `sender` who sent it, None where it is no longer registered.
    `seq` is the ledger's number of the last event, `explained` whether the present opt-out has a
    reason. `evidence` is all that a yes could carry; it carries what is asked for.
    """

    texts: Texts
    brand: Brand
    sender: Sender | None
    pack: Pack
    country: str
    channel: Channel
    standing: Standing
    seq: int
    explained: bool = False
    evidence: Mapping[str, str] = field(default_factory=dict, repr=False)

    def rules(self, channel: Channel, purpose: Purpose) -> Rules:
        """What is asked of such a message. The number is not known, so no subdivision is ruled out."""
        return self.brand.rules(self.pack, channel, purpose, ()).without(self.brand.relax)

    def yes(self, channel: Channel, purpose: Purpose, wording: str, now: datetime) -> Capture:
        """The consent that the page would record."""
        asked = capture.asked_for(self.rules(channel, purpose).consent, Method.FORM)
        return Capture(
            channel=channel,
            purposes=(purpose,),
            captured_at=now,
            wording=wording,
            language=self.texts.language,
            method=Method.FORM,
            source=SOURCE,
            prechecked=False,
            condition_of_purchase=False,
            evidence={name: value for name, value in self.evidence.items() if name in asked},
        )

    def preference(self, channel: Channel, purpose: Purpose) -> str:
        """The words that stand around one box of the page."""
        t = self.texts
        lead = t.choose.format(brand=self.brand.name)
        return f"{lead}: {getattr(t, purpose)}: {getattr(t, channel)}"

    def agreement(self) -> str:
        """The sentence above the button that subscribes again."""
        return self.texts.agree.format(brand=self.brand.name, channel=getattr(self.texts, self.channel))

    def choice(self, channel: Channel, purpose: Purpose, wording: str, now: datetime) -> Choice:
        """How things stand for one channel and purpose, and whether a yes may be given here."""
        rules, captured = self.rules(channel, purpose), self.yes(channel, purpose, wording, now)
        return preferences.choice(captured, self.standing, rules, self.brand, self.sender, now)

    def choices(self, now: datetime) -> dict[tuple[Channel, Purpose], Choice]:
        """All that there is to choose."""
        return {
            (channel, purpose): self.choice(channel, purpose, self.preference(channel, purpose), now)
            for purpose, channels in SLOTS.items()
            for channel in channels
        }

    def come_back(self, now: datetime) -> Offer | None:
        """How the person may subscribe again to what brought them here; None where it is not offered."""
        if not preferences.may_offer(self.standing, self.channel, self.pack, now):
            return None
        offer = self.choice(self.channel, Purpose.MARKETING, self.agreement(), now).offer
        return None if offer is Offer.ELSEWHERE else offer

    def to_confirm(self, now: datetime) -> tuple[str, str] | None:
        """The word that a pending consent still needs, and the address that it is to be sent to."""
        slot = (self.channel, Purpose.MARKETING)
        if self.sender is None or not self.sender.two_way or self.sender.channel is not self.channel:
            return None
        if self.standing.status(*slot, now) is not Status.PENDING:
            return None
        return self._yes_word(), self.sender.address

    def _yes_word(self) -> str:
        known = {**load(GLOBAL).keywords, **self.pack.keywords}
        of_language = [
            word
            for language, words in known.items()
            if same_language(language, self.texts.language)
            for word in words.confirm
        ]
        understood = (w for w in of_language if keywords.read(w, self.country).intent is Intent.CONFIRM)
        return next(understood, load(GLOBAL).keywords["global"].confirm[0])


def view(person: Person, now: datetime, notice: Notice | None = None) -> View:
    """What the person sees at `now`."""
    stopped = preferences.stopped(person.standing)
    confirm = person.to_confirm(now)
    offers = stopped and confirm is None and person.come_back(now) is not None
    granted = person.standing.status(person.channel, Purpose.MARKETING, now) is Status.GRANTED
    return View(
        texts=person.texts,
        brand=person.brand.name,
        contact=person.brand.contact,
        channel=person.channel,
        stopped=stopped,
        choices=person.choices(now),
        seq=person.seq,
        resubscribe=person.agreement() if offers else None,
        confirm=confirm,
        asks_why=stopped and not person.explained,
        notice=None if notice is Notice.BACK and not granted else notice,
    )
