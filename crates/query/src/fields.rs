//! The fields of the filter language: one line each in the table below.

use crate::pattern::Pattern;

/// A word that a field takes as its value, such as `bounced` for `status`.
#[derive(Debug, PartialEq, Eq)]
pub struct Word {
    /// The canonical word, as stored in columns.
    pub name: &'static str,
    /// Other spellings that are understood.
    pub aliases: &'static [&'static str],
}

/// What a field holds, and so how its values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word without a field: the shape of the word decides, see [`anywhere`].
    Anything,
    /// Addresses and logins, without case: part of it, whole when it has an `@`, `@domain`.
    Address,
    /// Running text, without case: found anywhere in it.
    Text,
    /// Dotted names, without case: host names, IP addresses, DSN codes. Whole, or their leading labels.
    Dotted,
    /// Identifiers, with case: whole.
    Identifier,
    /// A count.
    Number,
    /// A size, in bytes.
    Bytes,
    /// A duration, in milliseconds.
    Duration,
    /// One of a few words.
    Words(&'static [Word]),
    /// Yes or no.
    Flag,
}

impl Kind {
    /// Values can be compared with `<` and `>`.
    pub fn is_ordered(self) -> bool {
        matches!(self, Kind::Number | Kind::Bytes | Kind::Duration)
    }

    /// Values are text, chosen by a [`Pattern`].
    pub fn is_text(self) -> bool {
        matches!(self, Kind::Anything | Kind::Address | Kind::Text | Kind::Dotted | Kind::Identifier)
    }

    /// Capitals count: queue ids of Postfix and Exim differ by case alone.
    pub fn is_case_sensitive(self) -> bool {
        self == Kind::Identifier
    }

    /// The kind in words, for problems and for the reference.
    pub fn noun(self) -> &'static str {
        match self {
            Kind::Anything | Kind::Text => "text",
            Kind::Address => "an address",
            Kind::Dotted => "a name",
            Kind::Identifier => "an identifier",
            Kind::Number => "a number",
            Kind::Bytes => "a size",
            Kind::Duration => "a duration",
            Kind::Words(_) => "a word",
            Kind::Flag => "yes or no",
        }
    }
}

/// A field, for completion, documentation and reading.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// The field.
    pub field: Field,
    /// Its canonical name.
    pub name: &'static str,
    /// Other names that are understood.
    pub aliases: &'static [&'static str],
    /// How its values are read.
    pub kind: Kind,
    /// One line of documentation.
    pub doc: &'static str,
}

macro_rules! fields {
    ($($variant:ident $name:literal [$($alias:literal),*] $kind:expr, $doc:literal;)*) => {
        /// What a term looks at.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field {
            $(#[doc = $doc] $variant,)*
            /// No field was written: the word is looked for in the fields that [`anywhere`] gives.
            Any,
        }

        // In the order of the variants: `Field::info` indexes it.
        static FIELDS: &[FieldInfo] = &[$(FieldInfo {
            field: Field::$variant,
            name: $name,
            aliases: &[$($alias),*],
            kind: $kind,
            doc: $doc,
        },)*];
    };
}

fields! {
    From       "from"       ["sender"]                    Kind::Address,          "envelope sender; `from:<>` is the empty sender of a bounce";
    To         "to"         ["recipient", "rcpt"]         Kind::Address,          "final recipient";
    Orig       "orig"       ["orig-to", "original"]       Kind::Address,          "recipient as the sender wrote it, before aliases";
    Subject    "subject"    []                            Kind::Text,             "subject of the message";
    MessageId  "message-id" ["msgid", "mid"]              Kind::Identifier,       "Message-ID, without its angle brackets";
    QueueId    "queue-id"   ["qid", "queue"]              Kind::Identifier,       "queue id at any server of the path";
    Id         "id"         ["journey"]                   Kind::Identifier,       "journey id";
    Server     "server"     ["host"]                      Kind::Dotted,           "a server on the path";
    Entry      "entry"      ["first-server"]              Kind::Dotted,           "the first server that had the message";
    Exit       "exit"       ["last-server"]               Kind::Dotted,           "the server that had the last word on the recipient";
    Size       "size"       ["bytes"]                     Kind::Bytes,            "size of the message";
    Recipients "recipients" ["nrcpt"]                     Kind::Number,           "number of recipients";
    Delay      "delay"      []                            Kind::Duration,         "delivery time";
    Status     "status"     ["outcome"]                   Kind::Words(STATUSES),  "outcome of the delivery";
    Class      "class"      []                            Kind::Words(CLASSES),   "ordinary mail, bounce or monitoring probe";
    Direction  "direction"  ["dir"]                       Kind::Words(DIRECTIONS), "which way the message crosses the organisation's border";
    Client     "client"     []                            Kind::Dotted,           "name or IP address of the client that submitted the message";
    Ip         "ip"         []                            Kind::Dotted,           "IP address of the client";
    Helo       "helo"       ["ehlo"]                      Kind::Dotted,           "name the client gave in HELO or EHLO";
    User       "user"       ["login", "sasl"]             Kind::Address,          "SASL login of the submitter";
    Relay      "relay"      ["nexthop"]                   Kind::Dotted,           "last next hop, its name or its IP address";
    Dsn        "dsn"        []                            Kind::Dotted,           "enhanced status code: `5.1.1`, or `5` for all of 5.*";
    Code       "code"       []                            Kind::Dotted,           "code of a refusal before the queue, such as `550`";
    Reason     "reason"     ["reply"]                     Kind::Text,             "words in the other server's reply";
    Hops       "hops"       []                            Kind::Number,           "number of servers crossed";
    Attempts   "attempts"   ["tries"]                     Kind::Number,           "number of delivery attempts";
    Attachment "attachment" ["attachment.name"]           Kind::Text,             "name of an attachment, where a milter looked inside";
    AttachmentType "attachment-type" ["attachment.type"] Kind::Text,             "media type of an attachment, by its first bytes or as declared: `pdf`";
    AttachmentSize "attachment-size" ["attachment.size"] Kind::Bytes,            "size of the largest attachment, unpacked";
    Attachments "attachments" []                          Kind::Number,           "number of attachments";
    HeaderFrom "header-from" []                           Kind::Address,          "address in the header From, where a milter looked inside";
    List       "list"       []                            Kind::Flag,             "came through a mailing list";
    Auto       "auto"       ["automatic"]                 Kind::Flag,             "written by a program";
    Signed     "signed"     []                            Kind::Flag,             "signed with S/MIME or PGP";
    Encrypted  "encrypted"  []                            Kind::Flag,             "encrypted with S/MIME or PGP";
    Tls        "tls"        []                            Kind::Flag,             "the log says that the connection was encrypted; `no`: it does not say";
}

