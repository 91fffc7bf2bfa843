"""What a number tells: every row of section 8 of the rule facts, and numbers that are none."""

from __future__ import annotations

import importlib.util
import re
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from izin.domain.phone import NOWHERE, InvalidNumber, LineType, Phone, parse
from phonenumbers import PhoneNumberType

ROOT = Path(__file__).parent.parent.parent

INDONESIA = "Asia/Jakarta Asia/Jayapura Asia/Makassar"
AUSTRALIA = (
    "Australia/Adelaide Australia/Brisbane Australia/Darwin Australia/Hobart Australia/Perth Australia/Sydney"
)
ET, CT, MT, PT = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"


def nanp(area_code: str) -> Phone:
    return parse(f"+1{area_code}2345678")


@pytest.mark.parametrize(
    ("number", "country", "zones"),
    [
        ("+6281234567890", "ID", INDONESIA),  # phonenumbers: Jakarta alone
        ("+62895345678901", "ID", INDONESIA),
        ("+62212345678", "ID", "Asia/Jakarta"),
        ("+62361234567", "ID", "Asia/Makassar"),  # Denpasar
        ("+62561234567", "ID", "Asia/Jakarta"),  # Pontianak
        ("+62511234567", "ID", "Asia/Makassar"),  # Banjarmasin
        ("+62536322345", "ID", "Asia/Jakarta"),  # Palangkaraya
        ("+62911234567", "ID", "Asia/Jayapura"),  # Ambon
        ("+62952312345", "ID", "Asia/Jayapura"),  # Teminabuan; phonenumbers: perhaps Jakarta
        ("+5511987654321", "BR", "America/Sao_Paulo"),
        ("+5521987654321", "BR", "America/Sao_Paulo"),
        ("+5565987654321", "BR", "America/Cuiaba"),
        ("+5566987654321", "BR", "America/Cuiaba"),
        ("+5567987654321", "BR", "America/Campo_Grande"),
        ("+5568987654321", "BR", "America/Rio_Branco"),
        ("+5569987654321", "BR", "America/Porto_Velho"),
        ("+5581987654321", "BR", "America/Noronha America/Recife"),  # phonenumbers: Noronha alone
        ("+5592987654321", "BR", "America/Manaus"),
        ("+5595987654321", "BR", "America/Boa_Vista"),
        ("+5597987654321", "BR", "America/Eirunepe America/Manaus"),  # phonenumbers: no Eirunepe
        ("+61412345678", "AU", AUSTRALIA),
        ("+919876543210", "IN", "Asia/Kolkata"),
        ("+66812345678", "TH", "Asia/Bangkok"),
        ("+6581234567", "SG", "Asia/Singapore"),
        ("+639171234567", "PH", "Asia/Manila"),
        ("+60123456789", "MY", "Asia/Kuala_Lumpur"),
        ("+33612345678", "FR", "Europe/Paris"),
        ("+262692123456", "RE", "Indian/Reunion"),
        ("+590690001234", "GP", "America/Guadeloupe"),
        ("+4915112345678", "DE", "Europe/Berlin"),
        ("+393312345678", "IT", "Europe/Rome"),
        ("+447912345678", "GB", "Europe/London"),
        ("+447797123456", "JE", "Europe/Jersey"),
        ("+447781123456", "GG", "Europe/Guernsey"),
        ("+447624123456", "IM", "Europe/Isle_of_Man"),
        ("+34612345678", "ES", "Atlantic/Canary Europe/Madrid"),
        ("+351912345678", "PT", "Atlantic/Azores Atlantic/Madeira Europe/Lisbon"),
        (
            "+525512345678",
            "MX",
            "America/Cancun America/Hermosillo America/Mazatlan America/Mexico_City America/Tijuana",
        ),
        ("+12423591234", "BS", "America/Nassau"),
        ("+18762101234", "JM", "America/Jamaica"),
        ("+18092345678", "DO", "America/Santo_Domingo"),
        ("+17872345678", "PR", "America/Puerto_Rico"),
        ("+16712345678", "GU", "Pacific/Guam"),
        ("+218912345678", "LY", "Africa/Tripoli"),  # phonenumbers: Bucharest
        ("+56221234567", "CL", "America/Coyhaique America/Santiago Pacific/Easter"),
    ],
)
def test_country_and_zones(number, country, zones):
    phone = parse(number)
    assert (phone.country, " ".join(phone.time_zones)) == (country, zones)


