//! The languages, and how one is chosen for a reader.

/// A language of the pages and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lang {
    #[default]
    En,
    Fr,
}

impl Lang {
    pub const ALL: [Lang; 2] = [Lang::En, Lang::Fr];

    /// BCP 47: the value of `lang=` in HTML, of the cookie and of the address.
    pub fn code(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Fr => "fr",
        }
    }

    /// Its own name for itself.
    pub fn name(self) -> &'static str {
        match self {
            Lang::En => "English",
            Lang::Fr => "Français",
        }
    }

    /// From a language tag; the region does not matter: `fr-CA` is [`Lang::Fr`].
    pub fn from_code(tag: &str) -> Option<Lang> {
        let primary = tag.trim().split(['-', '_']).next()?;
        Lang::ALL.into_iter().find(|lang| lang.code().eq_ignore_ascii_case(primary))
    }

    /// The best language for an `Accept-Language` header (RFC 9110, 12.5.4); `None` when it names none of ours.
    pub fn from_accept_language(header: &str) -> Option<Lang> {
        let mut best: Option<(f32, Lang)> = None;
        for item in header.split(',') {
            let mut parts = item.split(';');
            let Some(lang) = parts.next().and_then(Lang::from_code) else { continue };
            let weight =
                parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            // Of equal weights the first one wins, as in every browser.
            if weight > 0.0 && best.is_none_or(|(weight_best, _)| weight > weight_best) {
                best = Some((weight, lang));
            }
        }
        best.map(|(_, lang)| lang)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_of_a_browser_in_quebec() {
        assert_eq!(Lang::from_accept_language("fr-CA,fr;q=0.8,en;q=0.5"), Some(Lang::Fr));
    }

    #[test]
    fn weights_decide_and_zero_refuses() {
        assert_eq!(Lang::from_accept_language("fr;q=0.2, en;q=0.9"), Some(Lang::En));
        assert_eq!(Lang::from_accept_language("fr;q=0, de"), None);
        assert_eq!(Lang::from_accept_language("en, fr"), Some(Lang::En));
    }

    #[test]
    fn nonsense_names_no_language() {
        for header in ["", ";;;,,,", "q=1", "*", "fren", "fr;q=x"] {
            assert_eq!(Lang::from_accept_language(header), None, "{header}");
        }
    }
}
