"""Templates are rendered with their values and judged by the shape that the platform allows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from izin.domain.message import Channel, Purpose, Template
from izin.domain.pack import find, load
from izin.domain.templates import WrongVariables, findings, render, variables

A, T, M, P = Purpose.AUTHENTICATION, Purpose.TRANSACTIONAL, Purpose.MARKETING, Purpose.ANNOUNCEMENT
CODE = Template(
    name="login_otp",
    text="{{1}} is your verification code.",
    values=("123456",),
    approved=True,
    category="authentication",
    button="copy_code",
)
NOTICE = Template(
    name="order_shipped",
    text="Hello {{1}}, order {{2}} is on its way.",
    values=("Budi", "123"),
    approved=True,
    category="utility",
)
OFFER = replace(NOTICE, name="sale", text="ShopX: {{1}} off until {{2}}. Reply STOP.", category="marketing")


@pytest.mark.parametrize(
    ("purpose", "template", "change", "refused"),
    [
        (A, CODE, {}, []),
        (A, CODE, {"approved": False}, ["template_not_approved"]),
        (A, CODE, {"category": "utility"}, ["template_category"]),
        (A, CODE, {"category": None}, ["template_category"]),
        (A, CODE, {"name": "hello"}, ["template_name"]),
        (A, CODE, {"name": "Login-OTP"}, ["template_name", "template_name"]),
        (A, CODE, {"name": "otp_" + "x" * 509}, ["template_name"]),
        (A, CODE, {"name": "password_reset"}, []),
        (A, CODE, {"header": True}, ["template_body"]),
        (A, CODE, {"footer": True}, ["template_body"]),
        (A, CODE, {"text": "{{1}} is your code for https://shopx.example"}, ["template_body"]),
        (A, CODE, {"text": "{{1}} is your code 🔑"}, ["template_body"]),
        (A, CODE, {"text": "Hello {{1}}, {{2}}", "values": ("Budi", "1")}, ["template_variables"]),
        (A, CODE, {"text": "Your code", "values": ()}, ["template_variables"]),
        (A, CODE, {"values": ("1" * 15,)}, []),
        (A, CODE, {"values": ("1" * 16,)}, ["template_parameter"]),
        (A, CODE, {"values": ("",)}, ["template_parameter"]),
        (A, CODE, {"values": ("123 456",)}, ["template_parameter"]),
        (A, CODE, {"values": ("bit.ly/x",)}, ["template_parameter"]),
        (A, CODE, {"values": ("🔑",)}, ["template_parameter"]),
        (A, CODE, {"button": None}, ["template_button"]),
        (A, CODE, {"button": "one_tap"}, []),
        (A, CODE, {"button": "zero_tap"}, []),
        (A, CODE, {"code_expiry": 1}, []),
        (A, CODE, {"code_expiry": 90}, []),
        (A, CODE, {"code_expiry": 91}, ["template_expiry"]),
        (A, CODE, {"lifetime": 30}, []),
        (A, CODE, {"lifetime": 29}, ["template_lifetime"]),
        (A, CODE, {"lifetime": 900}, []),
        (A, CODE, {"lifetime": 901}, ["template_lifetime"]),
        (A, CODE, {"lifetime": 601, "code_expiry": 10}, ["template_lifetime"]),
        (A, CODE, {"lifetime": 600, "code_expiry": 10}, []),
        (T, NOTICE, {}, []),
        (T, NOTICE, {"category": "marketing"}, ["template_category"]),
        (T, NOTICE, {"text": "{{1}}, order {{2}} is on its way."}, ["template_body"]),
        (T, NOTICE, {"text": "Hello {{1}}, your order is {{2}}"}, ["template_body"]),
        (T, NOTICE, {"text": "Hello {{2}}, order {{1}} is on its way."}, ["template_body"]),
        (T, NOTICE, {"lifetime": 43_200}, []),
        (T, NOTICE, {"lifetime": 43_201}, ["template_lifetime"]),
        (M, OFFER, {}, []),
        (P, OFFER, {}, []),
        (M, OFFER, {"category": "utility"}, ["template_category"]),
        (M, OFFER, {"lifetime": 43_199}, ["template_lifetime"]),
        (M, OFFER, {"lifetime": 2_592_000}, []),
        (M, OFFER, {"lifetime": 2_592_001}, ["template_lifetime"]),
    ],
)
def test_the_shape_of_a_template(
    purpose: Purpose, template: Template, change: dict[str, Any], refused: list[str]
) -> None:
    rules = load("ID").rules(Channel.WHATSAPP, purpose).templates
    found = findings(replace(template, **change), rules)
    assert [str(reason.code) for reason in found] == refused
    assert all(reason.detail.startswith(f"{reason.rule}: ") and reason.sources for reason in found)
    assert all(find(reason.rule) for reason in found)


def test_by_sms_no_platform_judges() -> None:
    for purpose in Purpose:
        assert load("ID").rules(Channel.SMS, purpose).templates == ()


def test_rendering() -> None:
    assert variables(NOTICE.text) == 2
    assert render(NOTICE.text, NOTICE.values) == "Hello Budi, order 123 is on its way."
    assert render("{{1}}{{2}}", ("{{2}}", "b")) == "{{2}}b"
    with pytest.raises(WrongVariables, match="2"):
        render(NOTICE.text, ("Budi",))
