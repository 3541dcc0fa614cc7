#!/usr/bin/env python3
"""driver.py RIGDIR OUTDIR [--seed N] [--run NAME] [--scale K]: known traffic for the alt-mta rig and its exact ground truth.
Same shape of ground-truth.json as the postfix-chain rig; outcomes are checked against stores and outside MXes, never against logs."""
import argparse, collections, datetime, email.utils, json, os, random, re, smtplib, ssl, subprocess, sys, threading, time
from email.message import EmailMessage
HERE = os.path.dirname(os.path.abspath(__file__)); sys.path.insert(0, os.path.join(HERE, "..", "lib")); sys.dont_write_bytecode = True
from smtpkit import facts
ap = argparse.ArgumentParser(); ap.add_argument("rig"); ap.add_argument("out"); ap.add_argument("--seed", type=int, default=1); ap.add_argument("--run", default="run"); ap.add_argument("--scale", type=int, default=2); A = ap.parse_args()
R, O = os.path.abspath(A.rig), os.path.abspath(A.out); os.makedirs(O, exist_ok=True); rnd = random.Random(A.seed); T0 = time.time()
ENV = dict(re.findall(r"(\w+)='([^']*)'", open(f"{R}/rig.env").read())); NET, ORG, EXT, KIND = ENV["RIG_NET"], ENV["RIG_ORG"], ENV["RIG_EXT"], ENV["KIND"]; MTA = NET + ".4"; P = f"partner.{EXT}"
USERS = "frontdesk helpdesk payroll sales1 sales2 sales3 ops1 ops2 dev1".split(); W = "quarterly budget roster invoice delivery schedule minutes draft review request plan notice".split(); MSGS = []
def u(): return rnd.choice(USERS) + "@" + ORG
def text(n=None): return "\n".join(" ".join(rnd.choice(W) for _ in range(9)) for _ in range(n or rnd.randint(3, 30))) + "\n"
def D(f, orig=None): return dict({"final": f, "outcome": "delivered", "at": "mailbox" if f.endswith("@" + ORG) else "outside"}, **({"orig_to": orig} if orig else {}))
def X(f, o, **k): return dict({"final": f, "outcome": o}, **k)
def send(sc, mf, rcpts, subject=None, src=None, helo=None, body=None, msgid="auto", tls=False, attach=(), size=True, abort=None, hdr_from=None):
    gt = f"GT{A.seed:02d}-{len(MSGS)+1:04d}"; mid = f"<{gt.lower()}.{rnd.getrandbits(40):010x}@{(mf or 'x@'+EXT).split('@')[1]}>" if msgid == "auto" else msgid
    m = EmailMessage(); m["From"] = hdr_from or mf or "mailer-daemon@" + P; m["To"] = ", ".join(a for a, _ in rcpts); m["Subject"] = subject if subject is not None else " ".join(rnd.sample(W, 3)); m["Date"] = email.utils.formatdate()
    if mid: m["Message-ID"] = mid
    m["X-GT-ID"] = gt; m.set_content(body or text()); parts = []
    for fn, mt, b in attach: m.add_attachment(b, maintype=mt.split("/")[0], subtype=mt.split("/")[1], filename=fn); parts.append({"filename": fn, "content_type": mt, "size": len(b)})
    data = m.as_bytes(policy=m.policy.clone(linesep="\r\n")); src = src or NET + ".60"; helo = helo or f"out1.{P}"; t = time.time()
    r = {"gt_id": gt, "scenario": sc, "envelope_from": mf, "header_from": m["From"], "subject": m["Subject"], "message_id": mid, "size": len(data), "parts": parts, "client_ip": src, "helo": helo, "tls": tls, "submitted_at": round(t, 3),
         "submitted_at_utc": datetime.datetime.fromtimestamp(t, datetime.timezone.utc).isoformat(timespec="milliseconds"), "rcpts": []}; MSGS.append(r)
    try:
        s = smtplib.SMTP(MTA, 25, local_hostname=helo, timeout=60, source_address=(src, 0)); s.ehlo()
        if tls: c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE; s.starttls(context=c); s.ehlo()
        c, x = s.mail(mf, [f"SIZE={len(data)}"] if size and s.has_extn("size") else []); r["mail_code"], r["mail_text"] = c, x.decode(); ok = 0
        for a, e in rcpts:
            if c != 250: r["rcpts"].append({"addr": a, "smtp_code": c, "expect": e}); continue
            c2, x2 = s.rcpt(a); r["rcpts"].append({"addr": a, "smtp_code": c2, "smtp_text": x2.decode(), "expect": e}); ok += c2 in (250, 251)
        if abort and ok: s.docmd("DATA"); s.sock.sendall(data[:200]); s.sock.close(); r["aborted"] = "closed in DATA"; return r
        if ok:
            c3, x3 = s.data(data); r["data_code"], r["data_text"] = c3, x3.decode(); g = re.search(r"id=(\S+)|2\.0\.0 (\w+) Message acc", r["data_text"]); r["queue_id"] = (g.group(1) or g.group(2)) if g else None
        s.quit()
    except (smtplib.SMTPException, OSError) as e: r["disconnected"] = f"{type(e).__name__}: {e}"
    return r