AREA_CODES = {
    # the overlay groups and fixes of section 8
    "208 986 541 458 775": "America/Boise America/Los_Angeles",
    "812 930 270 364 850 448 423 729 219 574 606 906": f"{CT} {ET}",
    "689 407": ET,  # Orlando; phonenumbers has 689 in Chicago
    "605 701 308 620 785": f"{CT} {MT}",
    "928": f"{MT} America/Phoenix",
    "250 236 257 672 778": "America/Edmonton America/Fort_Nelson America/Vancouver",
    "604": "America/Vancouver",
    "807": "America/Toronto America/Winnipeg",
    "709 879": "America/Halifax America/St_Johns",
    "418 367 581": "America/Halifax America/Toronto",
    "867": "America/Edmonton America/Iqaluit America/Toronto America/Whitehorse America/Winnipeg",
    "306 639 474": "America/Regina",
    # and a sample of the others
    "212 617 404 305 313 502 865": ET,
    "312 214 615 504 251 402 316": CT,
    "303 505 801 406 915": MT,
    "213 206 702 503": PT,
    "602 480 520": "America/Phoenix",
    "907": "America/Adak America/Anchorage",
    "808": "Pacific/Honolulu",
    "204 431 584": "America/Winnipeg",
    "902 782 506": "America/Halifax",
    "416 514 613 819": "America/Toronto",
    "403 780": "America/Edmonton",
}


@pytest.mark.parametrize(
    ("code", "zones"), [(c, z) for codes, z in AREA_CODES.items() for c in codes.split()]
)
def test_zones_of_north_american_area_codes(code, zones):
    phone = nanp(code)
    assert " ".join(phone.time_zones) == zones
    assert phone.line_type is LineType.UNKNOWN
    assert phone.textable


US_STATES = {
    "AL": "205 251 256 334 938", "AZ": "480 602 928", "CT": "203 475 860 959",
    "FL": "305 407 689 850 448 324",
    "KY": "270 364 502 606 859", "LA": "225 318 504", "MD": "240 301 410 443 667", "MA": "413 617 781",
    "MI": "231 313 906", "MN": "218 612",
    "MS": "228 601 662 769", "NV": "702 725 775", "NJ": "201 551 609 973",
    "NM": "505 575", "NY": "212 315 332 518 646 716 718 917 929",
    "OK": "405 539 572 580 918", "OR": "458 503 541 971",
    "PA": "215 223 412 484 570 610 814 835 878", "RI": "401", "SD": "605",
    "TX": "210 214 346 512 713 832 915",
    "UT": "385 435 801", "VA": "276 540 703 804 826 948", "WA": "206 253 360 425 509 564", "WY": "307",
    "DC": "202 771", "TN": "423 615 729 731 901", "CA": "213 310 415 949", "HI": "808", "AK": "907",
    "WV": "304 681",
}  # fmt: skip
PROVINCES = {
    "NT NU YT": "867", "NS PE": "902 782", "QC": "418 367 581 514 438 819 873", "NB": "506 428",
    "NL": "709 879",
    "ON": "416 613 647 807 905", "MB": "204 431 584", "SK": "306 474 639", "AB": "403 587 780 825 368",
    "BC": "236 250 257 604 672 778",
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "country", "states"),
    [
        (code, country, states)
        for country, table in (("US", US_STATES), ("CA", PROVINCES))
        for states, codes in table.items()
        for code in codes.split()
    ],
)
def test_states_of_north_american_area_codes(code, country, states):
    phone = nanp(code)
    assert (phone.country, " ".join(phone.subdivisions)) == (country, states)


BR_STATES = {
    "SP": "11 12 13 14 15 16 17 18 19", "RJ": "21 22 24", "ES": "27 28", "MG": "31 32 33 34 35 37 38",
    "PR": "41 43 44 45 46", "SC": "47 48 49", "RS": "51 53 54 55", "GO": "62 64", "TO": "63", "MT": "65 66",
    "MS": "67", "AC": "68", "RO": "69", "BA": "71 73 74 75 77", "SE": "79", "PE": "81 87", "AL": "82",
    "PB": "83",
    "RN": "84", "CE": "85 88", "PI": "86 89", "PA": "91 93 94", "AM": "92 97", "RR": "95", "AP": "96",
    "MA": "98 99", "DF GO": "61", "PR SC": "42",
}  # fmt: skip


