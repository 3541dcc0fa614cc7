#!/usr/bin/env python3
"""Writes message traces of a Microsoft 365 that never was, in the forms that they are exported in, and the truth of their mail.

usage: make.py [FOLDER]        (default: made, beside this file; the same bytes every time)

README.md names the documents that the shapes come from. The truth is written while the mail is "sent", and never read from a row.
"""
import datetime
import gzip
import io
import json
import os
import random
import sys

UTC = datetime.timezone.utc
BASE = datetime.datetime(2026, 3, 28, 21, 0, tzinfo=UTC)
SUBJECTS = [
    "Quarterly figures",
    'Re: "Final" offer; version 3, please sign',
    "Réunion du comité, salle « Été »",
    "会議の議事録; 第1回, \"草案\"",
    "two\nlines",
    "tab\tin it",
    "",
    "##Receive, Deliver;x@example.com##Fail",
    "\U0001F4E7 mail",
    "{\"value\": [1, 2]}",
    "id=0\tstatus=failed",
]
USERS = [f"{name}@example.com" for name in "ann bob carol dave eve frank grace heidi".split()] + ["o'neil@example.com"]
OUTSIDE = [f"{name}@example.net" for name in "peggy trent victor wendy".split()]
FINAL = {"delivered": "delivered", "failed": "bounced", "filteredAsSpam": "discarded", "quarantined": "discarded", "pending": "deferred", "gettingStatus": "deferred"}


class World:
    def __init__(self):
        self.random = random.Random(365)
        self.truth = []

    def guid(self):
        digits = f"{self.random.getrandbits(128):032x}"
        return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])

    def message(self, scenario, sender, recipients, precise=True):
        """`recipients`: (address, status at first, status in the end, group that it is of)."""
        at = BASE + datetime.timedelta(milliseconds=self.random.randint(0, 40 * 3_600_000))
        message = {
            "id": self.guid(),
            "message_id": f"<{self.guid()}@{'mail.example.net' if not inside(sender) else 'example.com'}>",
            "sender": sender,
            "subject": self.random.choice(SUBJECTS),
            "size": self.random.randint(900, 9_000_000),
            "at": at if precise else at.replace(microsecond=0),
            "from_ip": "" if inside(sender) else "198.51.100.77",
            "recipients": recipients,
        }
        expect = [
            {"rcpt": group or address, "expect": [{"final": address, "outcome": FINAL[last], "observed_hops": [{"id": message["id"].replace("-", "")}], "took_ms": None}]}
            for address, _, last, group in recipients
            if last != "expanded"
        ]
        self.truth.append(
            {
                "gt_id": f"M365-{len(self.truth):04d}",
                "scenario": scenario,
                "queue_id": message["id"].replace("-", ""),
                "message_id": message["message_id"],
                "envelope_from": sender,
                "rcpts": expect,
            }
        )
        return message


def inside(address):
    return address.endswith("@example.com")


def mail(world, count, scenario, precise=True):
    """Some of everything."""
    messages = []
    for number in range(count):
        kind = number % 10
        if kind in (0, 1, 2):
            people = world.random.sample(USERS, world.random.choice([1, 1, 2, 3]))
            messages.append(world.message(scenario + ", inbound", world.random.choice(OUTSIDE), [(who, "gettingStatus", "delivered", None) for who in people], precise))
        elif kind in (3, 4):
            messages.append(world.message(scenario + ", outbound", "ann@example.com", [(world.random.choice(OUTSIDE), "pending", "delivered", None)], precise))
        elif kind == 5:
            who = world.random.sample(USERS, 2)
            messages.append(world.message(scenario + ", some failed", "bob@example.com", [(who[0], "delivered", "delivered", None), ("nobody@example.net", "pending", "failed", None), (who[1], "delivered", "delivered", None)], precise))
        elif kind == 6:
            members = world.random.sample(USERS, 4)
            group = [("Team@example.com", "expanded", "expanded", None)]
            messages.append(world.message(scenario + ", expanded", world.random.choice(OUTSIDE), group + [(who, "gettingStatus", "delivered", "Team@example.com") for who in members], precise))
        elif kind == 7:
            messages.append(world.message(scenario + ", spam", "spam@example.net", [("carol@example.com", "filteredAsSpam", "filteredAsSpam", None)], precise))
        elif kind == 8:
            last = "delivered" if number % 20 == 8 else "quarantined"  # released, or not
            messages.append(world.message(scenario + ", quarantined", "odd@example.net", [("dave@example.com", "quarantined", last, None)], precise))
        else:
            last = "pending" if number % 20 == 9 else "gettingStatus"
            messages.append(world.message(scenario + ", under way", "eve@example.com", [("slow@example.net", "gettingStatus", last, None)], precise))
    return messages


