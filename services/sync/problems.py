"""Refusals of the synchronisation, each with a code that never changes."""

from __future__ import annotations

from typing import ClassVar

from services.kit.errors import Problem


class OutsidePlaceError(Problem):
    """The official's place does not contain the place in question, or the caller has no place."""

    code: ClassVar[str] = "outside-place"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "不在本级管辖范围"
    title_en: ClassVar[str] = "Outside the caller's place"


class UnknownPlaceError(Problem):
    """There is no such division."""

    code: ClassVar[str] = "unknown-place"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "行政区划代码不存在"
    title_en: ClassVar[str] = "There is no such division"


class UnknownTargetError(Problem):
    """No system of this name is configured, or it is not delivered to."""

    code: ClassVar[str] = "unknown-target"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "没有这个对接系统"
    title_en: ClassVar[str] = "There is no such target"


class NotAnOrganizationError(Problem):
    """The token names no organization; webhooks are an organization's."""

    code: ClassVar[str] = "not-an-organization"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "令牌未注明机构"
    title_en: ClassVar[str] = "The token names no organization"


class UnknownEndpointError(Problem):
    """The organization has no endpoint of this id, or no more."""

    code: ClassVar[str] = "unknown-webhook"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "没有这个推送地址"
    title_en: ClassVar[str] = "There is no such webhook"


class EndpointRefusedError(Problem):
    """The address is none that events may be sent to: it must be https, public, and without a name or password in it."""

    code: ClassVar[str] = "webhook-address-refused"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "不能向该地址推送"
    title_en: ClassVar[str] = "Nothing may be sent to this address"


class TooManyEndpointsError(Problem):
    """The organization has as many endpoints as it may."""

    code: ClassVar[str] = "too-many-webhooks"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "推送地址数量已达上限"
    title_en: ClassVar[str] = "The organization has as many webhooks as it may"
