"""Who speaks, through what, and what are people shown? Brands, senders, templates and wordings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from itertools import product
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from izin.api import Name
from izin.aws import files, http
from izin.aws import registry as store
from izin.aws.dynamo import Item, get
from izin.aws.http import Answer, FieldError, Problem, refuse
from izin.aws.runtime import Runtime, runtime
from izin.domain import capture
from izin.domain.pack import Rules, pack_of
from izin.domain.registry import Brand
from izin.registering import BrandBody, SenderBody, TemplateBody, WordingBody
from pydantic import TypeAdapter, ValidationError

logger = Logger()

_NAME: TypeAdapter[str] = TypeAdapter(Name)
Body = TypeVar("Body", BrandBody, SenderBody, TemplateBody, WordingBody)


def handler(event: dict[str, Any], _context: object) -> Answer:
    """`PUT` and `GET /v1/{brands,senders,templates,wordings}/{id}`."""
    return http.respond(logger, lambda: _ROUTES[event["routeKey"]](runtime(), event))


def put_brand(rt: Runtime, event: http.Event) -> Answer:
    """Register a brand, or change it."""
    brand_id, body = _id(event), _body(BrandBody, event)
    http.principal(event).demand("admin", brand_id)
    item = _stored(body, brand_id)
    store.put(rt, store.brand_key(brand_id), item)
    return _said(item)


def put_sender(rt: Runtime, event: http.Event) -> Answer:
    """Register a sender, or change it. An address belongs to one sender; a sender stays with its brand."""
    sender_id, body = _id(event), _body(SenderBody, event)
    http.principal(event).demand("admin", body.brand)
    before = get(rt, rt.registry_table, {"pk": store.sender_key(sender_id)})
    if before and before["brand"] != body.brand:
        raise refuse(HTTPStatus.CONFLICT, "brand", "sender_of_another_brand", "choose another sender id")
    _demand_brand(rt, body.brand)
    item = _stored(body, sender_id)
    if not store.put_sender(rt, item):
        raise refuse(HTTPStatus.CONFLICT, "address", "address_taken", "another sender has this address")
    return _said(item)


def put_template(rt: Runtime, event: http.Event) -> Answer:
    """Register a template, or change it."""
    template_id, body = _id(event), _body(TemplateBody, event)
    http.principal(event).demand("admin", body.brand)
    _demand_brand(rt, body.brand)
    item = _stored(body, template_id)
    store.put(rt, store.template_key(body.brand, template_id), item)
    return _said(item)


def put_wording(rt: Runtime, event: http.Event) -> Answer:
    """Register a version of what people are shown, once it passes the rules of every country it is for."""
    wording_id, body = _id(event), _body(WordingBody, event)
    http.principal(event).demand("admin", body.brand)
    brand = _demand_brand(rt, body.brand)
    problems = capture.review(body.text, tuple(sorted(body.purposes)), _rules(brand, body), brand.name)
    if problems:
        errors = [FieldError("text", p.code, p.said) for p in problems]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors, "the wording was refused")
    _demand_picture(rt, body)
    item = {**_stored(body, wording_id), "sha256": capture.wording_hash(body.text)}
    if not store.put_wording(rt, item):
        _demand_same(rt, item)
    return _said(item)


def _rules(brand: Brand, body: WordingBody) -> Iterator[Rules]:
    for country, channel, purpose in product(body.countries, body.channels, body.purposes):
        yield brand.rules(pack_of(country), channel, purpose, ()).without(brand.relax)


def _demand_picture(rt: Runtime, body: WordingBody) -> None:
    """Raises Problem 422 for a picture that nobody uploaded."""
    if body.screenshot:
        key = files.brand_key(body.brand, body.screenshot.removeprefix("sha256:"))
        if not files.is_there(rt, key):
            message = "upload the picture first: POST /v1/evidence without an address says where to"
            raise refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "screenshot", "not_uploaded", message)


def _demand_same(rt: Runtime, item: Item) -> None:
    """Raises Problem 409 unless this very version is registered."""
    known = get(rt, rt.registry_table, {"pk": store.wording_key(item["brand"], item["id"], item["version"])})
    if known is None:
        message = "a newer version is registered: give this one a higher number"
        raise refuse(HTTPStatus.CONFLICT, "version", "version_outdated", message)
    if {name: value for name, value in known.items() if name != "pk"} != item:
        message = "a version never changes: register the new text as the next version"
        raise refuse(HTTPStatus.CONFLICT, "version", "version_taken", message)


def _demand_brand(rt: Runtime, brand_id: str) -> Brand:
    brand = store.brand(get(rt, rt.registry_table, {"pk": store.brand_key(brand_id)}))
    if brand is None:
        message = "register the brand first: PUT /v1/brands/{id}"
        raise refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "brand", "unknown_brand", message)
    return brand


def get_brand(rt: Runtime, event: http.Event) -> Answer:
    """A brand as it is registered."""
    return _found(rt, event, store.brand_key(_id(event)), "id")


def get_sender(rt: Runtime, event: http.Event) -> Answer:
    """A sender as it is registered."""
    return _found(rt, event, store.sender_key(_id(event)), "brand")


def get_template(rt: Runtime, event: http.Event) -> Answer:
    """A template as it is registered."""
    brand = http.principal(event).named_brand(event)
    return _found(rt, event, store.template_key(brand, _id(event)), "brand")


def get_wording(rt: Runtime, event: http.Event) -> Answer:
    """A wording as it is registered: the newest version, or `?version=`."""
    brand = http.principal(event).named_brand(event)
    version = (event.get("queryStringParameters") or {}).get("version") or "0"
    if not re.fullmatch(r"\d{1,4}", version):
        raise refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "version", "invalid", "a version is a number from 1")
    return _found(rt, event, store.wording_key(brand, _id(event), int(version)), "brand")


def _found(rt: Runtime, event: http.Event, pk: str, owner: str) -> Answer:
    principal = http.principal(event)
    principal.demand("read")
    item = get(rt, rt.registry_table, {"pk": pk})
    if item is None or principal.brand not in ("*", item[owner]):
        raise refuse(HTTPStatus.NOT_FOUND, "id", "unknown", "nothing of this brand is registered by this id")
    return _said({name: value for name, value in item.items() if name != "pk"})


def _id(event: http.Event) -> str:
    try:
        return _NAME.validate_python(event["pathParameters"]["id"])
    except ValidationError:
        message = "an id has lower-case letters, digits, - and _, and begins with a letter or digit"
        raise refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "id", "invalid", message) from None


def _body(model: type[Body], event: http.Event) -> Body:
    return http.parse(model, http.raw_body(event))


def _stored(body: BrandBody | SenderBody | TemplateBody | WordingBody, own_id: str) -> Item:
    plain = body.model_dump(mode="json")
    lists = {name: sorted(value) for name, value in plain.items() if isinstance(value, list)}
    return {name: value for name, value in {**plain, **lists, "id": own_id}.items() if value is not None}


def _said(item: Item) -> Answer:
    return http.answer(HTTPStatus.OK, item)


_ROUTES: dict[str, Callable[[Runtime, http.Event], Answer]] = {
    "PUT /v1/brands/{id}": put_brand,
    "GET /v1/brands/{id}": get_brand,
    "PUT /v1/senders/{id}": put_sender,
    "GET /v1/senders/{id}": get_sender,
    "PUT /v1/templates/{id}": put_template,
    "GET /v1/templates/{id}": get_template,
    "PUT /v1/wordings/{id}": put_wording,
    "GET /v1/wordings/{id}": get_wording,
}
