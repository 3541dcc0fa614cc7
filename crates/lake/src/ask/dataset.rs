//! What a question is asked of, and the columns that its fields and dimensions stand for.

use vigie_query::{Expr, Field, Filter, Kind, Op, Term, Value};

use crate::{LakeError, Table};

/// What a question is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dataset {
    /// Messages, a row for each recipient.
    Deliveries,
    /// Refusals before the queue: `status:rejected`.
    Rejections,
}

/// Where a field stands in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Text as the field means it.
    Text(&'static str),
    /// Text that is stored in lower case, and its domain in another column when it is an address.
    Lower {
        column: &'static str,
        domain: Option<&'static str>,
    },
    /// Several texts, any of which may match: words of one column with spaces between.
    Words(&'static str),
    /// A name and an address in one text: `name[ip]:port`.
    Relay(&'static str),
    /// Several columns, any of which may match.
    Either(&'static [Place]),
    /// The second column says it when the first is empty.
    OrElse(&'static Place, &'static Place),
    /// A number; `0` of a code is no code.
    Number(&'static str),
    Code(&'static str),
    Flag(&'static str),
    /// Every row is a refusal.
    Rejected,
}

impl Dataset {
    /// `status:rejected` asks for refusals; every other filter for deliveries.
    pub fn of(filter: &Filter) -> Result<Dataset, LakeError> {
        let conjuncts = filter.expr.as_ref().map_or(&[][..], Expr::conjuncts);
        if conjuncts.iter().any(|part| matches!(part, Expr::Term(term) if says_rejected(term) == Rejected::Only)) {
            return Ok(Dataset::Rejections);
        }
        if filter.expr.as_ref().is_some_and(mentions_rejected) {
            return Err(LakeError::Unanswerable {
                message: "refused messages cannot be mixed with delivered ones in one question".to_string(),
                hint: "ask for status:rejected by itself, joined to the rest by `and`",
            });
        }
        Ok(Dataset::Deliveries)
    }

    pub(crate) fn table(self) -> Table {
        match self {
            Dataset::Deliveries => Table::Deliveries,
            Dataset::Rejections => Table::Rejections,
        }
    }

    /// The time by which rows are chosen, counted and ordered.
    pub(crate) fn time(self) -> &'static str {
        self.table().spec().start
    }

    /// Where a field stands; an error when this dataset does not have it.
    pub(crate) fn place(self, field: Field) -> Result<Place, LakeError> {
        let place = match self {
            Dataset::Deliveries => delivery_place(field),
            Dataset::Rejections => rejection_place(field),
        };
        place.ok_or_else(|| self.lacks(field.info().name))
    }

    pub(crate) fn lacks(self, what: &str) -> LakeError {
        match self {
            Dataset::Deliveries => LakeError::Unanswerable {
                message: format!("delivered messages have no {what}"),
                hint: "add status:rejected to ask for refused messages",
            },
            Dataset::Rejections => LakeError::Unanswerable {
                message: format!("refused messages have no {what}: nothing of them was accepted"),
                hint: "take status:rejected away to ask for accepted messages",
            },
        }
    }
}

#[derive(PartialEq, Eq)]
enum Rejected {
    No,
    Only,
    AmongOthers,
}

fn says_rejected(term: &Term) -> Rejected {
    let is_rejected = |value: &&Value| **value == Value::Word("rejected");
    let rejected = term.values.iter().filter(is_rejected).count();
    match rejected {
        0 => Rejected::No,
        all if all == term.values.len() && term.field == Field::Status && term.op == Op::Is => Rejected::Only,
        _ => Rejected::AmongOthers,
    }
}

fn mentions_rejected(expr: &Expr) -> bool {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().any(mentions_rejected),
        Expr::Not(inner) => mentions_rejected(inner),
        Expr::Term(term) => says_rejected(term) != Rejected::No,
    }
}

const RECIPIENT: Place = Place::Lower { column: "recipient", domain: Some("recipient_domain") };
const CLIENT: Place = Place::Either(&[Place::Text("client_name"), Place::Text("client_ip")]);

fn delivery_place(field: Field) -> Option<Place> {
    Some(match field {
        Field::From => Place::Lower { column: "sender", domain: Some("sender_domain") },
        Field::To => RECIPIENT,
        Field::Orig => Place::OrElse(&Place::Lower { column: "orig_recipient", domain: None }, &RECIPIENT),
        Field::Subject => Place::Text("subject"),
        Field::MessageId => Place::Text("message_id"),
        Field::QueueId => Place::Words("queue_ids"),
        Field::Id => Place::Text("journey_id"),
        Field::Server => Place::Words("servers"),
        Field::Entry => Place::Text("first_server"),
        Field::Exit => Place::Text("server"),
        Field::Size => Place::Number("size"),
        Field::Recipients => Place::Number("recipients"),
        Field::Delay => Place::Number("delivery_ms"),
        Field::Status => Place::Text("outcome"),
        Field::Class => Place::Text("class"),
        Field::Direction => Place::Text("direction"),
        Field::Client => CLIENT,
        Field::Ip => Place::Text("client_ip"),
        Field::Helo => Place::Text("helo"),
        Field::User => Place::Lower { column: "user", domain: None },
        Field::Relay => Place::Relay("relay"),
        Field::Dsn => Place::Text("dsn"),
        Field::Reason => Place::Text("reply"),
        Field::Hops => Place::Number("hops"),
        Field::Attempts => Place::Number("attempts"),
        Field::Tls => Place::Flag("tls"),
        Field::Attachment => Place::Text("attachment_names"),
        Field::AttachmentType => Place::Text("attachment_types"),
        Field::AttachmentSize => Place::Number("attachment_bytes_max"),
        Field::Attachments => Place::Number("attachments"),
        Field::HeaderFrom => Place::Text("header_from"),
        Field::List => Place::Flag("is_list"),
        Field::Auto => Place::Flag("is_automatic"),
        Field::Signed => Place::Flag("is_signed"),
        Field::Encrypted => Place::Flag("is_encrypted"),
        Field::Code | Field::Any => return None,
    })
}

fn rejection_place(field: Field) -> Option<Place> {
    Some(match field {
        Field::From => Place::Lower { column: "sender", domain: Some("sender_domain") },
        Field::To | Field::Orig => RECIPIENT,
        Field::QueueId => Place::Text("queue_id"),
        Field::Server => Place::Text("server"),
        Field::Status => Place::Rejected,
        Field::Client => CLIENT,
        Field::Ip => Place::Text("client_ip"),
        Field::Helo => Place::Text("helo"),
        Field::Dsn => Place::Text("dsn"),
        Field::Code => Place::Code("code"),
        Field::Reason => Place::Either(&[Place::Text("reason"), Place::Text("text")]),
        _ => return None,
    })
}

/// Does a condition on this field choose all rows of a message, or none?
pub(crate) fn is_about_the_message(field: Field) -> bool {
    use Field::*;
    matches!(
        field,
        From | Subject
            | MessageId
            | QueueId
            | Id
            | Entry
            | Size
            | Recipients
            | Class
            | Client
            | Ip
            | Helo
            | User
            | Hops
            | Attachment
            | AttachmentType
            | AttachmentSize
            | Attachments
            | HeaderFrom
            | List
            | Auto
            | Signed
            | Encrypted
    )
}

/// What totals are broken down by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    Sender,
    SenderDomain,
    Recipient,
    RecipientDomain,
    /// The server that had the last word.
    Server,
    FirstServer,
    /// All servers of the path, as one text.
    Path,
    Relay,
    ClientIp,
    ClientName,
    Helo,
    User,
    Subject,
    MessageId,
    Outcome,
    Dsn,
    /// The other server's reply; of refusals its words without addresses.
    Reason,
    /// SMTP code of a refusal.
    Code,
    /// SMTP stage of a refusal.
    Stage,
    Class,
    Direction,
    Arrival,
    Verdict,
}

impl Dimension {
    /// The column it stands for.
    pub(crate) fn column(self, dataset: Dataset) -> Result<&'static str, LakeError> {
        use Dimension::*;
        let (column, of_deliveries, of_rejections) = match self {
            Sender => ("sender", true, true),
            SenderDomain => ("sender_domain", true, true),
            Recipient => ("recipient", true, true),
            RecipientDomain => ("recipient_domain", true, true),
            Server => ("server", true, true),
            FirstServer => ("first_server", true, false),
            Path => ("servers", true, false),
            Relay => ("relay", true, false),
            ClientIp => ("client_ip", true, true),
            ClientName => ("client_name", true, true),
            Helo => ("helo", true, true),
            User => ("user", true, false),
            Subject => ("subject", true, false),
            MessageId => ("message_id", true, false),
            Outcome => ("outcome", true, false),
            Dsn => ("dsn", true, true),
            Reason if dataset == Dataset::Rejections => ("reason", false, true),
            Reason => ("reply", true, false),
            Code => ("code", false, true),
            Stage => ("stage", false, true),
            Class => ("class", true, false),
            Direction => ("direction", true, false),
            Arrival => ("arrival", true, false),
            Verdict => ("verdict", true, false),
        };
        let is_there = if dataset == Dataset::Deliveries { of_deliveries } else { of_rejections };
        if is_there { Ok(column) } else { Err(dataset.lacks(column)) }
    }

    /// The field that chooses the rows of a value, for links from a figure to the rows behind it; none where there is no such field.
    pub fn field(self) -> Option<Field> {
        Some(match self {
            Dimension::Sender | Dimension::SenderDomain => Field::From,
            Dimension::Recipient | Dimension::RecipientDomain => Field::To,
            Dimension::Server => Field::Exit,
            Dimension::FirstServer => Field::Entry,
            Dimension::Path => Field::Server,
            Dimension::Relay => Field::Relay,
            Dimension::ClientIp => Field::Ip,
            Dimension::ClientName => Field::Client,
            Dimension::Helo => Field::Helo,
            Dimension::User => Field::User,
            Dimension::Subject => Field::Subject,
            Dimension::MessageId => Field::MessageId,
            Dimension::Outcome => Field::Status,
            Dimension::Dsn => Field::Dsn,
            Dimension::Reason => Field::Reason,
            Dimension::Code => Field::Code,
            Dimension::Class => Field::Class,
            Dimension::Direction => Field::Direction,
            Dimension::Stage | Dimension::Arrival | Dimension::Verdict => return None,
        })
    }
}

/// Kind by which a text of this field is compared.
pub(crate) fn kind_of(field: Field) -> Kind {
    field.info().kind
}
