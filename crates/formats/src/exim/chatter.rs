//! What Exim says beside the life of messages, so that what is new stands out.

use super::fields::host;
use crate::scan;

/// Said while a message lies in the queue or is being delivered, so that the message exists. What is said while one comes does not
/// tell: it may still be refused.
pub fn is_of_queue(text: &[u8]) -> bool {
    if let Some(rest) = text.strip_prefix(b"H=") {
        return is_of_remote_server(rest);
    }
    const STARTS: &[&[u8]] = &[
        b"Spool file is locked",
        b"no immediate delivery: ",
        b"original recipients ignored (system filter)",
        b"sender address changed to ",
        b"recipient address <",
        b"cancelled by ",
        b"remote host address is the local host",
        b"SMTP error from remote ",
        b"SMTP timeout while connected to ",
        b"Remote host ",
        b"removed from -D file",
        b"retry time not reached",
    ];
    const WITHIN: &[&[u8]] = &[b": error ignored", b" transport output: ", b" sent to <", b"Delay warning"];
    STARTS.iter().any(|start| text.starts_with(start)) || WITHIN.iter().any(|words| scan::find(text, words).is_some())
}

/// `H=mx.example.net [192.0.2.1]: SMTP error from remote mail server …`, `H=… [ip] Connection refused`: of the server that Exim spoke
/// to. A client's lines have a sender, or say what a check found.
fn is_of_remote_server(text: &[u8]) -> bool {
    let (host, rest) = host(text);
    let is_client = [&b" F=<"[..], b" Warning: ", b" verif", b" sender verify", b" incomplete transaction", b" U="]
        .iter()
        .any(|words| scan::find(rest, words).is_some());
    !host.ip.is_empty() && host.helo.is_empty() && !is_client && !rest.is_empty()
}

/// Of no consequence. Sentences of the program itself (its own `log_write` calls); what an administrator's `logwrite` says is not known.
pub fn is_known(text: &[u8]) -> bool {
    STARTS.iter().any(|start| text.starts_with(start)) || WITHIN.iter().any(|words| scan::find(text, words).is_some())
}

const STARTS: &[&[u8]] = &[
    b"H=",
    b"U=",
    b"F=<",
    b"SMTP ",
    b"smtp ",
    b"Start queue run",
    b"End queue run",
    b"Start '",
    b"End '",
    b"Abandon queue run",
    b"exim ",
    b"Exim ",
    b"cwd=",
    b"Warning: ",
    b"no MAIL in ",
    b"no host name found for ",
    b"no IP address found for ",
    b"TLS ",
    b"TLSA ",
    b"(TLS ",
    b"GnuTLS",
    b"OpenSSL",
    b"DKIM: ",
    b"DMARC",
    b"ARC",
    b"SPF",
    b"spf ",
    b"DNS ",
    b"DANE",
    b"OCSP",
    b"PRDR ",
    b"ACL ",
    b"VRFY ",
    b"EXPN ",
    b"ETRN ",
    b"AUTH ",
    b"SIGHUP received",
    b"SIGTERM received",
    b"SIGINT received",
    b"SIGUSR1",
    b"pid ",
    b"daemon",
    b"ident ",
    b"unexpected ",
    b"Unexpected ",
    b"lost ",
    b"unknown ",
    b"failed to ",
    b"Failed to ",
    b"Cannot ",
    b"Couldn't ",
    b"could not ",
    b"Could not ",
    b"unable to ",
    b"Unable to ",
    b"error ",
    b"Error ",
    b"rejected ",
    b"temporarily rejected ",
    b"dnslist",
    b"list matching ",
    b"string too large",
    b"malware acl condition",
    b"spam acl condition",
    b"clamd",
    b"spamd",
    b"spool ",
    b"Spool ",
    b"Format error ",
    b"authentication ",
    b"timed out ",
    b"timeout ",
    b"Timeout",
    b"too many ",
    b"Too many ",
    b"Connection ",
    b"connection ",
    b"refused ",
    b"re-exec",
    b"socket ",
    b"not enough ",
    b"message abandoned",
    b"message too big",
    b"Message abandoned",
    b"Reverse ",
    b"callout",
    b"Callout",
    b"Taint ",
    b"tainted ",
    b"Tainted ",
    b"tmp-reject from cutthrough",
    b"cutthrough",
    b"queue_",
    b"proxy ",
    b"PROXY ",
    b"inetd ",
    b"selected ",
    b"local_scan",
    b"Skipped",
    b"skipped",
    b"skipping ",
    b"Retry ",
    b"retry ",
    b"MX ",
    b"host ",
    b"Host ",
    b"Berkeley DB",
    b"expansion ",
    b"Expansion ",
    b"Memory ",
    b"Listening",
    b"listening",
    b"IPv6 ",
    b"Suggested action",
    b" Suggested action",
];

/// An authenticator, a router or an address has a name of the site's choosing before these.
const WITHIN: &[&[u8]] = &[
    b" authenticator failed ",
    b" authenticator cancelled ",
    b" router failed",
    b" transport returned ",
    b" transport process ",
    b" transport: ",
    b" tmp-reject from cutthrough after DATA:",
    b" while reading ",
    b" on connection from ",
    b" was previously delivered",
    b": failed to ",
    b": syntax error",
    b" discarded by ",
    b" received while reading ",
];
