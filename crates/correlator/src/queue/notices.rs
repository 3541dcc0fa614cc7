//! Notices that a server names by their message id, where it knows the message itself by its queue id.
//!
//! Exchange's FAIL says which message id the sender's notice will have, and its DSN has that message id and a queue id. Either may come first.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use vigie_model::{Micros, QueueId, Text};

use crate::text::text_of;

/// More are not kept at one time.
const NOTICES_MAX: usize = 200_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Notices(FxHashMap<Text, Notice>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Notice {
    ts: Micros,
    id: Option<QueueId>,
    about: Option<QueueId>,
}

/// Both sides of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub id: QueueId,
    pub about: QueueId,
}

impl Notices {
    /// The sender of `about` gets a notice with this message id.
    pub fn announced(&mut self, ts: Micros, message_id: &[u8], about: QueueId) -> Option<Known> {
        let notice = self.notice(ts, message_id)?;
        notice.about = Some(notice.about.map_or(about, |known| known.min(about)));
        notice.known()
    }

    /// The notice with this message id.
    pub fn written(&mut self, ts: Micros, message_id: &[u8], id: QueueId) -> Option<Known> {
        let notice = self.notice(ts, message_id)?;
        notice.id = Some(notice.id.map_or(id, |known| known.min(id)));
        notice.known()
    }

    fn notice(&mut self, ts: Micros, message_id: &[u8]) -> Option<&mut Notice> {
        if message_id.is_empty() {
            return None;
        }
        let message_id = text_of(message_id);
        if self.0.len() >= NOTICES_MAX && !self.0.contains_key(&message_id) {
            return None;
        }
        let notice = self.0.entry(message_id).or_insert(Notice { ts, id: None, about: None });
        notice.ts = notice.ts.max(ts);
        Some(notice)
    }

    pub fn forget_before(&mut self, limit: Micros) {
        self.0.retain(|_, notice| notice.ts >= limit);
    }
}

impl Notice {
    fn known(&self) -> Option<Known> {
        Some(Known { id: self.id?, about: self.about? })
    }
}