def rows(messages, place):
    """One for each recipient, the newest first. `place`: 1 the first state, 2 the last."""
    for message in sorted(messages, key=lambda message: message["at"], reverse=True):
        for recipient in message["recipients"]:
            yield message, recipient[0], recipient[place], "" if inside(recipient[0]) else "203.0.113.9"


def capital(status):
    return status[0].upper() + status[1:]


# --- Forms ----------------------------------------------------------------------------------------------------------------------------


def graph(listed, next_page):
    value = [
        {
            "id": message["id"],
            "senderAddress": message["sender"],
            "recipientAddress": recipient,
            "messageId": message["message_id"],
            "receivedDateTime": message["at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "subject": message["subject"],
            "size": message["size"],
            "fromIP": message["from_ip"] or None,
            "toIP": to_ip or None,
            "status": status,
        }
        for message, recipient, status, to_ip in listed
    ]
    answer = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#admin/exchange/tracing/messageTraces"}
    if next_page:
        answer["@odata.nextLink"] = "https://graph.microsoft.com/v1.0/admin/exchange/tracing/messageTraces?$skiptoken=x"
    return json.dumps(answer | {"value": value}, ensure_ascii=False, indent=2).encode()


def powershell(listed, delimiter, date, head):
    names = ["Organization", "MessageId", "Received", "SenderAddress", "RecipientAddress", "Subject", "Status", "ToIP", "FromIP", "Size", "MessageTraceId", "StartDate", "EndDate", "Index"]
    lines = [head] if head else []
    lines.append(delimiter.join(f'"{name}"' for name in names))
    for number, (message, recipient, status, to_ip) in enumerate(listed):
        values = ["example.onmicrosoft.com", message["message_id"], date(message["at"]), message["sender"], recipient, message["subject"], capital(status), to_ip, message["from_ip"], message["size"], message["id"], date(BASE), date(BASE), number]
        lines.append(delimiter.join('"' + str(value).replace('"', '""') + '"' for value in values))
    return "\r\n".join(lines) + "\r\n"


def american(at):
    return f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S} {'AM' if at.hour < 12 else 'PM'}"


def french(at):
    return at.strftime("%d/%m/%Y %H:%M:%S")


def csv_row(values):
    return ",".join('"' + str(value).replace('"', '""') + '"' if any(mark in str(value) for mark in ',"\r\n') else str(value) for value in values)


EVENTS = {"delivered": "Receive, Deliver", "failed": "Receive, Fail", "filteredAsSpam": "Receive, Drop", "expanded": "Receive, Expand", "pending": "Receive, Defer", "gettingStatus": "Receive", "quarantined": "Receive, Quarantined"}


def summary(messages):
    """A historical search's summary: a row a message."""
    lines = ["origin_timestamp_utc,sender_address,recipient_status,message_subject,total_bytes,message_id,network_message_id,original_client_ip,directionality,connector_id,delivery_priority"]
    for message in messages:
        def state(recipient, status):
            return "Receive, Send" if status == "delivered" and not inside(recipient) else EVENTS[status]
        statuses = ";".join(f"{recipient}##{state(recipient, last)}" for recipient, _, last, _ in message["recipients"])
        values = [message["at"].strftime("%Y-%m-%dT%H:%M:%S.%f0Z"), message["sender"], statuses, message["subject"].replace("\n", " "), message["size"], message["message_id"], message["id"].replace("-", ""), message["from_ip"], 2 if inside(message["sender"]) else 1, "", "Normal"]
        lines.append(csv_row(values))
    return "\r\n".join(lines) + "\r\n"


