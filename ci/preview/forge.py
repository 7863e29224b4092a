"""Requests to the REST API of GitHub or GitLab, for the scripts beside this.

Only the standard library; Python 3.9 or newer.

- The token goes to the API's own origin and nowhere else: no redirect that
  leads elsewhere is followed with it. It is in no message.
- Only https, except to this very machine.
- What may succeed later (429, 5xx, a lost connection, a rate limit) is tried
  again within a budget of time, as the server asks or with growing, jittered
  waits. A request that isn't idempotent is left to the caller, who has to look
  first whether it was carried out.
"""

import argparse
import email.utils
import http.client
import ipaddress
import json
import os
import random
import re
import signal
import ssl
import sys
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

# Seconds that one request may take without an answer.
REQUEST_SECONDS = 30
# A page of 100 comments of the greatest length has 26 MB at most.
ANSWER_BYTES = 64 << 20
LONGEST_WAIT = 30
# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
SECONDARY_LIMIT_WAIT = 60
PASSING = {408, 429, 500, 502, 503, 504}
REDIRECTS = {301, 302, 303, 307, 308}
PAGES = 100
LATER = "run it again later, or give it more time by --seconds"


class Refusal(Exception):
    """Ends the script: what is wrong, what to do, and the exit code."""

    def __init__(self, message, hint=None, code=1, status=None):
        super().__init__(message)
        self.hint = hint
        self.code = code
        # The server's status, if it was the server that refused.
        self.status = status


class Passing(Exception):
    """A request that may succeed later; how long the server wants us to wait."""

    def __init__(self, message, wait=None):
        super().__init__(message)
        self.wait = wait


class Answer:
    """An answer of a server: status, headers and what was sent."""

    def __init__(self, status, headers, data):
        self.status = status
        self.headers = headers
        self.data = data

    def json(self):
        try:
            return json.loads(self.data)
        except (ValueError, RecursionError):
            raise Refusal("the server answered with something that is not JSON", code=2) from None

    def is_cut(self):
        """Whether it began as JSON and ended before its end: without a length,
        the end of the connection is all that tells. What begins as something
        else isn't from an API, and will be the same next time."""
        if self.status == 204 or self.data.strip()[:1] not in (b"", b"{", b"["):
            return False
        try:
            json.loads(self.data)
        except (ValueError, RecursionError):
            return True
        return False

    def object(self):
        return checked_object(self.json())

    def objects(self):
        """The items of a list, none of which is anything but an object."""
        items = self.json()
        if not isinstance(items, list):
            raise Refusal("the server answered with something that is not a list", code=2)
        return [checked_object(item) for item in items]

    def message(self):
        """What the server says of an error."""
        try:
            value = json.loads(self.data)
        except (ValueError, RecursionError):
            return ""
        if isinstance(value, dict):
            value = value.get("message") or value.get("error_description") or value.get("error") or ""
        return printable(value if isinstance(value, str) else json.dumps(value))


class Budget:
    """The time that all of a run's waits and requests may take."""

    @classmethod
    def begun(cls, seconds):
        """A budget that ends the run by itself. A timeout of requests wouldn't:
        it is one of each read, and a server that sends a byte now and then has
        a connection for as long as it likes."""

        def lapsed(*_):
            raise Refusal(f"{seconds} s is all the time there is, and it is over", LATER, code=2)

        signal.signal(signal.SIGALRM, lapsed)
        # Again each second: some code, such as a finalizer, lets no exception out.
        signal.setitimer(signal.ITIMER_REAL, seconds, 1)
        return cls(seconds)

    def __init__(self, seconds):
        self.seconds = seconds
        self.end = time.monotonic() + seconds
        self.attempts = 0

    def left(self):
        return self.end - time.monotonic()

    def wait(self, passing):
        """Waits before another attempt, or ends the run if there's no time."""
        self.attempts += 1
        backoff = min(LONGEST_WAIT, 2 ** min(self.attempts - 1, 10)) * random.uniform(0.5, 1)
        seconds = max(backoff, passing.wait or 0)
        if seconds >= self.left():
            raise Refusal(
                f"{passing}; gave up after {self.attempts} attempts: the next may be made in "
                f"{seconds:.0f} s, and {self.seconds:.0f} s is all the time there is",
                LATER,
                code=2,
            )
        tell(f"{passing}; trying again in {seconds:.1f} s")
        time.sleep(seconds)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Hands a redirect to the caller, who knows where the token may go. Its
    address isn't looked at here: it may be none."""

    def http_error_302(self, *_):
        return None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


OPENER = urllib.request.build_opener(NoRedirect)
# For this very machine: a proxy isn't it, and would get the token as it is,
# where one for https only gets a tunnel.
WITHOUT_PROXY = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))