static ANY: FieldInfo = FieldInfo {
    field: Field::Any,
    name: "",
    aliases: &[],
    kind: Kind::Anything,
    doc: "words found anywhere: address, domain, subject, Message-ID, queue id, IP address",
};

const STATUSES: &[Word] = &[
    word("delivered", &["sent", "ok"]),
    word("bounced", &["bounce", "failed"]),
    word("expired", &[]),
    word("discarded", &[]),
    word("filtered", &["quarantined"]),
    word("deleted", &[]),
    word("held", &["hold"]),
    word("deferred", &["queued"]),
    word("forwarded", &[]),
    word("rejected", &["refused"]),
];

const CLASSES: &[Word] = &[word("mail", &[]), word("bounce", &["dsn"]), word("probe", &["monitoring"])];

const DIRECTIONS: &[Word] = &[
    word("in", &["inbound", "incoming"]),
    word("out", &["outbound", "outgoing"]),
    word("internal", &["local"]),
    word("relay", &["relayed"]),
];

const fn word(name: &'static str, aliases: &'static [&'static str]) -> Word {
    Word { name, aliases }
}

/// Every field that can be written, in the order of the reference.
pub fn fields() -> &'static [FieldInfo] {
    FIELDS
}

impl Field {
    /// Name, aliases, kind and documentation.
    pub fn info(self) -> &'static FieldInfo {
        FIELDS.get(self as usize).unwrap_or(&ANY)
    }

    /// The field with this name or alias; capitals do not count and `_` is as good as `-`.
    pub fn named(name: &str) -> Option<Field> {
        let name = name.to_ascii_lowercase().replace('_', "-");
        FIELDS.iter().find(|info| info.name == name || info.aliases.contains(&name.as_str())).map(|info| info.field)
    }
}

/// The fields in which a word without a field is looked for: its shape decides.
///
/// `bob@example.com` is an address or a Message-ID, `@example.com` a domain of addresses, `192.0.2.1` an IP address; anything
/// else may be part of any of them. Stored facts and rows in memory must use the same list.
pub fn anywhere(pattern: &Pattern) -> &'static [Field] {
    use Field::*;
    match pattern {
        Pattern::Domain(_) | Pattern::Subdomains(_) => &[From, To, Orig],
        Pattern::Exact(text) if text.contains('@') => &[From, To, Orig, User, MessageId],
        Pattern::Exact(_) => &[Ip, Client, Relay],
        _ => &[From, To, Orig, Subject, MessageId, QueueId, Id, User, Client, Ip],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_field_is_found_by_its_name_and_its_aliases() {
        for info in fields() {
            assert_eq!(info.field.info(), info);
            for name in info.aliases.iter().chain([&info.name]) {
                assert_eq!(Field::named(name), Some(info.field), "{name}");
                assert_eq!(Field::named(&name.to_uppercase()), Some(info.field), "{name}");
            }
        }
        assert_eq!(Field::named("message_id"), Some(Field::MessageId));
        assert_eq!(Field::named(""), None);
        assert_eq!(Field::Any.info().kind, Kind::Anything);
    }

    #[test]
    fn no_name_stands_for_two_things() {
        let mut seen = HashSet::new();
        let of_fields = fields().iter().flat_map(|info| info.aliases.iter().chain([&info.name]));
        let of_periods = crate::periods().iter().flat_map(|info| info.aliases.iter().chain([&info.name]));
        for name in of_fields.chain(of_periods) {
            assert!(seen.insert(name), "{name}");
        }
    }
}
