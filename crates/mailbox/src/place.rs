//! A mailbox, as the configuration names it: `imaps://imap.example.org user=journal password-file=/etc/vigie/journal servers=mx1,mx2`.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use crate::received::{ServerName, Servers};

const FOLDER: &str = "INBOX";
const EVERY_S: u64 = 15;
const EVERY_S_MAX: u64 = 86_400;
const HOST_BYTES_MAX: usize = 253;
const SERVERS_MAX: usize = 256;
const KEYS: &str = "user, password-file, folder, servers, every, tls, authorities";
/// No file system takes longer names; what is cut off is in the hash.
const FILE_NAME_BYTES_MAX: usize = 100;

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (`imaps://`).
    Tls,
    /// TLS before anything is said (`imap://`).
    StartTls,
    /// Nothing: to this machine itself, or because somebody wrote `tls=no`.
    None,
}

/// A folder of copies, and how it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxPlace {
    pub security: Security,
    /// Name or address, that of an IPv6 address without brackets.
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password_file: PathBuf,
    pub folder: String,
    /// How often it is looked at.
    pub every: Duration,
    /// Whose Received lines count.
    pub servers: Servers,
    /// Certificates of authorities to trust, instead of the system's.
    pub authorities: Option<PathBuf>,
}

/// Why this names no mailbox.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoMailbox(String);

impl MailboxPlace {
    /// What the server calls it.
    pub fn label(&self) -> String {
        format!("mailbox:{}@{}:{}/{}", self.user, self.host, self.port, self.folder)
    }

    /// Fit for the name of a folder, and no other mailbox's.
    pub fn file_name(&self) -> String {
        let label = self.label();
        let fit = |letter: char| if letter.is_ascii_alphanumeric() || "-.@_".contains(letter) { letter } else { '_' };
        let plain: String = label.chars().map(fit).take(FILE_NAME_BYTES_MAX).collect();
        format!("{plain}-{:08x}", xxh3_64(label.as_bytes()) as u32)
    }
}

impl FromStr for MailboxPlace {
    type Err = NoMailbox;

    fn from_str(text: &str) -> Result<Self, NoMailbox> {
        let mut words = text.split_whitespace();
        let address = words.next().unwrap_or_default();
        let mut known = Known::default();
        for word in words {
            let (key, value) = word.split_once('=').ok_or_else(|| NoMailbox(format!("`{word}` is not `key=value`")))?;
            let place = known.place(key).ok_or_else(|| NoMailbox(format!("there is no `{key}`; there are {KEYS}")))?;
            if place.replace(value.to_owned()).is_some() {
                return Err(NoMailbox(format!("`{key}` is given twice")));
            }
        }
        known.finish(address)
    }
}

#[derive(Default)]
struct Known {
    user: Option<String>,
    password_file: Option<String>,
    folder: Option<String>,
    servers: Option<String>,
    every: Option<String>,
    tls: Option<String>,
    authorities: Option<String>,
}

impl Known {
    fn place(&mut self, key: &str) -> Option<&mut Option<String>> {
        Some(match key {
            "user" => &mut self.user,
            "password-file" => &mut self.password_file,
            "folder" => &mut self.folder,
            "servers" => &mut self.servers,
            "every" => &mut self.every,
            "tls" => &mut self.tls,
            "authorities" => &mut self.authorities,
            _ => return None,
        })
    }