def extended(world, messages):
    """A historical search's extended report: a row an event, whose times say how long it took."""
    names = "date_time_utc,client_ip,client_hostname,server_ip,server_hostname,source_context,connector_id,source,event_id,internal_message_id,message_id,network_message_id,recipient_address,recipient_status,total_bytes,recipient_count,related_recipient_address,reference,message_subject,sender_address,return_path,message_info,directionality,tenant_id,original_client_ip,original_server_ip,custom_data".split(",")
    lines = [",".join(names)]
    for message in messages:
        truth = next(one for one in world.truth if one["queue_id"] == message["id"].replace("-", ""))

        def event(after, source, name, recipients, related="", server="AM0PR01MB1234.eurprd01.prod.outlook.com"):
            at = message["at"] + datetime.timedelta(milliseconds=after)
            said = dict(date_time_utc=at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z"), source=source, event_id=name, message_id=message["message_id"], network_message_id=message["id"], recipient_address=";".join(recipients), total_bytes=message["size"], recipient_count=len(recipients), related_recipient_address=related, message_subject=message["subject"].replace("\n", " "), sender_address=message["sender"], return_path=message["sender"], directionality="Originating" if inside(message["sender"]) else "Incoming", original_client_ip=message["from_ip"], server_hostname=server, internal_message_id=world.random.randint(10**12, 10**13), custom_data='S:AMA=SUM|v=0;S:SFA=SUM,"quoted"')
            lines.append(csv_row([said.get(column, "") for column in names]))

        def took(recipient, after):
            for one in truth["rcpts"]:
                for expect in one["expect"]:
                    if expect["final"] == recipient:
                        expect["took_ms"] = after

        groups = {group for *_, group in message["recipients"] if group}
        written = [recipient for recipient, _, _, group in message["recipients"] if not group]
        event(0, "SMTP", "RECEIVE", written)
        event(20, "AGENT", "AGENTINFO", written)
        for group in groups:
            event(40, "ROUTING", "EXPAND", [one[0] for one in message["recipients"] if one[3] == group], group)
        event(60, "SMTP", "SEND", written, server="VI1PR02MB4321.eurprd02.prod.outlook.com")
        event(70, "SMTP", "RECEIVE", written, server="VI1PR02MB4321.eurprd02.prod.outlook.com")
        for number, (recipient, _, last, _) in enumerate(message["recipients"]):
            after = 500 + 37 * number
            if last == "delivered":
                event(after, *(("STOREDRIVER", "DELIVER") if inside(recipient) else ("SMTP", "SENDEXTERNAL")), [recipient], server="VI1PR02MB4321.eurprd02.prod.outlook.com" if inside(recipient) else "mx.example.net")
                took(recipient, after)
            elif last == "failed":
                event(after, "ROUTING", "FAIL", [recipient])
                took(recipient, after)
            elif last in ("filteredAsSpam", "quarantined"):
                event(after, "AGENT", "DROP", [recipient])
                took(recipient, after)
            elif last == "pending":
                event(after, "QUEUE", "DEFER", [recipient])
    return "\r\n".join(lines) + "\r\n"


def odata(listed):
    results = [
        {
            "__metadata": {"id": f"https://reports.office365.com/MessageTrace({number})", "type": "TenantReporting.MessageTrace"},
            "Organization": "example.onmicrosoft.com",
            "MessageId": message["message_id"],
            "Received": f"/Date({int(message['at'].timestamp() * 1000)})/",
            "SenderAddress": message["sender"],
            "RecipientAddress": recipient,
            "Subject": message["subject"],
            "Status": capital(status),
            "ToIP": to_ip or None,
            "FromIP": message["from_ip"] or None,
            "Size": message["size"],
            "MessageTraceId": message["id"],
            "Index": number,
        }
        for number, (message, recipient, status, to_ip) in enumerate(listed)
    ]
    return json.dumps({"d": {"results": results}}).encode()


def lines(listed):
    objects = [
        {
            "MessageTraceId": message["id"],
            "MessageId": message["message_id"],
            "Received@data.type": "System.DateTime",
            "Received": message["at"].strftime("%Y-%m-%dT%H:%M:%S.%f0"),
            "SenderAddress": message["sender"],
            "RecipientAddress": recipient,
            "FromIP": message["from_ip"],
            "ToIP": to_ip,
            "Subject": message["subject"],
            "Status": capital(status),
            "Size": message["size"],
        }
        for message, recipient, status, to_ip in listed
    ]
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects).encode()


def pack(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, packed, 0) as file:
        file.write(content)
    with open(path, "wb") as file:
        file.write(packed.getvalue())


def main(folder):
    world = World()
    tenant = os.path.join(folder, "tenant")

    def write(name, content):
        pack(os.path.join(tenant, "microsoft365", name + ".gz"), content)

    polled = mail(world, 60, "polled")
    first, last = list(rows(polled, 1)), list(rows(polled, 2))
    half = len(first) // 2
    # Pages overlap, as a message comes in between.
    write("graph-1.json", graph(first[: half + 3], True))
    write("graph-2.json", graph(first[half:], False))
    write("graph-again.json", graph(last, False))
    american_mail = mail(world, 40, "american", precise=False)
    write("trace-us.csv", powershell(list(rows(american_mail, 2)) + last[:5], ",", american, "#TYPE Selected.Microsoft.Exchange.MessageTrace").encode("utf-8-sig"))
    french_mail = mail(world, 30, "french", precise=False)
    write("trace-fr.csv", powershell(rows(french_mail, 2), ";", french, "").encode())
    write("summary.csv", summary(mail(world, 40, "summary")).encode("utf-16"))
    write("extended.csv", extended(world, mail(world, 40, "extended")).encode("utf-16-le"))
    write("odata.json", odata(rows(mail(world, 30, "odata"), 2)))
    write("trace.jsonl", lines(rows(mail(world, 30, "lines"), 2)))
    pack(os.path.join(tenant, "ground-truth.json.gz"), json.dumps({"messages": world.truth}, indent=1, ensure_ascii=False).encode())
    print(f"tenant: {len(world.truth)} messages")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "made"))