PC = NET + ".70"
def inner(sc, rcpts, **k): f = u(); return send(sc, f, rcpts, src=PC, helo=f"pc1.{ORG}", **k)
threading.Timer(15, lambda: subprocess.run([f"{HERE}/rig.sh", "open-slow", R])).start()
inner("out-deferred-port-closed", [(x := f"contact@slow.{EXT}", [D(x)])])
inner("out-deferred-multi", [(x := f"x1@slow.{EXT}", [D(x)]), (y := f"desk@{P}", [D(y)])])
inner("out-greylisted", [(x := f"contact@grey.{EXT}", [D(x)])])
inner("out-never-delivered", [(x := f"gone@dead.{EXT}", [X(x, "expired", dsn_expected=True) if KIND != "opensmtpd" else X(x, "deferred")])])  # OpenSMTPD 6.8 keeps it: its own back-off is longer than the run
ext = lambda: rnd.choice(["buyer", "orders", "desk", "billing"]) + "@" + P
for i in range(A.scale):
    for _ in range(3): send("in-simple", ext(), [(x := u(), [D(x)])], tls=rnd.random() < .5)
    t3 = rnd.sample(USERS, 3); send("in-multi", ext(), [(f"{x}@{ORG}", [D(f"{x}@{ORG}")]) for x in t3])
    send("in-alias", ext(), [(f"sales@{ORG}", [D(f"sales{n}@{ORG}", f"sales@{ORG}") for n in (1, 2, 3)])])
    send("in-alias-chain", ext(), [(f"chain1@{ORG}", [D(f"dev1@{ORG}", f"chain1@{ORG}")])])
    send("in-alias-external-member", ext(), [(f"extgroup@{ORG}", [D(f"ops1@{ORG}", f"extgroup@{ORG}"), D(f"contact@{P}", f"extgroup@{ORG}")])])
    send("in-unknown-user", ext(), [(x := f"nobody{i}@{ORG}", [X(x, "rejected", stage="rcpt")])])
    send("in-partly-unknown", ext(), [(x := u(), [D(x)]), (y := f"missing{i}@{ORG}", [X(y, "rejected", stage="rcpt")])])
    send("in-relay-denied", ext(), [(x := f"victim@other.{EXT}", [X(x, "rejected", stage="rcpt")])])
    if KIND != "opensmtpd": send("in-rbl", ext(), [(x := u(), [X(x, "rejected", stage="rcpt")])], src=NET + ".66", helo=f"bad.{EXT}")
    send("in-oversize", ext(), [(x := u(), [X(x, "rejected", stage="mail")])], attach=[("big.bin", "application/octet-stream", b"\0" * 1200000)])
    send("in-null-sender", "", [(x := u(), [D(x)])])
    mid = f"<dup{i}.{rnd.getrandbits(30)}@{P}>"; x = u()
    for _ in (1, 2): send("in-same-message-id", ext(), [(x, [D(x)])], msgid=mid)
    send("in-no-message-id", ext(), [(x := u(), [D(x)])], msgid=None)
    send("in-subject-tricky", ext(), [(x := u(), [D(x)])], subject=f"=> evil <x@{EXT}> T=fake C=\"250 ok\" to=<a@b>, stat=Sent")
    send("in-subject-utf8", ext(), [(x := u(), [D(x)])], subject=f"Prüfung Übersicht №{i}")
    send("in-attachments", ext(), [(x := u(), [D(x)])], attach=[("report.pdf", "application/pdf", b"%PDF-1.4\n" + b"x" * 4000), ("photo.png", "image/png", b"\x89PNG" + b"y" * 3000)])
    send("in-aborted", ext(), [(x := u(), [X(x, "aborted")])], abort=True)
    inner("out-simple", [(x := f"client{i}@{P}", [D(x)])], tls=True)
    inner("out-mixed", [(x := f"client{i}b@{P}", [D(x)]), (y := u(), [D(y)])])
    inner("internal", [(x := u(), [D(x)])])
    inner("out-rejected-rcpt", [(x := f"r550-x{i}@{P}", [X(x, "bounced", dsn_expected=True)]), (y := f"good{i}@{P}", [D(y)])])
    inner("out-rejected-data", [(x := f"d554-x{i}@{P}", [X(x, "bounced", dsn_expected=True)])])
    inner("out-unknown-domain", [(x := f"x{i}@nosuch.{EXT}", [X(x, "bounced", dsn_expected=True)])])