    fn finish(self, address: &str) -> Result<MailboxPlace, NoMailbox> {
        let (is_tls, host, port) = read_address(address).ok_or_else(|| {
            NoMailbox(format!("`{address}` is no mailbox; write imaps://HOST[:PORT], or imap://HOST[:PORT]"))
        })?;
        let is_here = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let security = match (is_tls, self.tls.as_deref()) {
            (true, None) => Security::Tls,
            (true, Some(_)) => return Err(NoMailbox("`tls` is for imap://; with imaps:// all is TLS".to_owned())),
            (false, Some("no")) => Security::None,
            (false, Some("yes")) => Security::StartTls,
            (false, None) => {
                if is_here {
                    Security::None
                } else {
                    Security::StartTls
                }
            }
            (false, Some(_)) => return Err(NoMailbox("`tls` is `yes` (by STARTTLS) or `no`".to_owned())),
        };
        let user = self.user.filter(|user| !user.is_empty()).ok_or_else(|| missing("user"))?;
        let password_file = absolute(self.password_file.ok_or_else(|| missing("password-file"))?, "password-file")?;
        let folder = self.folder.map_or_else(|| Ok(FOLDER.to_owned()), |folder| unescaped(&folder))?;
        let every = match self.every {
            None => EVERY_S,
            Some(value) => value.parse().ok().filter(|every| (1..=EVERY_S_MAX).contains(every)).ok_or_else(|| {
                NoMailbox(format!("`every` is a number from 1 to {EVERY_S_MAX}, and `{value}` is none"))
            })?,
        };
        Ok(MailboxPlace {
            security,
            host,
            port,
            user,
            password_file,
            folder,
            every: Duration::from_secs(every),
            servers: self.servers.map_or_else(|| Ok(Servers::default()), |servers| read_servers(&servers))?,
            authorities: self.authorities.map(|file| absolute(file, "authorities")).transpose()?,
        })
    }
}

fn missing(key: &str) -> NoMailbox {
    NoMailbox(format!("`{key}` is missing"))
}

fn absolute(path: String, key: &str) -> Result<PathBuf, NoMailbox> {
    let path = PathBuf::from(path);
    if path.is_absolute() { Ok(path) } else { Err(NoMailbox(format!("`{key}` has to begin with /"))) }
}

/// `imaps://imap.example.org`, `imap://[::1]:143`: TLS from the first byte, host, port.
fn read_address(address: &str) -> Option<(bool, String, u16)> {
    let (scheme, rest) = address.split_once("://")?;
    let is_tls = match scheme.to_ascii_lowercase().as_str() {
        "imaps" => true,
        "imap" => false,
        _ => return None,
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
            (host, is_number.then(|| port.parse().ok()).flatten().filter(|&port| port > 0)?)
        }
        _ => (authority, if is_tls { 993 } else { 143 }),
    };
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().ok()?.to_string(),
        None => host.to_ascii_lowercase(),
    };
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
    let is_host = !host.is_empty() && host.len() <= HOST_BYTES_MAX && host.bytes().all(is_fit);
    is_host.then_some((is_tls, host, port))
}

/// `mx1,mx2:mail.example.org`: each as Vigie calls it, and where that is another, as it calls itself.
fn read_servers(text: &str) -> Result<Servers, NoMailbox> {
    let is_fit = |name: &str| {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        !name.is_empty() && name.len() <= HOST_BYTES_MAX && name.chars().all(is_letter)
    };
    let mut names = Vec::new();
    for word in text.split(',') {
        let (name, by) = word.split_once(':').map_or((word, None), |(name, by)| (name, Some(by)));
        if !is_fit(name) || by.is_some_and(|by| !is_fit(by)) {
            return Err(NoMailbox(format!("`servers` is NAME,NAME:HOST and so on, and `{word}` is no such name")));
        }
        names.push(ServerName { name: name.to_owned(), by: by.map(str::to_owned) });
    }
    if names.len() > SERVERS_MAX {
        return Err(NoMailbox(format!("more than {SERVERS_MAX} servers")));
    }
    Ok(Servers::new(names))
}

/// `Journal%20Copies`: words end at blanks, so a folder's are written as in an address.
fn unescaped(text: &str) -> Result<String, NoMailbox> {
    let wrong = || NoMailbox(format!("`folder={text}`: write a blank as %20 and a % as %25"));
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(wrong)?;
        out.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        rest = &rest[2..];
    }
    let folder = String::from_utf8(out).map_err(|_| wrong())?;
    if folder.is_empty() || folder.contains(char::is_control) { Err(wrong()) } else { Ok(folder) }
}

