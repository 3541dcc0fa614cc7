//! Who writes to whom: addresses, hosts and identifiers under the names and networks reserved for examples
//! (RFC 2606, RFC 5737, RFC 3849).

use super::random::Random;

/// The server whose log it is, and the store behind it.
pub const SERVER: &str = "mail1";
pub const STORE: &str = "store1.example.com[192.0.2.20]:24";
pub const OWN_DOMAIN: &str = "example.com";

const OWN_PEOPLE: u64 = 2000;
const OUTSIDE_DOMAINS: u64 = 400;
const OUTSIDE_PEOPLE_PER_DOMAIN: u64 = 60;
const FIRST_NAMES: [&str; 24] = [
    "alice", "bruno", "chloe", "david", "emma", "farid", "giulia", "hugo", "ines", "jonas", "karim", "lea", "marc",
    "nadia", "oscar", "paula", "quentin", "rosa", "samir", "tina", "ulrich", "vera", "wim", "zoe",
];
const LAST_NAMES: [&str; 20] = [
    "adam", "bernard", "costa", "dubois", "evans", "fischer", "garcia", "huber", "ivanov", "jansen", "keller",
    "laurent", "moreau", "novak", "olsen", "petit", "rossi", "schmid", "thomas", "weber",
];
const NETWORKS: [&str; 2] = ["198.51.100", "203.0.113"];
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A host that connects or is connected to, as Postfix writes it: `name[address]`.
#[derive(Clone)]
pub struct Host {
    pub name: String,
    pub ip: String,
}

impl Host {
    pub fn display(&self) -> String {
        format!("{}[{}]", self.name, self.ip)
    }
}

fn local_part(number: u64) -> String {
    let first = FIRST_NAMES[(number % FIRST_NAMES.len() as u64) as usize];
    let last = LAST_NAMES[(number / FIRST_NAMES.len() as u64 % LAST_NAMES.len() as u64) as usize];
    match number / (FIRST_NAMES.len() * LAST_NAMES.len()) as u64 {
        0 => format!("{first}.{last}"),
        again => format!("{first}.{last}{again}"),
    }
}

pub fn own_address(random: &mut Random) -> String {
    format!("{}@{OWN_DOMAIN}", local_part(random.skewed_below(OWN_PEOPLE)))
}

/// A domain outside, by number, so that its mail exchanger can be told from it.
pub fn outside_domain(number: u64) -> String {
    let ending = if number.is_multiple_of(3) { "example.org" } else { "example.net" };
    format!("{}{number}.{ending}", ["shop", "bank", "works", "news", "lab"][(number % 5) as usize])
}

pub fn outside_domain_number(random: &mut Random) -> u64 {
    random.skewed_below(OUTSIDE_DOMAINS)
}

pub fn address_at(domain: &str, random: &mut Random) -> String {
    format!("{}@{domain}", local_part(random.skewed_below(OUTSIDE_PEOPLE_PER_DOMAIN)))
}

/// The mail host of an outside domain: always the same one, one in ten by IPv6.
pub fn mail_host(domain_number: u64) -> Host {
    let ip = match domain_number % 10 {
        9 => format!("2001:db8:{domain_number:x}::25"),
        _ => format!("{}.{}", NETWORKS[(domain_number % 2) as usize], domain_number % 250 + 2),
    };
    Host { name: format!("mx.{}", outside_domain(domain_number)), ip }
}

/// A client that no good mail comes from: no reverse name, a dynamic address.
pub fn stranger(random: &mut Random) -> Host {
    Host { name: "unknown".into(), ip: format!("{}.{}", random.pick(&NETWORKS), random.between(2, 254)) }
}

/// A computer of the organisation's own people.
pub fn own_client(random: &mut Random) -> Host {
    let number = random.between(10, 250);
    Host { name: format!("pc{number}.{OWN_DOMAIN}"), ip: format!("192.0.2.{number}") }
}

pub fn message_id(domain: &str, random: &mut Random) -> String {
    match random.below(4) {
        0 => format!("{}@{domain}", random.word(LOWER, 32)),
        1 => format!("{}.{}@{domain}", random.between(10_000_000, 99_999_999), random.word(LOWER, 10)),
        2 => format!("CA{}@mail.{domain}", random.word(MIXED, 40)),
        _ => format!("{}-{}@{domain}", random.word(MIXED, 12), random.word(LOWER, 8)),
    }
}

/// What another server answers when it has taken a message; each kind of server has its own words.
pub fn foreign_acceptance(random: &mut Random) -> String {
    match random.below(4) {
        0 => format!(
            "250 2.0.0 OK  {} {}-{}si.{} - gsmtp",
            random.between(1_700_000_000, 1_800_000_000),
            random.word(LOWER, 28),
            random.word(LOWER, 8),
            random.below(700)
        ),
        1 => format!(
            "250 2.6.0 <{}@{}> [InternalId={}, Hostname=EX.example.net] {} bytes in 0.1, 80 KB/sec Queued mail for delivery",
            random.word(LOWER, 20),
            "example.net",
            random.between(1_000_000_000, 9_000_000_000),
            random.between(2000, 90_000)
        ),
        2 => format!("250 OK id=1t{}-000000{}-{}", random.word(MIXED, 4), random.word(MIXED, 5), random.word(MIXED, 4)),
        _ => format!("250 2.0.0 Ok: queued as 4{}z{}", random.word(MIXED, 9), random.word(MIXED, 4)),
    }
}

/// What the store answers over LMTP.
pub fn store_acceptance(recipient: &str, random: &mut Random) -> String {
    format!("250 2.0.0 <{recipient}> {} Saved", random.word(MIXED, 22))
}
