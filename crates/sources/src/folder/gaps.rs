//! Files that should be there and are not, by the numbers in their names.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use vigie_formats::transcript::exchange;

use super::FILES_MAX;
use crate::FeedEvent;
use crate::feed::Events;

/// Names and sentences that are kept. Of more names, those that are not there any more are forgotten.
const KEPT_MAX: usize = 4 * FILES_MAX;

#[derive(Default)]
pub struct Gaps {
    /// Names that were seen, there or not: what was followed may be removed.
    seen: BTreeSet<String>,
    told: HashSet<String>,
}

impl Gaps {
    pub fn look<'a>(&mut self, there: impl Iterator<Item = &'a PathBuf> + Clone, events: &mut Events) {
        let names = there.filter_map(|path| path.file_name()?.to_str());
        let before = self.seen.len();
        for name in names.clone() {
            if !self.seen.contains(name) {
                self.seen.insert(name.to_owned());
            }
        }
        if self.seen.len() == before {
            return;
        }
        if self.seen.len() > KEPT_MAX {
            self.seen = names.take(KEPT_MAX).map(str::to_owned).collect();
        }
        for sentence in exchange::missing(self.seen.iter().map(String::as_str)) {
            if self.told.len() < KEPT_MAX && self.told.insert(sentence.clone()) {
                let text = format!(
                    "{sentence} If they were not read before, their mail is missing: let the server keep such files longer \
                     (`MessageTrackingLogMaxDirectorySize`)"
                );
                events.tell(FeedEvent::Notice { text });
            }
        }
    }
}