if KIND == "exim":
    # What Exim alone has words for: the subject orders its ACL and its routers about (rig.sh).
    for i in range(A.scale):
        send("in-blackhole", ext(), [(x := f"void@{ORG}", [X(x, "discarded")])])
        send("in-pipe", ext(), [(x := f"robot@{ORG}", [D(x)])])
        send("in-folder", ext(), [(x := f"archive@{ORG}", [D(x)])])
        send("in-data-refused", ext(), [(x := u(), [X(x, "rejected", stage="data")])], subject="REFUSE-CONTENT now")
        send("in-data-dropped", ext(), [(x := u(), [X(x, "aborted")])], subject="DROP-CONTENT now")  # accepted, and no log says for whom
        send("in-fake-reject", ext(), [(x := u(), [D(x)])], subject="FAKE-REJECT now")
        send("in-scanned", ext(), [(x := u(), [D(x)])], subject="SCAN-IT now")
        t2 = rnd.sample(USERS, 2); send("in-scanned-multi", ext(), [(f"{x}@{ORG}", [D(f"{x}@{ORG}")]) for x in t2], subject="SCAN-IT too")
        send("in-long-list", ext(), [(f"{x}@{ORG}", [D(f"{x}@{ORG}")]) for x in USERS], subject=" ".join(W * 2))
        send("out-cutthrough", u(), [(x := f"cut{i}@{P}", [D(x)])], src=NET + ".71", helo=f"pc2.{ORG}")
        # Tried once, so that the log names the recipient, and then an administrator comes.
        held = inner("held", [(x := f"held{i}@dead.{EXT}", [X(x, "held")])])
        gone = inner("removed", [(x := f"removed{i}@dead.{EXT}", [X(x, "deleted")])])
        thawed = inner("thawed", [(x := f"thawed{i}@{P}", [D(x)])], subject="FREEZE-IT")
        time.sleep(2)
        for act, message in (("-Mf", held), ("-Mrm", gone), ("-Mt", thawed)): subprocess.run([f"{HERE}/rig.sh", "by-hand", R, act, message["queue_id"]], check=True)
    # Long enough for several pieces in syslog, with an address that must not be lost.
    send("in-many", ext(), [(f"{x}+{'detail' * 9}{n}@{ORG}", [X(f"{x}+{'detail' * 9}{n}@{ORG}", "rejected", stage="rcpt")]) for n, x in enumerate(USERS[:3])] + [(x := u(), [D(x)])])
def lines(f):
    try: return [json.loads(l) for l in open(f)]
    except FileNotFoundError: return []
