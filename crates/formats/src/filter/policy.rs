//! Policy daemons and address rewriters, whose lines say what a server tells anyway: a greylisted recipient is Postfix's own `reject`
//! line, and must not count twice.

use crate::{Format, Record};

pub const FORMAT: Format =
    Format { name: "policy daemons", read: |envelope| is_known(envelope.program).then_some(Record::Known) };

fn is_known(program: &[u8]) -> bool {
    matches!(
        program,
        // `action=greylist, reason=new, client_name=…`, with `ID: ` before it from the second recipient on.
        b"postgrey" | b"sqlgrey" | b"milter-greylist" | b"gld" | b"greyfix"
        | b"cbpolicyd" | b"policyd-weight" | b"postfwd" | b"postfwd2" | b"postfwd3"
        // `srs_forward: <a@b> rewritten as <SRS0=…>`: no queue id (postsrsd #60).
        | b"postsrsd" | b"pfix-srsd"
    )
}
