"""A stand-in for Microsoft: its token endpoint, and Graph's message trace (`/v1.0/admin/exchange/tracing/messageTraces`).

The real service cannot be had in a test: it needs a tenant, and mail in it. This one behaves as Microsoft's reference says (both ends of
the time, at most 10 days, not older than 90, pages of 1 to 5000 with `@odata.nextLink`, 429 with `Retry-After`, error bodies) and, where
that is silent, as people who measured it report: the newest row first, `le` and `ge` alone, one row for each recipient. Pages are counted
from the newest row, so that rows which come meanwhile move the others: a real page may be better than that, not worse.

It fails in every way on demand: busy, broken, slow, cut off in the middle, expired tokens, an error behind the first rows, a page that is
HTML.
"""

import json
import random
import re
import secrets
import threading
import time
import urllib.parse
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = "/v1.0/admin/exchange/tracing/messageTraces"
DAY = 86400
TRACE_APP = "8bd644d1-64a1-4d4b-ae52-2e0cbf64e373"
STATES = ["gettingStatus", "pending"]
ENDS = ["delivered", "delivered", "delivered", "failed", "quarantined", "filteredAsSpam", "expanded"]
SUBJECTS = ["Quarterly report", "Rechnung Nr. 4711 – überfällig", "tab\there \"and\" a\nline", "", "=?odd", "日本語の件名", "nul\x00 and bell\x07", None]


