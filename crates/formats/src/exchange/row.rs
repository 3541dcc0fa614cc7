//! A row's columns by their names.

use vigie_model::{Micros, QueueId};

use crate::{
    envelope::{Stamp, stamp},
    scan,
    statement::Addresses,
    transcript::columns,
};

/// Digits of an internal message id: it is a number of 64 bits.
const ID_DIGITS_MAX: usize = 20;

#[derive(Clone, Copy, Debug, Default)]
pub struct Row<'a> {
    /// The row's own time.
    pub ts: Micros,
    pub source: &'a [u8],
    pub event: &'a [u8],
    pub internal_id: &'a [u8],
    pub message_id: &'a [u8],
    pub network_id: &'a [u8],
    pub client_name: &'a [u8],
    pub client_ip: &'a [u8],
    pub server_name: &'a [u8],
    pub server_ip: &'a [u8],
    pub source_context: &'a [u8],
    pub connector: &'a [u8],
    pub recipient_address: &'a [u8],
    pub recipient_status: &'a [u8],
    pub recipient_count: &'a [u8],
    pub total_bytes: &'a [u8],
    pub related: &'a [u8],
    pub reference: &'a [u8],
    pub subject: &'a [u8],
    pub sender_address: &'a [u8],
    pub return_path: &'a [u8],
    pub message_info: &'a [u8],
    pub directionality: &'a [u8],
    pub original_client_ip: &'a [u8],
    pub custom_data: &'a [u8],
}

/// Who brought a message.
pub struct Client<'a> {
    pub name: &'a [u8],
    pub ip: &'a [u8],
}

impl<'a> Row<'a> {
    pub fn of(text: &'a [u8]) -> Self {
        let mut row = Self::default();
        for (name, value) in columns(text) {
            let place = match name {
                b"source" => &mut row.source,
                b"event-id" => &mut row.event,
                b"internal-message-id" => &mut row.internal_id,
                b"message-id" => &mut row.message_id,
                b"network-message-id" => &mut row.network_id,
                b"client-hostname" => &mut row.client_name,
                b"client-ip" => &mut row.client_ip,
                b"server-hostname" => &mut row.server_name,
                b"server-ip" => &mut row.server_ip,
                b"source-context" => &mut row.source_context,
                b"connector-id" => &mut row.connector,
                b"recipient-address" => &mut row.recipient_address,
                b"recipient-status" => &mut row.recipient_status,
                b"recipient-count" => &mut row.recipient_count,
                b"total-bytes" => &mut row.total_bytes,
                b"related-recipient-address" => &mut row.related,
                b"reference" => &mut row.reference,
                b"message-subject" => &mut row.subject,
                b"sender-address" => &mut row.sender_address,
                b"return-path" => &mut row.return_path,
                b"message-info" => &mut row.message_info,
                b"directionality" => &mut row.directionality,
                b"original-client-ip" => &mut row.original_client_ip,
                b"custom-data" => &mut row.custom_data,
                _ => continue,
            };
            *place = value;
        }
        row
    }

    /// The service's own name for the message.
    pub fn queue_id(&self) -> Option<QueueId> {
        self.id_of(self.internal_id)
    }

    /// An id of the same service. In Exchange 2010, which has no network message id, there is one service.
    pub fn id_of(&self, number: &[u8]) -> Option<QueueId> {
        let is_id = (1..=ID_DIGITS_MAX).contains(&number.len()) && number.iter().all(u8::is_ascii_digit);
        if !is_id || number == b"0" {
            return None;
        }
        let service: &[u8] = match (self.source, self.event) {
            _ if self.network_id.is_empty() => b"",
            (b"STOREDRIVER", b"RECEIVE" | b"SUBMIT" | b"SUBMITDEFER" | b"SUBMITFAIL") => b"/submission",
            (b"STOREDRIVER", _) => b"/delivery",
            _ => b"",
        };
        let mut id = [0; 32];
        let text = id.get_mut(..number.len() + service.len())?;
        text.get_mut(..number.len())?.copy_from_slice(number);
        text.get_mut(number.len()..)?.copy_from_slice(service);
        QueueId::new(text)
    }

    pub fn recipients(&self) -> Addresses<'a> {
        Addresses::list(self.recipient_address, b';')
    }

    /// Of the envelope; the header's where the row has no other.
    pub fn sender(&self) -> Option<&'a [u8]> {
        match (self.return_path, self.sender_address) {
            (b"<>", _) | (b"", b"<>") => Some(b""),
            (b"", b"") => None,
            (b"", sender) => Some(sender),
            (path, _) => Some(path),
        }
    }

    pub fn total_bytes(&self) -> Option<u64> {
        (!self.total_bytes.is_empty()).then(|| scan::number(self.total_bytes))
    }

    pub fn recipient_count(&self) -> Option<u32> {
        (!self.recipient_count.is_empty())
            .then(|| u32::try_from(scan::number(self.recipient_count)).unwrap_or(u32::MAX))
    }

    /// Behind a front end, which is a service of the same server, the client is the front end's.
    pub fn client(&self) -> Client<'a> {
        if self.original_client_ip.is_empty() || self.original_client_ip == self.client_ip {
            return Client { name: self.client_name, ip: self.client_ip };
        }
        Client { name: self.custom(b"S:ProxiedClientHostname="), ip: self.original_client_ip }
    }

    /// A connector for users: `EX01\Client Proxy EX01`, in Exchange 2010 `EX01\Client EX01`.
    pub fn is_client_connector(&self) -> bool {
        scan::split_last(self.connector, b"\\").is_some_and(|(_, name)| name.starts_with(b"Client "))
    }

    /// No other transport server of the organisation had the message: it comes from a mailbox, or from a user's program.
    pub fn is_first_of_organisation(&self) -> bool {
        let first = self.custom(b"S:FirstForestHop=");
        let first = if first.is_empty() { self.client_name } else { first };
        !first.is_empty() && label(first).eq_ignore_ascii_case(label(self.server_name))
    }

    /// The mail server on the other side and this one spoke TLS.
    pub fn is_encrypted(&self) -> bool {
        matches!(
            self.custom(b"S:Microsoft.Exchange.Transport.MailRecipient.EffectiveTlsAuthLevel="),
            b"EncryptionOnly" | b"CertificateValidation" | b"DomainValidation"
        )
    }

    /// When the message entered the organisation: it opens `message-info` of DELIVER, SEND and FAIL.
    pub fn origin(&self) -> Option<Micros> {
        match stamp::read(scan::until(self.message_info, b";").0)?.stamp {
            Stamp::Utc(ts) => Some(ts),
            _ => None,
        }
    }

    fn custom(&self, key: &[u8]) -> &'a [u8] {
        scan::split(self.custom_data, key).map_or(b"", |(_, value)| scan::until(value, b";").0)
    }
}

fn label(name: &[u8]) -> &[u8] {
    scan::until(name, b".").0
}
