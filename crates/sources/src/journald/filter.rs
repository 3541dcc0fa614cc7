//! Which entries of a journal are wanted.

use super::entry::Entry;

/// Syslog's facility of mail.
const MAIL: u8 = 2;
/// Programs of mail servers whose services log by standard output, or with another facility.
const MAIL_UNITS: [&str; 11] = [
    "postfix.service",
    "postfix@-.service",
    "dovecot.service",
    "exim4.service",
    "rspamd.service",
    "amavis.service",
    "spamd.service",
    "spamassassin.service",
    "opendkim.service",
    "clamav-milter.service",
    "postgrey.service",
];

/// Chooses entries. One that any of the three lists names is wanted; with three empty lists, all are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalFilter {
    /// Numbers of syslog facilities; mail is 2.
    pub facilities: Vec<u8>,
    /// Names of units, such as `postfix@-.service`.
    pub units: Vec<String>,
    /// Identifiers, with whatever follows them after a slash: `postfix` is also `postfix/smtpd`.
    pub identifiers: Vec<String>,
}

impl JournalFilter {
    /// What mail servers write.
    pub fn mail() -> Self {
        let units = MAIL_UNITS.map(ToOwned::to_owned).to_vec();
        JournalFilter { facilities: vec![MAIL], units, identifiers: Vec::new() }
    }

    pub(super) fn wants(&self, entry: &Entry) -> bool {
        self.is_all()
            || entry.facility().is_some_and(|facility| self.facilities.contains(&facility))
            || entry.unit().is_some_and(|unit| self.units.iter().any(|wanted| wanted.as_bytes() == unit))
            || entry
                .identifier()
                .is_some_and(|identifier| self.identifiers.iter().any(|wanted| names(wanted, identifier)))
    }

    fn is_all(&self) -> bool {
        self.facilities.is_empty() && self.units.is_empty() && self.identifiers.is_empty()
    }

    /// The same for `journalctl`, so that it does not write what is not wanted: matches, any of which will do. Empty where it has
    /// no words for it; the entries are looked at here all the same.
    pub(super) fn matches(&self) -> Vec<String> {
        if !self.identifiers.is_empty() {
            return Vec::new();
        }
        let facilities = self.facilities.iter().map(|facility| format!("SYSLOG_FACILITY={facility}"));
        let units = self.units.iter().map(|unit| format!("_SYSTEMD_UNIT={unit}"));
        let mut matches = Vec::new();
        for one in facilities.chain(units) {
            if !matches.is_empty() {
                matches.push("+".to_owned());
            }
            matches.push(one);
        }
        matches
    }
}

fn names(wanted: &str, identifier: &[u8]) -> bool {
    identifier.strip_prefix(wanted.as_bytes()).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fields: &[(&str, &str)]) -> Entry {
        let mut entry = Entry::default();
        fields.iter().for_each(|(name, value)| entry.set(name.as_bytes(), value.as_bytes(), false));
        entry
    }

    #[test]
    fn mail_is_known_by_its_facility_or_its_unit() {
        let mail = JournalFilter::mail();
        assert!(mail.wants(&entry(&[("SYSLOG_FACILITY", "2")])));
        assert!(mail.wants(&entry(&[("SYSLOG_FACILITY", "3"), ("_SYSTEMD_UNIT", "dovecot.service")])));
        assert!(!mail.wants(&entry(&[("SYSLOG_FACILITY", "3"), ("_SYSTEMD_UNIT", "cron.service")])));
        assert!(!mail.wants(&entry(&[])));
        assert!(JournalFilter::default().wants(&entry(&[])));
    }

    #[test]
    fn an_identifier_stands_for_what_follows_it_after_a_slash() {
        let filter = JournalFilter { identifiers: vec!["postfix".into()], ..JournalFilter::default() };
        for (identifier, wanted) in
            [("postfix", true), ("postfix/smtpd", true), ("postfixadmin", false), ("post", false)]
        {
            assert_eq!(filter.wants(&entry(&[("SYSLOG_IDENTIFIER", identifier)])), wanted, "{identifier}");
        }
        assert!(filter.matches().is_empty());
    }

    #[test]
    fn journalctl_is_told_what_it_has_words_for() {
        let filter = JournalFilter { facilities: vec![2], units: vec!["a.service".into()], identifiers: Vec::new() };
        assert_eq!(filter.matches(), ["SYSLOG_FACILITY=2", "+", "_SYSTEMD_UNIT=a.service"]);
    }
}
