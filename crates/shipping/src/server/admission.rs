//! Who may come in: so many connections in all and of one address, so many requests of one collector.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Limits, Sender};
use crate::protocol::{Reason, Refusal};

/// Counts what is going on for each key, and takes no more than so many for one.
struct Tally<K> {
    max: usize,
    of: Arc<Mutex<HashMap<K, usize>>>,
}

/// One of those counted, for as long as it lives.
pub(super) struct Slot<K: Eq + Hash> {
    key: K,
    of: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Eq + Hash + Clone> Tally<K> {
    fn new(max: usize) -> Self {
        Tally { max, of: Arc::default() }
    }

    fn enter(&self, key: K) -> Option<Slot<K>> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let count = of.get(&key).copied().unwrap_or(0);
        if count >= self.max {
            return None;
        }
        of.insert(key.clone(), count + 1);
        Some(Slot { key, of: self.of.clone() })
    }
}

impl<K: Eq + Hash> Drop for Slot<K> {
    fn drop(&mut self) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = of.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                of.remove(&self.key);
            }
        }
    }
}

/// The connections.
pub(super) struct Admission {
    all: Tally<()>,
    of_address: Tally<IpAddr>,
}

/// A connection's right to be there, for as long as it lives.
pub(super) struct Place {
    _one_of_all: Slot<()>,
    _one_of_address: Slot<IpAddr>,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        Admission { all: Tally::new(limits.connections), of_address: Tally::new(limits.connections_of_address) }
    }

    pub(super) fn admit(&self, address: IpAddr) -> Result<Place, Reason> {
        let of_address = self.of_address.enter(subscriber(address)).ok_or(Reason::ConnectionsOfAddress)?;
        let of_all = self.all.enter(()).ok_or(Reason::Connections)?;
        Ok(Place { _one_of_all: of_all, _one_of_address: of_address })
    }
}

/// The requests that are under way.
pub(super) struct Requests(Tally<Arc<str>>);

impl Requests {
    pub(super) fn new(max: usize) -> Self {
        Requests(Tally::new(max))
    }

    pub(super) fn begin(&self, sender: &Sender) -> Result<Slot<Arc<str>>, Refusal> {
        self.0.enter(sender.name.clone()).ok_or(Refusal::TooMany { max: self.0.max as u64 })
    }
}

/// One subscriber of IPv6 has a whole /64.
fn subscriber(address: IpAddr) -> IpAddr {
    const HOST_BITS: u32 = 64;
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(((address.to_bits() >> HOST_BITS) << HOST_BITS).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_all_connections() {
        let limits = Limits { connections: 3, connections_of_address: 2, ..Limits::default() };
        let admission = Admission::new(&limits);
        let [one, same, other, third] =
            ["2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"].map(|a| a.parse().unwrap());
        let first = admission.admit(one).unwrap();
        let _second = admission.admit(same).unwrap();
        assert_eq!(admission.admit(one).err(), Some(Reason::ConnectionsOfAddress));
        let _third = admission.admit(other).unwrap();
        assert_eq!(admission.admit(third).err(), Some(Reason::Connections));
        drop(first);
        assert!(admission.admit(third).is_ok());
    }

    #[test]
    fn nothing_is_kept_of_who_left() {
        let requests = Requests::new(1);
        let sender = Sender { name: "mx1".into() };
        let slot = requests.begin(&sender).unwrap();
        assert_eq!(requests.begin(&sender).err(), Some(Refusal::TooMany { max: 1 }));
        drop(slot);
        assert!(requests.0.of.lock().unwrap().is_empty());
    }
}