class Api:
    """The API at one address, with one token."""

    def __init__(self, url, headers, token, budget, explain):
        self.url = checked_url(url).rstrip("/")
        self.headers = headers
        self.token = token
        self.budget = budget
        self.explain = explain

    def get(self, path):
        return self.patiently("GET", path)

    def pages(self, path):
        """Every item of a list, over all its pages."""
        url = self.address(path)
        for _ in range(PAGES):
            answer = self.patiently("GET", url)
            yield from answer.objects()
            following = next_page(answer.headers.get("Link", ""))
            if following is None:
                return
            url = joined(url, following)
            if origin(url) != origin(self.url):
                raise Refusal("the server's next page is at another host", code=2)
        raise Refusal(f"the server has more than {PAGES} pages of a list")

    def patiently(self, method, path, body=None):
        """A request that does no harm when it is made twice."""
        while True:
            try:
                return self.once(method, path, body)
            except Passing as passing:
                self.budget.wait(passing)

    def once(self, method, path, body=None):
        """One attempt; `Passing` if another may succeed."""
        url = self.address(path)
        for _ in range(4):
            answer = self.send(method, url, body)
            if answer.status not in REDIRECTS:
                break
            url = self.followed(method, url, answer)
        if 200 <= answer.status < 300:
            if answer.is_cut():
                raise Passing(f"{method} {public(url)}: the answer ends in its middle")
            return answer
        wait = asked_wait(answer)
        what = f"{method} {public(url)}: {answer.status} {self.hidden(answer.message())}".rstrip()
        if answer.status in PASSING or is_rate_limit(answer):
            raise Passing(what, wait)
        raise Refusal(what, self.explain(answer.status), status=answer.status)

    def followed(self, method, url, answer):
        """Where a redirect leads, if the token may follow."""
        target = joined(url, answer.headers.get("Location", ""))
        if origin(target) != origin(self.url):
            raise Refusal(
                f"{public(url)} leads to another host, {public(target)}; the token isn't sent there",
                "give the API's own address by --api",
            )
        if method != "GET" and answer.status not in (307, 308):
            raise Refusal(f"{method} {public(url)} leads to {public(target)}", "was it renamed? give its new name")
        return target

    def send(self, method, url, body):
        headers = {**self.headers, "User-Agent": "logfleet-preview"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        return self.hidden_faults(method, url, lambda: open_url(request, self.budget, ANSWER_BYTES))

    def download(self, path, limit):
        """A file that the API redirects to, wherever that is: the redirect
        itself says that we may have it, and the token stays at home."""
        while True:
            try:
                return self.download_once(path, limit)
            except Passing as passing:
                self.budget.wait(passing)

    def download_once(self, path, limit):
        url = self.address(path)
        answer = self.send("GET", url, None)
        for _ in range(3):
            if answer.status not in REDIRECTS:
                break
            url = checked_url(joined(url, answer.headers.get("Location", "")))
            request = urllib.request.Request(url, headers={"User-Agent": "logfleet-preview"})
            answer = self.hidden_faults("GET", url, lambda: open_url(request, self.budget, limit))
        if answer.status == 200:
            if len(answer.data) > limit:
                raise Refusal(f"{public(url)} has more than {limit} bytes")
            return answer.data
        what = f"GET {public(url)}: {answer.status} {self.hidden(answer.message())}".rstrip()
        if answer.status in PASSING or is_rate_limit(answer):
            raise Passing(what, asked_wait(answer))
        raise Refusal(what, self.explain(answer.status), status=answer.status)

    def hidden_faults(self, method, url, work):
        try:
            return work()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            what = f"{method} {public(url)}: {self.hidden(str(reason) or type(reason).__name__)}"
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise Refusal(what, "trust its certificate by SSL_CERT_FILE", code=2) from None
            raise Passing(what) from None

    def address(self, path):
        return path if "://" in path else self.url + path

    def hidden(self, text):
        return text.replace(self.token, "***")


def open_url(request, budget, limit):
    """Sends a request; an error's status is an answer like any other."""
    timeout = max(1, min(REQUEST_SECONDS, budget.left()))
    opener = WITHOUT_PROXY if request.type == "http" else OPENER
    try:
        with opener.open(request, timeout=timeout) as response:
            return Answer(response.status, response.headers, read(response, limit))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, read(error, limit))


def read(response, limit):
    data = response.read(limit + 1)
    if len(data) > limit:
        raise Refusal(f"the server's answer has more than {limit} bytes")
    length = response.headers.get("Content-Length")
    # With a limit, Python doesn't tell that the connection was cut.
    expected = number_in(length or "")
    if expected is not None and len(data) < expected:
        raise http.client.IncompleteRead(data, expected - len(data))
    return data