@pytest.mark.parametrize(("ddd", "states"), [(d, uf) for uf, ddds in BR_STATES.items() for d in ddds.split()])
def test_states_of_brazilian_area_codes(ddd, states):
    assert " ".join(parse(f"+55{ddd}987654321").subdivisions) == states


@pytest.mark.parametrize("ddd", [d for ddds in BR_STATES.values() for d in ddds.split()])
def test_brazilian_area_codes_without_a_zone_of_their_own_are_at_minus_three(ddd):
    if ddd not in {"65", "66", "67", "68", "69", "81", "92", "95", "97"}:
        (zone,) = parse(f"+55{ddd}987654321").time_zones
        assert {_offset(zone, month) for month in range(1, 13)} == {timedelta(hours=-3)}


def _offset(zone: str, month: int) -> timedelta | None:
    return datetime(2027, month, 15, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()


@pytest.mark.parametrize(
    ("number", "line_type"),
    [
        ("+12129761234", LineType.PREMIUM_RATE),  # phonenumbers: may be a mobile
        ("+18002345678", LineType.TOLL_FREE),
        ("+19002345678", LineType.PREMIUM_RATE),
        ("+15002345678", LineType.PERSONAL),
        ("+15332345678", LineType.PERSONAL),
        ("+16002345678", LineType.VOIP),
        ("+551132345678", LineType.FIXED_LINE),
        ("+5540041234", LineType.SHARED_COST),
        ("+553001234567", LineType.SHARED_COST),
        ("+555001234567", LineType.PREMIUM_RATE),
        ("+558001234567", LineType.TOLL_FREE),
        ("+559001234567", LineType.PREMIUM_RATE),
        ("+911401234567", LineType.UAN),
        ("+911600123456", LineType.UAN),  # phonenumbers: a mobile
        ("+9118001234567", LineType.TOLL_FREE),
        ("+9118601234567", LineType.SHARED_COST),
        ("+911122345678", LineType.FIXED_LINE),
        ("+62212345678", LineType.FIXED_LINE),
        ("+628091234567", LineType.PREMIUM_RATE),
        ("+628001234567", LineType.TOLL_FREE),
        ("+33812345678", LineType.PREMIUM_RATE),
        ("+33912345678", LineType.VOIP),
        ("+33142345678", LineType.FIXED_LINE),
        ("+499001234567", LineType.PREMIUM_RATE),
        ("+491371234567", LineType.SHARED_COST),
        ("+491801234567", LineType.SHARED_COST),
        ("+4930123456", LineType.FIXED_LINE),
        ("+447012345678", LineType.PERSONAL),
        ("+448431234567", LineType.PREMIUM_RATE),
        ("+449012345678", LineType.PREMIUM_RATE),
        ("+442079460958", LineType.FIXED_LINE),
        ("+661900123456", LineType.PREMIUM_RATE),
        ("+6519001234567", LineType.PREMIUM_RATE),
        ("+611900123456", LineType.PREMIUM_RATE),
        ("+611300123456", LineType.SHARED_COST),
        ("+61131234", LineType.SHARED_COST),
        ("+61212345678", LineType.FIXED_LINE),
        ("+80012345678", LineType.TOLL_FREE),
    ],
)
def test_what_must_not_be_texted(number, line_type):
    phone = parse(number)
    assert phone.line_type is line_type
    assert not phone.textable


@pytest.mark.parametrize(
    "number",
    [
        "+5511987654321",
        "+919876543210",
        "+916012345678",
        "+6281234567890",
        "+33612345678",
        "+33756123456",
        "+4915112345678",
        "+4916012345678",
        "+4917012345678",
        "+447912345678",
        "+66812345678",
        "+60123456789",
        "+6581234567",
        "+6591234567",
        "+639171234567",
        "+61412345678",
        "+393312345678",
    ],
)
def test_mobiles_may_be_texted(number):
    assert parse(number).line_type is LineType.MOBILE
    assert parse(number).textable


def test_a_number_of_no_country_is_in_no_zone():
    phone = parse("+80012345678")
    assert (phone.country, phone.time_zones, phone.subdivisions) == (NOWHERE, (), ())


def test_an_american_number_without_a_place_is_in_all_contiguous_zones():
    phone = parse("+18002345678")
    assert phone.time_zones == (CT, MT, PT, ET)
    assert phone.subdivisions == ()


def test_the_mexican_mobile_prefix_of_whatsapp_leads_to_the_same_person():
    assert parse("+5215512345678") == parse("+525512345678")
    assert parse("+551187654321") == parse("+5511987654321")
    assert parse("+551132654321").line_type == "fixed_line"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "number_not_e164"),
        ("+", "number_not_e164"),
        ("081234567890", "number_not_e164"),
        ("6281234567890", "number_not_e164"),
        ("006281234567890", "number_not_e164"),
        ("+62 812 3456 7890", "number_not_e164"),
        ("+62-812-3456-7890", "number_not_e164"),
        ("+6281234567890\n", "number_not_e164"),
        ("+٦٢٨١٢٣٤٥٦٧٨٩٠", "number_not_e164"),
        ("+62812345678901234567", "number_not_e164"),
        ("tel:+6281234567890", "number_not_e164"),
        ("+0123456789", "number_not_e164"),
        ("+21012345678", "number_impossible"),  # no such country
        ("+6281", "number_not_e164"),
        ("+1212234567", "number_impossible"),
        ("+62081234567890", "number_invalid"),  # with the national prefix
        ("+12122345", "number_invalid"),
        ("+15551234567", "number_invalid"),
        ("+620000000000", "number_invalid"),
    ],
)
def test_what_is_no_number(text, code):
    with pytest.raises(InvalidNumber) as caught:
        parse(text)
    assert caught.value.code == code
    assert caught.value.remedy
    assert not re.search("[0-9]{4}", f"{caught.value} {caught.value!r}")


