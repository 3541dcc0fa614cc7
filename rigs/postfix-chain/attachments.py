"""Files to attach, and mail signed or encrypted with keys made for the run."""

import os
import subprocess


def documents(rig):
    """(file name, media type, bytes) of ten attachments: common kinds, awkward names."""

    def noise(size):
        return rig.random.randbytes(size)

    office = "application/vnd.openxmlformats-officedocument"
    long_name = "a-very-long-file-name-that-makes-the-mime-parameter-fold-over-more-than-one-header-line-2026.csv"
    return [
        ("report.pdf", "application/pdf", b"%PDF-1.4\n" + noise(9000)),
        ("table.xlsx", f"{office}.spreadsheetml.sheet", b"PK\3\4" + noise(5000)),
        ("letter.docx", f"{office}.wordprocessingml.document", b"PK\3\4" + noise(7000)),
        ("photo.png", "image/png", b"\x89PNG\r\n\x1a\n" + noise(20000)),
        ("archive.zip", "application/zip", b"PK\3\4" + noise(15000)),
        ("notes.txt", "text/plain", b"plain notes\n" * 50),
        ("meeting.ics", "text/calendar", b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"),
        ("Übersicht 2026.pdf", "application/pdf", b"%PDF-1.4\n" + noise(3000)),
        ("invoice.pdf.exe", "application/octet-stream", b"MZ" + noise(2000)),
        (long_name, "text/csv", b"a,b\n1,2\n" * 30),
    ]


def output_of(*command, data=None):
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def protected(rig):
    """Kind -> MIME entity, by openssl and gpg."""
    body = b"Content-Type: text/plain; charset=utf-8\r\n\r\nProtected text of the rig.\r\n"
    return {**_smime(rig, body), **_pgp(rig, body)}


def _smime(rig, body):
    key, certificate, plain = (f"{rig.scratch}/{name}" for name in ("key.pem", "certificate.pem", "body"))
    subject = f"/CN=frontdesk/emailAddress={rig.own('frontdesk')}"
    output_of("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", subject,
              "-keyout", key, "-out", certificate)
    with open(plain, "wb") as file:
        file.write(body)
    sign = ("openssl", "cms", "-sign", "-in", plain, "-signer", certificate, "-inkey", key)
    return {
        "smime-signed": output_of(*sign),
        "smime-signed-opaque": output_of(*sign, "-nodetach"),
        "smime-encrypted": output_of("openssl", "cms", "-encrypt", "-aes256", "-in", plain, certificate),
    }


def _pgp(rig, body):
    home, user = f"{rig.scratch}/gpg", rig.own("frontdesk")
    os.mkdir(home, 0o700)
    gpg = ("gpg", "--homedir", home, "--batch", "--yes", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", "",
           "--trust-model", "always")
    output_of(*gpg, "--quick-gen-key", user, "rsa2048", "sign,encr", "never")
    gpg += ("-u", user, "--armor")
    signature = output_of(*gpg, "--detach-sign", data=body)
    encrypted = output_of(*gpg, "--encrypt", "-r", user, data=body)
    inline_signed = output_of(*gpg, "--clearsign", data=b"inline signed text\n")
    inline_encrypted = output_of(*gpg, "--encrypt", "-r", user, data=b"inline secret\n")
    output_of("gpgconf", "--homedir", home, "--kill", "gpg-agent")
    plain = b"MIME-Version: 1.0\nContent-Type: text/plain\n\n"
    return {
        "pgp-mime-signed": _multipart(
            'multipart/signed; micalg=pgp-sha512; protocol="application/pgp-signature"', body,
            b'Content-Type: application/pgp-signature; name="signature.asc"\r\n\r\n' + signature),
        "pgp-mime-encrypted": _multipart(
            'multipart/encrypted; protocol="application/pgp-encrypted"',
            b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n",
            b'Content-Type: application/octet-stream; name="encrypted.asc"\r\n\r\n' + encrypted),
        "pgp-inline-signed": plain + inline_signed,
        "pgp-inline-encrypted": plain + inline_encrypted,
    }


def _multipart(kind, first, second):
    head = f'MIME-Version: 1.0\r\nContent-Type: {kind}; boundary="rig"\r\n\r\n'.encode()
    return head + b"--rig\r\n" + first + b"\r\n--rig\r\n" + second + b"\r\n--rig--\r\n"