def is_rate_limit(answer):
    """A 403 that GitHub sends where others send 429."""
    if answer.status != 403:
        return False
    return (
        answer.headers.get("Retry-After") is not None
        or answer.headers.get("X-RateLimit-Remaining") == "0"
        or "secondary rate limit" in answer.message().lower()
    )


def asked_wait(answer):
    """The seconds that a server wants us to wait; `None` if it doesn't say."""
    after = answer.headers.get("Retry-After")
    if after is not None:
        wait = number_in(after)
        return wait if wait is not None else until(after)
    if answer.headers.get("X-RateLimit-Remaining") == "0":
        reset = number_in(answer.headers.get("X-RateLimit-Reset", ""))
        if reset is not None:
            return max(0, reset - time.time()) + 1
    if is_rate_limit(answer):
        return SECONDARY_LIMIT_WAIT
    return None


def until(date):
    """The seconds until a date of a header; `None` if it is none."""
    try:
        return max(0, email.utils.parsedate_to_datetime(date).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def number_in(text):
    """The number in a header; `None` if there is none. A number without end
    is as good as the greatest, and does no harm."""
    text = text.strip()
    if not re.fullmatch("[0-9]+", text):
        return None
    return int(text) if len(text) <= 15 else 10**15


def checked_object(value):
    if not isinstance(value, dict):
        raise Refusal("the server answered with something else than an object", code=2)
    return value


def field(value, *names, kind=str):
    """What stands in an answer below these names; `None` if there is nothing,
    or something of another kind."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    # In Python, True is a number.
    return value if isinstance(value, kind) and not isinstance(value, bool) else None


def needed(value, *names, kind=str):
    """Likewise, where nothing can be done without it."""
    found = field(value, *names, kind=kind)
    if found is None:
        raise Refusal(f"the server's answer lacks `{'.'.join(names)}`", "is --api the address of this forge's API?", code=2)
    return found


def next_page(link):
    """The address of the next page in a `Link` header (RFC 8288)."""
    for address, parameters in re.findall("<([^>]*)>([^<]*)", link):
        if 'rel="next"' in parameters.replace(" ", ""):
            return address.strip()
    return None


def joined(url, reference):
    """Where a reference in the answer of an address leads."""
    try:
        target = urllib.parse.urljoin(url, reference)
    except ValueError:
        target = ""
    split(target)
    return target


def split(url):
    """The parts of an address; refuses what is none."""
    try:
        parts = urllib.parse.urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and all("!" <= c <= "~" for c in url)
    except ValueError:
        usable = False
    if not usable:
        raise Refusal(f"`{public(url)}` is not an address", "one begins with https:// and names a host", code=2)
    return parts


def checked_url(url):
    """Refuses addresses that a secret must not be sent to."""
    parts = split(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    if not secure:
        raise Refusal(f"`{public(url)}` is not an https address", code=2)
    if parts.username or parts.password:
        raise Refusal(f"`{public(url)}` holds a name or a password", code=2)
    return url


def is_loopback(host):
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def origin(url):
    parts = split(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port


def public(url):
    """An address without what may be secret in it: the query of a signed one,
    and a password."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return "…"
    return printable(urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")))


def token_of(variable):
    """The token from the environment: never an argument, which others see."""
    token = os.environ.get(variable, "").strip()
    if not token:
        raise Refusal(f"{variable} is not set", "the token is taken from the environment only", code=2)
    if not all("!" <= c <= "~" for c in token):
        raise Refusal(f"{variable} holds characters that no token has", code=2)
    return token


def printable(text):
    """No more of a server's words than fits, and nothing that a terminal obeys."""
    return "".join(c for c in text if c.isprintable())[:300]


def pattern(expression, what):
    """The type of an argument that has to look like this."""

    def check(text):
        if re.fullmatch(expression, text):
            return text
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")

    return check


def add_seconds(parser):
    parser.add_argument(
        "--seconds", default=300, type=seconds, metavar="N", help="for all attempts together; default: %(default)s"
    )


def seconds(text):
    return int(pattern("[1-9][0-9]{0,4}", "a number of seconds, 1 to 99999")(text))


def tell(text):
    print(text, file=sys.stderr, flush=True)


def run(main):
    """Runs a script's main function, and exits: 0 done, 1 refused, 2 wrong use
    or surroundings."""
    try:
        main()
        sys.stdout.flush()
    except Refusal as refusal:
        signal.setitimer(signal.ITIMER_REAL, 0)
        tell(f"error: {refusal}")
        if refusal.hint:
            tell(f"hint: {refusal.hint}")
        sys.exit(refusal.code)
    except OSError as error:
        tell(f"error: {error}")
        sys.exit(2)
    except Exception:
        # A defect; but Python's own exit code for it, 1, would say "refused".
        traceback.print_exc()
        sys.exit(2)