def written(seconds, digits=0):
    text = datetime.fromtimestamp(int(seconds), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{int(seconds * 10**digits) % 10**digits:0{digits}d}" if digits else ""
    return text + fraction + "Z"


class Tenant:
    """Its rows, and what each of them ever said."""

    def __init__(self, name, client, secret, dice):
        self.name, self.client, self.secret, self.dice = name, client, secret, dice
        self.lock = threading.Lock()
        self.rows, self.number, self.tokens = [], 0, {}
        # Each row's states, in order, by (id, recipient).
        self.told = {}
        self.trouble = None

    def add_message(self, age, is_final=False):
        """A message of that age, with a row for each recipient, told of from now on."""
        with self.lock:
            dice = self.dice
            self.number += 1
            trace = str(self.uuid())
            received = time.time() - age
            digits = dice.choice([0, 0, 3, 7])
            sender = dice.choice([f"news{self.number}@example.net", "ann@example.com", "", None])
            subject = dice.choice(SUBJECTS)
            for at in range(dice.choice([1, 1, 1, 2, 3, 7])):
                row = {
                    "id": trace,
                    "senderAddress": sender,
                    "recipientAddress": f"user{at}.{self.number}@{self.name}",
                    "messageId": f"<{self.number}.{at % 1}@example.net>",
                    "receivedDateTime": written(received, digits),
                    "subject": subject,
                    "size": dice.randrange(500, 10**7),
                    "fromIP": dice.choice(["192.0.2.7", "2001:db8::7", "", None]),
                    "toIP": dice.choice(["", "198.51.100.9", None]),
                    "status": dice.choice(ENDS if is_final or dice.random() < 0.7 else STATES),
                }
                for key in ("subject", "toIP", "messageId", "size"):
                    if dice.random() < 0.02:
                        del row[key]
                self.rows.append((received, row))
                self.told[trace, row["recipientAddress"]] = [dict(row)]
            self.rows.sort(key=lambda row: -row[0])

    def uuid(self):
        text = f"{self.dice.getrandbits(128):032x}"
        return "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])

    def change(self, count):
        """Lets rows of the last two days come to their next state."""
        with self.lock:
            open_rows = [row for received, row in self.rows if row["status"] in STATES and received > time.time() - 47 * 3600]
            for row in self.dice.sample(open_rows, min(count, len(open_rows))):
                row["status"] = "pending" if row["status"] == "gettingStatus" and self.dice.random() < 0.3 else self.dice.choice(ENDS)
                self.told[row["id"], row["recipientAddress"]].append(dict(row))

    def page(self, start, end, skip, top):
        with self.lock:
            found = [dict(row) for received, row in self.rows if start <= received <= end]
        return found[skip : skip + top], skip + top < len(found)


class Refused(Exception):
    def __init__(self, status, code, message, headers=()):
        super().__init__(message)
        self.status, self.headers = status, dict(headers)
        self.body = {"error": {"code": code, "message": message, "innerError": {"date": written(time.time()), "request-id": "0", "client-request-id": "0"}}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Kestrel"
    sys_version = ""

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, BrokenPipeError):
            pass  # The collector was killed.

    def answer(self, status, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **dict(headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = True

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        world = self.server.world
        world.count("token")
        tenant = world.tenants.get(self.path.split("/")[1])
        refusal = lambda status, error, text: self.answer(  # noqa: E731
            status, {"error": error, "error_description": f"{text}\r\nTrace ID: 0\r\nTimestamp: {written(time.time())}", "error_codes": [int(text[6:].split(":")[0])]}
        )
        if not tenant or self.path != f"/{tenant.name}/oauth2/v2.0/token":
            return refusal(400, "invalid_request", "AADSTS90002: Tenant not found.")
        if form.get("grant_type") != ["client_credentials"] or form.get("scope") != [f"http://{self.headers['host']}/.default"]:
            return refusal(400, "invalid_scope", "AADSTS70011: The provided request must include a 'scope' input parameter.")
        if form.get("client_id") != [tenant.client]:
            return refusal(400, "unauthorized_client", "AADSTS700016: Application was not found in the directory.")
        if form.get("client_secret") != [tenant.secret]:
            return refusal(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        if world.is_faulty(0.1):
            return self.answer(503, b"busy", {"Retry-After": "1"})
        token = secrets.token_urlsafe(900)
        tenant.tokens[token] = time.time() + world.token_life
        return self.answer(200, {"token_type": "Bearer", "expires_in": world.token_life, "ext_expires_in": world.token_life, "access_token": token})

    def do_GET(self):
        world = self.server.world
        world.count("page")
        try:
            body = self.page(world)
        except Refused as refused:
            world.count(str(refused.status))
            return self.answer(refused.status, refused.body, refused.headers)
        data = json.dumps(body, ensure_ascii=world.dice.random() < 0.5).encode()
        if not world.is_faulty(0.12):
            return self.answer(200, data)
        fault = world.dice.choice(["cut", "chunks", "slow", "html", "behind", "gone"])
        world.count(fault)
        cut = world.dice.randrange(len(data))
        if fault == "slow":
            time.sleep(world.dice.uniform(0.2, 1.0))
            return self.answer(200, data)
        if fault == "html":
            return self.answer(200, b"<html>Service temporarily moved</html>", {"Content-Type": "text/html"})
        if fault == "behind":
            return self.answer(200, data[:-1] + b', "error": {"code": "UnknownError", "message": ""}}')
        if fault == "cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data) + data[:cut])
        if fault == "chunks":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(data) + data[:cut])
        self.close_connection = True
        return None

    def page(self, world):
        token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        tenant = next((tenant for tenant in world.tenants.values() if token in tenant.tokens), None)
        if not tenant or tenant.tokens[token] < time.time():
            raise Refused(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
        if tenant.trouble == "forbidden":
            raise Refused(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        if tenant.trouble == "no app":
            message = f"Service principal-less authentication failed: The service principal for App ID {TRACE_APP} was not found."
            raise Refused(401, "Unauthorized", message)
        if world.is_faulty(0.06):
            raise Refused(429, "TooManyRequests", "Your recent queries have surpassed the permitted limit, please try again later.", {"Retry-After": "1"})
        if world.is_faulty(0.06):
            raise Refused(world.dice.choice([500, 502, 503, 504]), "UnknownError", "")
        url = urllib.parse.urlsplit(self.path)
        given = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        bounds = re.fullmatch(r"receivedDateTime ge (\S+Z) and receivedDateTime le (\S+Z)", given.get("$filter", ""))
        if url.path != PATH or not bounds:
            raise Refused(400, "BadRequest", "EndDate is required when a StartDate is entered.")
        start, end = (datetime.strptime(bound, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp() for bound in bounds.groups())
        if end - start > 10 * DAY:
            raise Refused(400, "BadRequest", "The interval between StartDate and EndDate can't be longer than 10 days.")
        if start < time.time() - 90 * DAY or end > time.time():
            raise Refused(400, "BadRequest", "Invalid StartDate value. The StartDate can't be older than 90 days from today.")
        top, skip = int(given.get("$top", 1000)), int(given.get("$skiptoken", 0))
        if not 1 <= top <= 5000:
            raise Refused(400, "BadRequest", "ResultSize is invalid.")
        if skip and world.is_faulty(0.02):
            raise Refused(400, "BadRequest", "The skiptoken is not valid any more.")
        rows, has_more = tenant.page(start, end, skip, top)
        if world.is_faulty(0.1):
            # A row that has no time cannot be placed, and has to be left out.
            rows.insert(0, {"id": "0", "recipientAddress": "x@example.org", "receivedDateTime": None, "status": "delivered"})
        body = {"@odata.context": f"http://{self.headers['host']}/v1.0/$metadata#admin/exchange/tracing/messageTraces", "value": rows}
        if has_more:
            query = urllib.parse.urlencode({"$filter": given["$filter"], "$top": top, "$skiptoken": skip + top}, quote_via=urllib.parse.quote, safe="$")
            body["@odata.nextLink"] = f"http://{self.headers['host']}{PATH}?{query}"
        return body


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class Graph:
    """The service, on a port of this machine."""

    def __init__(self, dice, token_life=6):
        self.dice, self.token_life, self.tenants = dice, token_life, {}
        self.faults = False
        self.counts, self.lock = {}, threading.Lock()
        self.http = Server(("127.0.0.1", 0), Handler)
        self.http.world = self
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def add(self, name, client, secret):
        self.tenants[name] = Tenant(name, client, secret, random.Random(self.dice.random()))
        return self.tenants[name]

    def is_faulty(self, share):
        return self.faults and self.dice.random() < share

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def stop(self):
        self.http.shutdown()
        self.http.server_close()