/// What was not left as usual.
impl fmt::Display for MailboxPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_tls = self.security == Security::Tls;
        let (scheme, usual) = if is_tls { ("imaps", 993) } else { ("imap", 143) };
        let is_here = self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        match self.host.contains(':') {
            true => write!(formatter, "{scheme}://[{}]", self.host)?,
            false => write!(formatter, "{scheme}://{}", self.host)?,
        }
        if self.port != usual {
            write!(formatter, ":{}", self.port)?;
        }
        write!(formatter, " user={} password-file={}", self.user, self.password_file.display())?;
        if self.folder != FOLDER {
            let escaped: String = self
                .folder
                .chars()
                .map(|letter| match letter {
                    '%' => "%25".to_owned(),
                    letter if letter.is_whitespace() => {
                        let mut bytes = [0; 4];
                        letter.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")).collect()
                    }
                    letter => letter.to_string(),
                })
                .collect();
            write!(formatter, " folder={escaped}")?;
        }
        let servers: Vec<String> = self
            .servers
            .names()
            .iter()
            .map(|server| match &server.by {
                Some(by) => format!("{}:{by}", server.name),
                None => server.name.clone(),
            })
            .collect();
        if !servers.is_empty() {
            write!(formatter, " servers={}", servers.join(","))?;
        }
        if self.every.as_secs() != EVERY_S {
            write!(formatter, " every={}", self.every.as_secs())?;
        }
        match (self.security, is_here) {
            (Security::None, false) => write!(formatter, " tls=no")?,
            (Security::StartTls, true) => write!(formatter, " tls=yes")?,
            _ => {}
        }
        if let Some(authorities) = &self.authorities {
            write!(formatter, " authorities={}", authorities.display())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_read_as_it_is_written() {
        for (text, security, port) in [
            ("imaps://imap.example.org user=journal password-file=/etc/vigie/journal", Security::Tls, 993),
            ("IMAPS://IMAP.example.org:994/ user=j@example.org password-file=/p every=60", Security::Tls, 994),
            ("imap://imap.example.org user=j password-file=/p", Security::StartTls, 143),
            ("imap://imap.example.org user=j password-file=/p tls=no", Security::None, 143),
            ("imap://127.0.0.1:1143 user=j password-file=/p", Security::None, 1143),
            ("imap://[::1]:1143 user=j password-file=/p tls=yes authorities=/ca.pem", Security::StartTls, 1143),
            (
                "imaps://h user=j password-file=/p folder=Journal%20%25/%C3%9C servers=mx1,mx2:mail.example.org",
                Security::Tls,
                993,
            ),
        ] {
            let place: MailboxPlace = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((place.security, place.port), (security, port), "{text}");
            assert_eq!(place.to_string().parse(), Ok(place), "{text}");
        }
        let place: MailboxPlace =
            "imaps://h user=a/b password-file=/p folder=Journal%20%C3%9C".parse().expect("a mailbox");
        assert_eq!((place.folder.as_str(), place.label().as_str()), ("Journal Ü", "mailbox:a/b@h:993/Journal Ü"));
        assert!(place.file_name().starts_with("mailbox_a_b@h_993_Journal__-") && place.file_name().is_ascii());
        let other: MailboxPlace =
            "imaps://h user=a_b password-file=/p folder=Journal%20%C3%9C".parse().expect("a mailbox");
        assert_ne!(place.file_name(), other.file_name());
    }

    #[test]
    fn mistakes_are_named() {
        for (text, words) in [
            ("", "is no mailbox"),
            ("imap.example.org user=a password-file=/p", "is no mailbox"),
            ("pop3://h user=a password-file=/p", "is no mailbox"),
            ("imaps://h:0 user=a password-file=/p", "is no mailbox"),
            ("imaps://u@h user=a password-file=/p", "is no mailbox"),
            ("imaps://h password-file=/p", "`user` is missing"),
            ("imaps://h user=a", "`password-file` is missing"),
            ("imaps://h user=a password-file=p", "begin with /"),
            ("imaps://h user=a password=x", "there is no `password`"),
            ("imaps://h user=a user=b", "twice"),
            ("imaps://h user", "not `key=value`"),
            ("imaps://h user=a password-file=/p tls=no", "with imaps:// all is TLS"),
            ("imap://h user=a password-file=/p tls=maybe", "`yes` (by STARTTLS) or `no`"),
            ("imaps://h user=a password-file=/p every=0", "from 1 to"),
            ("imaps://h user=a password-file=/p servers=a,,b", "no such name"),
            ("imaps://h user=a password-file=/p servers=a:b:c", "no such name"),
            ("imaps://h user=a password-file=/p folder=%2", "%20"),
            ("imaps://h user=a password-file=/p folder=a%0Ab", "%20"),
        ] {
            let said = text.parse::<MailboxPlace>().expect_err(text).to_string();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
