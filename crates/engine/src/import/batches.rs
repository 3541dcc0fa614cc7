//! Batches: streams that come as a whole and are known again by their hash, such as those of OTLP.
//!
//! What a stream of a collector is to a server, each batch is by itself; there are many of them, so they are remembered apart from
//! those of collectors, and only the newest. They may come in any order, because shippers send several at once: lines of a batch
//! are late wherever they are older than what came before.

use rustc_hash::FxHashMap;
use vigie_model::Text;

use super::live::StreamKey;

/// What the sender of batches is called behind its own name. No name of a collector has a slash.
const BATCHES: &str = "/otlp";
/// Batches of one sender that are remembered. One that had no answer comes again within seconds, and a sender has no more than
/// sixteen under way, of which each waits for a commit: a thousand are sixteen seconds of the quickest.
const OF_SENDER_MAX: usize = 1_024;
/// Of all senders: the state, written with each commit, grows by less than a hundred bytes for each.
const MAX: usize = 8_192;

impl StreamKey {
    /// The stream that a batch of a sender is.
    pub fn of_batch(sender: &str, hash: u128) -> Self {
        Self { sender: format!("{sender}{BATCHES}").into(), stream: hash }
    }

    /// Is it a batch?
    pub fn is_batch(&self) -> bool {
        self.sender.ends_with(BATCHES)
    }
}

/// Are lines that are filed under this label those of batches?
pub(super) fn is_of_batches(label: &str) -> bool {
    label.split(':').next().unwrap_or(label).ends_with(BATCHES)
}

/// The batches that are one too many, of each sender and in all: those that came first. `streams` are all that are over, with
/// the order in which they came.
pub(super) fn surplus<'a>(streams: impl Iterator<Item = (&'a StreamKey, usize)>) -> Vec<StreamKey> {
    let mut batches: Vec<(&StreamKey, usize)> = streams.filter(|(key, _)| key.is_batch()).collect();
    batches.sort_by_key(|(_, order)| std::cmp::Reverse(*order));
    let mut of_sender: FxHashMap<&Text, usize> = FxHashMap::default();
    let mut kept = 0;
    let mut surplus = Vec::new();
    for (key, _) in batches {
        let of_sender = of_sender.entry(&key.sender).or_default();
        *of_sender += 1;
        if *of_sender > OF_SENDER_MAX || kept >= MAX {
            surplus.push(key.clone());
        } else {
            kept += 1;
        }
    }
    surplus
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surplus_of(streams: &[(StreamKey, usize)]) -> Vec<StreamKey> {
        surplus(streams.iter().map(|(key, order)| (key, *order)))
    }

    #[test]
    fn the_oldest_batches_of_a_sender_go_and_streams_of_collectors_stay() {
        let mut streams: Vec<(StreamKey, usize)> =
            (0..OF_SENDER_MAX + 2).map(|at| (StreamKey::of_batch("mx1", at as u128), at)).collect();
        streams.extend((0..3 * OF_SENDER_MAX).map(|at| (StreamKey { sender: "mx1".into(), stream: at as u128 }, at)));
        streams.extend((0..OF_SENDER_MAX).map(|at| (StreamKey::of_batch("mx2", at as u128), at)));
        let mut gone = surplus_of(&streams);
        gone.sort();
        assert_eq!(gone, [0, 1].map(|at| StreamKey::of_batch("mx1", at)));
    }

    #[test]
    fn many_senders_have_no_more_than_all_may() {
        let of = |sender: usize| (0..OF_SENDER_MAX).map(move |at| (sender, at));
        let all = (0..10).flat_map(of);
        let streams: Vec<(StreamKey, usize)> = all
            .map(|(sender, at)| (StreamKey::of_batch(&format!("mx{sender}"), at as u128), sender * OF_SENDER_MAX + at))
            .collect();
        let gone = surplus_of(&streams);
        assert_eq!(gone.len(), streams.len() - MAX);
        assert!(gone.iter().all(|key| key.sender == *"mx0/otlp" || key.sender == *"mx1/otlp"));
    }

    #[test]
    fn labels_of_batches_are_told_from_those_of_files() {
        assert!(is_of_batches("mx1/otlp:batches"));
        assert!(!is_of_batches("mx1:/var/log/otlp") && !is_of_batches("mx1:a/otlp:b"));
    }
}
