//! What a collector needs to be let in: one word to copy.
//!
//! `vigie1.` and, in base64 for URLs, 32 bytes of a secret and the SHA-256 of the server's public key. A server whose certificate is from
//! an authority gives out the secret alone: its key may change at each renewal.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::pki_types::CertificateDer;

const PREFIX: &str = "vigie1.";
const SECRET_BYTES: usize = 32;
const PIN_BYTES: usize = 32;
/// Longer than any word; whatever is longer is not looked at.
const WORD_BYTES_MAX: usize = 256;

/// The secret of one collector. It stands in the collector's configuration and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; SECRET_BYTES]);

/// What the server keeps of a token: enough to know it again, and useless to a thief.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash([u8; PIN_BYTES]);

/// The SHA-256 of a public key (its SubjectPublicKeyInfo, RFC 7469).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyPin([u8; PIN_BYTES]);

/// What stands in the word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// Who the collector is.
    pub token: Token,
    /// Who the server is; `None` when an authority vouches for it.
    pub pin: Option<KeyPin>,
}

/// Why a word is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrolmentError {
    /// It begins with something else.
    #[error("the enrolment word does not begin with `{PREFIX}`")]
    Prefix,
    /// A newer server gave it out.
    #[error("the enrolment word is of a newer version than this program")]
    Newer,
    /// Something is missing or wrong in it.
    #[error("the enrolment word is damaged or not complete")]
    Damaged,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl EnrolmentError {
    /// What to do.
    pub fn hint(self) -> &'static str {
        match self {
            EnrolmentError::Prefix => "copy the word as the server printed it, in one piece",
            EnrolmentError::Newer => "update the collector",
            EnrolmentError::Damaged => "copy it again, to its very end and in one line",
            EnrolmentError::Random => "see whether /dev/urandom can be read",
        }
    }
}

impl Token {
    /// A new one.
    pub fn generate() -> Result<Token, EnrolmentError> {
        let mut secret = [0; SECRET_BYTES];
        SystemRandom::new().fill(&mut secret).map_err(|_| EnrolmentError::Random)?;
        Ok(Token(secret))
    }

    /// Reads what [`text`](Self::text) wrote.
    pub fn parse(text: &str) -> Option<Token> {
        let bytes = if text.len() > WORD_BYTES_MAX { None } else { BASE64.decode(text).ok() };
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Token)
    }

    /// As it stands in a request's header.
    pub fn text(&self) -> String {
        BASE64.encode(self.0)
    }

    /// What the server keeps.
    pub fn hash(&self) -> TokenHash {
        TokenHash(sha256(&self.0))
    }
}

impl TokenHash {
    /// For storing it.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads what [`to_hex`](Self::to_hex) wrote.
    pub fn parse_hex(text: &str) -> Option<TokenHash> {
        if text.len() != 2 * PIN_BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; PIN_BYTES];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
        }
        Some(TokenHash(bytes))
    }

    /// Is it the hash of this token, as it came in a request? Takes the same time wherever they differ.
    pub fn matches(&self, token: &str) -> bool {
        let Some(token) = Token::parse(token) else { return false };
        let other = token.hash();
        self.0.iter().zip(other.0).fold(0, |differing, (one, other)| differing | (one ^ other)) == 0
    }
}

impl KeyPin {
    /// The pin of the key in a certificate; `None` when it is no certificate.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Option<KeyPin> {
        let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
        Some(KeyPin(sha256(&certificate.subject_public_key_info())))
    }
}

impl Enrolment {
    /// The word.
    pub fn word(&self) -> String {
        let mut bytes = self.token.0.to_vec();
        bytes.extend(self.pin.iter().flat_map(|pin| pin.0));
        format!("{PREFIX}{}", BASE64.encode(bytes))
    }

    /// Reads a word, with white space around it.
    pub fn parse(word: &str) -> Result<Enrolment, EnrolmentError> {
        let word = word.trim();
        let Some(text) = word.strip_prefix(PREFIX) else {
            return Err(if word.starts_with("vigie") { EnrolmentError::Newer } else { EnrolmentError::Prefix });
        };
        if text.len() > WORD_BYTES_MAX {
            return Err(EnrolmentError::Damaged);
        }
        let bytes = BASE64.decode(text).map_err(|_| EnrolmentError::Damaged)?;
        let (secret, pin) = bytes.split_first_chunk::<SECRET_BYTES>().ok_or(EnrolmentError::Damaged)?;
        let pin = match pin {
            [] => None,
            pin => Some(KeyPin(pin.try_into().map_err(|_| EnrolmentError::Damaged)?)),
        };
        Ok(Enrolment { token: Token(*secret), pin })
    }
}

/// Never the secret itself: it would end up in a log.
impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(..)")
    }
}

impl fmt::Debug for KeyPin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyPin({})", BASE64.encode(self.0))
    }
}

fn sha256(bytes: &[u8]) -> [u8; PIN_BYTES] {
    let hash = digest(&SHA256, bytes);
    std::array::from_fn(|index| hash.as_ref()[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enrolment() -> Enrolment {
        Enrolment { token: Token([7; SECRET_BYTES]), pin: Some(KeyPin([200; PIN_BYTES])) }
    }

    #[test]
    fn a_word_is_read_as_it_was_written() {
        let known = enrolment();
        assert_eq!(Enrolment::parse(&format!("  {}\n", known.word())), Ok(known.clone()));
        let unpinned = Enrolment { pin: None, ..known };
        assert_eq!(Enrolment::parse(&unpinned.word()), Ok(unpinned));
    }

    #[test]
    fn a_word_without_its_end_is_damaged() {
        let word = enrolment().word();
        let whole = Enrolment { pin: None, ..enrolment() }.word().len();
        for cut in PREFIX.len()..word.len() {
            let read = Enrolment::parse(&word[..cut]);
            assert!(read == Err(EnrolmentError::Damaged) || cut == whole, "{cut}: {read:?}");
        }
        assert_eq!(Enrolment::parse("vigie2.AAAA"), Err(EnrolmentError::Newer));
        assert_eq!(Enrolment::parse("token"), Err(EnrolmentError::Prefix));
    }

    #[test]
    fn a_hash_knows_its_token_and_no_other() {
        let token = Token::generate().unwrap();
        let hash = TokenHash::parse_hex(&token.hash().to_hex()).unwrap();
        assert!(hash.matches(&token.text()));
        assert!(!hash.matches(&Token::generate().unwrap().text()));
        assert!(!hash.matches("") && !hash.matches("nonsense"));
    }

    #[test]
    fn a_token_is_not_shown() {
        assert_eq!(format!("{:?}", enrolment().token), "Token(..)");
    }
}
