"""Why a source could not be reached, in words, and what to do about it. Pure.

Libraries wrap the reason several times over; what they call it differs, what the system says does not.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """``said`` follows "could not be reached: "; ``again``: whether another try may help."""

    said: str
    what_to_do: str
    again: bool = True


PROXY = "Check HTTPS_PROXY in the environment: the proxy's address, its port and, where it asks for them, name and password."
NETWORK = "Check that this machine is online; where it goes out through a proxy, set HTTPS_PROXY."
UNKNOWN = Cause("the connection failed", "Check the network, HTTPS_PROXY and ca_bundle, or try later.")
_BROKEN = Cause("the connection broke off", "Try again later.")
_NO_NAME = Cause("its address was not found (DNS)", NETWORK)
_REFUSED = Cause("the connection was refused", "A firewall may block it: check HTTPS_PROXY, or try later.")
_NO_ROUTE = Cause("there is no way to it from this network", NETWORK)
_BY_PROXY = Cause("the proxy did not let the request through", PROXY)
_LOGIN = Cause("the proxy asks for a name and a password (407)", PROXY, again=False)
_CERTIFICATE = Cause(
    "its certificate is not trusted here",
    'Where your network puts a certificate of its own in between, set ca_bundle = "path of that certificate (PEM)" in thesis.toml.',
    again=False,
)
_TLS = Cause("no secure connection could be made (TLS)", "Check the clock of this machine, HTTPS_PROXY and ca_bundle.")
_NO_BUNDLE = Cause(
    "the setting ca_bundle names no file of certificates",
    "Give ca_bundle the path of a PEM file, or leave the setting out.",
    again=False,
)
# In words of the libraries (urllib3, curl), where no system error stands behind them; the first that fits.
_WORDS = (
    (("ca certificate bundle", "certificate bundle, invalid path", "cacertbadfile"), _NO_BUNDLE),
    # With its words: a port may hold these digits, too.
    (("failed: 407", "code 407", "response 407", "proxy authentication"), _LOGIN),
    (("proxy", "tunnel connection failed"), _BY_PROXY),
    (("certificate verify failed", "certificateverify", "self-signed certificate", "self signed certificate"), _CERTIFICATE),
    (("nameresolution", "could not resolve", "failed to resolve", "getaddrinfo", "dnserror"), _NO_NAME),
    (("refused", "couldn't connect", "could not connect"), _REFUSED),
    (("unreachable",), _NO_ROUTE),
    (("sslerror", "[ssl", "tls"), _TLS),
    (("incompleteread", "chunkedencoding", "protocolerror", "connection aborted", "remotedisconnected", "reset by peer"), _BROKEN),
)  # fmt: skip
_CODES = {
    errno.ECONNREFUSED: _REFUSED, errno.ENETUNREACH: _NO_ROUTE, errno.EHOSTUNREACH: _NO_ROUTE,
    errno.ECONNRESET: _BROKEN, errno.EPIPE: _BROKEN,
}  # fmt: skip


def cause(error: BaseException) -> Cause:
    """Return why a request failed, from the error and what lies under it. Its words are not shown: they may hold an address."""
    chain = list(_chain(error))
    words = " ".join(f"{type(one).__name__} {one}" for one in chain).lower()
    # What goes wrong on the way to a proxy is the proxy's, whatever the system calls it.
    for signs, found in _WORDS[:3]:
        if any(sign in words for sign in signs):
            return found
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            return _CERTIFICATE
        if isinstance(one, socket.gaierror):
            return _NO_NAME
        if isinstance(one, OSError) and one.errno in _CODES and not isinstance(one, ssl.SSLError):
            return _CODES[one.errno]
    return next((found for signs, found in _WORDS[3:] if any(sign in words for sign in signs)), UNKNOWN)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        one = todo.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        todo += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]


__all__ = ["PROXY", "UNKNOWN", "Cause", "cause"]