@given(st.from_regex(r"\+[0-9]{1,16}", fullmatch=True) | st.text(max_size=20))
def test_no_text_breaks_it_and_no_error_tells_the_number(text):
    try:
        phone = parse(text)
    except InvalidNumber as error:
        assert not re.search("[0-9]{4}", f"{error} {error!r}")  # noqa: PT017
    else:
        assert phone.e164[3:] not in repr(phone)


def test_the_repr_is_masked():
    assert repr(parse("+6281234567889")) == (
        "Phone(+62*********89, ID, mobile, Asia/Jakarta/Asia/Jayapura/Asia/Makassar, )"
    )
    assert "345" not in f"{parse('+12122345678')} {[parse('+12122345678')]}"


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_country_of_phonenumbers_is_read_as_it_reads_it(region):
    for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE):
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None:
            continue
        phone = parse(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164))
        assert phone.country == phonenumbers.region_code_for_number(example)
        assert phone.textable is (
            phonenumbers.number_type(example)
            in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
        )
        assert phone.time_zones
        assert list(phone.time_zones) == sorted(phone.time_zones)


@pytest.mark.parametrize("country", ["US", "CA", "BR", "ID", "AU", "MX", "PT", "ES", "RU"])
def test_a_country_s_zones_span_all_of_its_own(country):
    """No zone of zone.tab is ever earlier or later than all candidates: no hour is forgotten."""
    outside = {
        "US": {"America/Adak", "America/Anchorage", "America/Juneau", "America/Metlakatla", "America/Nome",
               "America/Sitka", "America/Yakutat", "Pacific/Honolulu"},
        "AU": {"Australia/Lord_Howe", "Antarctica/Macquarie"},
    }.get(country, set())  # fmt: skip
    zones = _build_zones()
    candidates = [ZoneInfo(zone) for zone in zones._countries()[country]]
    table = (files("tzdata") / "zoneinfo/zone.tab").read_text().splitlines()
    listed = [row[2] for line in table if (row := line.split("\t"))[0] == country and row[2] not in outside]
    assert listed
    for hours in range(0, 365 * 24, 11):
        at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hours)
        offsets = [at.astimezone(zone).utcoffset() for zone in candidates]
        for zone in listed:
            assert min(offsets) <= at.astimezone(ZoneInfo(zone)).utcoffset() <= max(offsets), (zone, at)


def test_every_valid_area_code_of_north_america_has_zones_and_states():
    for area_code in range(201, 1000):
        number = f"+1{area_code}2345678"
        try:
            phone = parse(number)
        except InvalidNumber:
            continue
        if phone.country in ("US", "CA") and phone.textable:
            assert phone.subdivisions, area_code
            assert len(phone.time_zones) <= 2 or area_code in (236, 250, 257, 672, 778, 867), area_code


def test_the_table_is_what_the_tool_makes_of_its_sources():
    zones = _build_zones()
    assert zones.OUTPUT.read_text(encoding="utf-8") == zones.render()


def _build_zones() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_zones", ROOT / "tools/build_zones.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