def observe():
    dl = []
    for r in lines(f"{R}/sink.jsonl"):
        if r["ev"] != "accepted": continue
        for a in r["rcpts"]:
            store = a.endswith("@store." + ORG); dl.append(dict({k: v for k, v in r.items() if k not in ("rcpts", "ev")}, at="mailbox" if store else "outside", final=a.replace("@store.", "@") if store else a, envelope_from=r["from"]))
    if os.path.isdir(f"{R}/mail"):
        for us in sorted(os.listdir(f"{R}/mail")):
            for s in ("new", "cur"):
                for f in (os.listdir(f"{R}/mail/{us}/{s}") if os.path.isdir(f"{R}/mail/{us}/{s}") else []): dl.append(dict(facts(open(f"{R}/mail/{us}/{s}/{f}", "rb").read()), at="mailbox", final=f"{us}@{ORG}"))
    return dl
def is_dsn(d): return bool(d.get("dsn")) or "notice_text" in d or d["content_type"] == "multipart/report" or (not d["gt_id"] and re.search(r"deliver|fail|return", d["subject"] or "", re.I))
def check(dl):
    bad = []; by = collections.Counter((d["gt_id"], d["final"], d["at"]) for d in dl if d["gt_id"] and not is_dsn(d)); want = collections.Counter(); dsn = {(d.get("dsn_of_gt_id"), x["Final-Recipient"].split(";")[-1].strip().lower().strip("<>")) for d in dl for x in d.get("dsn", []) if x.get("Action", "").lower() == "failed"}
    for d in dl:
        if "notice_text" in d and not d.get("dsn") and "fail" in (d["subject"] or "").lower():
            for g in d["quoted_gt_ids"]: dsn |= {(g, a.lower()) for a in re.findall(r"[\w.+-]+@[\w.-]+\w", d["notice_text"])}
    for r in MSGS:
        for rc in r["rcpts"]:
            for e in rc["expect"]:
                if e["outcome"] == "delivered": k = (r["gt_id"], e["final"], e["at"]); want[k] += 1; ok = by[k] == 1
                elif e["outcome"] in ("bounced", "expired"): ok = (r["gt_id"], e["final"].lower()) in dsn
                elif e["outcome"] == "rejected": c = rc.get("smtp_code") if e["stage"] == "rcpt" or rc.get("smtp_code") != 250 else max(r.get("mail_code", 0), r.get("data_code", 0)); ok = (c or 0) >= 400; e["code"] = c
                elif e["outcome"] in ("deferred", "held"): ok = e["final"] in subprocess.run([f"{HERE}/rig.sh", "queue", R], capture_output=True, text=True).stdout
                else: ok = not any(k[0] == r["gt_id"] for k in by)
                e["verified"] = ok
                if not ok: bad.append((r["gt_id"], r["scenario"], rc["addr"], e))
    bad += [("surplus", k, n, want[k]) for k, n in by.items() if want[k] != n]
    return bad
end = time.time() + 130
while time.time() < end:
    time.sleep(3); subprocess.run([f"{HERE}/rig.sh", "kick", R]); dl = observe(); bad = check(dl)
    if not bad and time.time() - T0 > 20: break
time.sleep(2); dl = observe(); bad = check(dl); q = subprocess.run([f"{HERE}/rig.sh", "queue", R], capture_output=True, text=True).stdout.replace(R, "/RIG")
for r in MSGS:
    for rc in r["rcpts"]:
        for e in rc["expect"]:
            h = [d for d in dl if d["gt_id"] == r["gt_id"] and d["final"] == e["final"] and not is_dsn(d)]
            if h: e["observed_hops"] = h[0]["hops"]
gt = {"run": A.run, "seed": A.seed, "kind": KIND, "rig_env": {k: v for k, v in ENV.items() if k != "ALT"}, "messages": MSGS, "deliveries_observed": dl, "generated_messages_observed": [d for d in dl if is_dsn(d)], "outside_observed": lines(f"{R}/sink.jsonl"), "queue_at_end": q, "all_expectations_verified": not bad}
json.dump(gt, open(f"{O}/ground-truth.json", "w"), indent=1, sort_keys=True, ensure_ascii=False)
print(f"{KIND}: {len(MSGS)} messages, {len(dl)} deliveries observed, differences {len(bad)}, {time.time()-T0:.0f} s")
for b in bad: print("DIFF", b)
sys.exit(1 if bad else 0)
