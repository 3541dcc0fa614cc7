//! Networks from which senders may come: `192.0.2.0/24`, `2001:db8::/32`, or one address.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// All addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write an address, or a network as 192.0.2.0/24 or 2001:db8::/32, with no bits set behind its length")]
pub struct NoNetwork;

impl Network {
    /// Is this one of its addresses? One of IPv4 counts as such in whatever way it came.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && head(address, self.bits) == head(self.address, self.bits)
    }
}

/// The first bits of an address, at the upper end.
fn head(address: IpAddr, bits: u8) -> u128 {
    let whole = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    whole & u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(bits_max), str::parse).map_err(|_| NoNetwork)?;
        // What stands behind the length is a slip: it would let in more than is meant.
        if bits > bits_max || head(address, bits) != head(address, bits_max) {
            return Err(NoNetwork);
        }
        Ok(Network { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        for (network, within, without) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.0/24", "::ffff:192.0.2.1", "::c000:201"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "255.1.2.3", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("::1/128", "::1", "::2"),
        ] {
            let network: Network = network.parse().expect("a network");
            let is_in = |address: &str| network.contains(address.parse().expect("an address"));
            assert_eq!((is_in(within), is_in(without)), (true, false), "{network}");
            assert_eq!(network.to_string().parse(), Ok(network));
        }
        for wrong in [
            "",
            "192.0.2.1/24",
            "192.0.2.0/33",
            "192.0.2.0/",
            "2001:db8::1/32",
            "::/129",
            "192.0.2",
            "x/8",
            "10.0.0.0/-1",
        ] {
            assert_eq!(wrong.parse::<Network>(), Err(NoNetwork), "{wrong}");
        }
    }
}
