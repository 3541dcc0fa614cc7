//! What a line says of a session, for servers whose lines on a message name the session alone.

use vigie_model::Arrival;

/// What one line says of one session at one server. All text borrows from the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Session<'a> {
    /// Names the session at this server; [`crate::statement::Statement::session`] says the same.
    pub key: u64,
    /// How messages come in it, from now on; [`Arrival::Unknown`] where the line does not say.
    pub arrival: Arrival,
    pub client_name: &'a [u8],
    pub client_ip: &'a [u8],
    /// Login name.
    pub user: &'a [u8],
    /// With this line.
    pub ends: bool,
}

impl Session<'_> {
    /// A line about that session which says nothing of it.
    pub fn about(key: u64) -> Self {
        Self { key, arrival: Arrival::Unknown, client_name: b"", client_ip: b"", user: b"", ends: false }
    }
}
