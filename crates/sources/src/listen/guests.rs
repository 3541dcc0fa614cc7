//! Who is connected, and how many more may be.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Limits, Refusal};

/// The connections of a listener.
#[derive(Debug)]
pub(super) struct Guests {
    all_max: usize,
    per_address_max: usize,
    present: Mutex<Present>,
}

#[derive(Debug, Default)]
struct Present {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection, for as long as this lives.
#[derive(Debug)]
pub(super) struct Guest {
    guests: Arc<Guests>,
    address: IpAddr,
}

impl Guests {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        let (all_max, per_address_max) = (limits.connections_max, limits.connections_per_address_max);
        Arc::new(Guests { all_max, per_address_max, present: Mutex::default() })
    }

    /// Lets one more in.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Guest, Refusal> {
        let address = of_one_sender(peer);
        let mut present = self.lock();
        if present.all >= self.all_max {
            return Err(Refusal::TooMany);
        }
        let of_address = present.by_address.entry(address).or_default();
        if *of_address >= self.per_address_max {
            return Err(Refusal::TooManyOfAddress);
        }
        *of_address += 1;
        present.all += 1;
        Ok(Guest { guests: self.clone(), address })
    }

    fn lock(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut present = self.guests.lock();
        present.all -= 1;
        if let Some(of_address) = present.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                present.by_address.remove(&self.address);
            }
        }
    }
}

/// The address that counts: a host has a whole /64 of IPv6 addresses to come from.
fn of_one_sender(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_network_of_ipv6_is_one_sender_and_those_who_left_do_not_count() {
        let limits = Limits { connections_max: 3, connections_per_address_max: 2, ..Limits::default() };
        let guests = Guests::new(&limits);
        let first = guests.admit(peer("2001:db8::1")).expect("let in");
        let second = guests.admit(peer("2001:db8::2:2")).expect("let in");
        assert_eq!(guests.admit(peer("2001:db8::3")).err(), Some(Refusal::TooManyOfAddress));
        let _third = guests.admit(peer("192.0.2.1")).expect("let in");
        assert_eq!(guests.admit(peer("::ffff:192.0.2.1")).err(), Some(Refusal::TooMany));
        drop((first, second));
        let _fourth = guests.admit(peer("::ffff:192.0.2.1")).expect("let in");
        assert_eq!(guests.admit(peer("192.0.2.1")).err(), Some(Refusal::TooManyOfAddress));
        assert_eq!(guests.lock().by_address.len(), 1);
    }
}
