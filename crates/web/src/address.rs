//! Addresses of our own pages. The address holds the whole state of a page, so every link is built here.

use std::fmt;

use crate::backend::{Counted, Sort};
use crate::period::Period;

/// A path with the state of the page behind it.
#[derive(Debug, Clone)]
pub struct Address {
    path: String,
    pairs: Vec<(&'static str, String)>,
}

impl Address {
    pub fn new(path: impl Into<String>) -> Address {
        Address { path: path.into(), pairs: Vec::new() }
    }

    /// `/message/{id}`, whatever the id contains.
    pub fn message(id: &str) -> Address {
        Address::new(format!("/message/{}", encode(id, "")))
    }

    /// Where the things that a figure counts are listed.
    pub fn list(counted: Counted) -> Address {
        Address::new(match counted {
            Counted::Messages | Counted::Deliveries => "/search",
            Counted::Rejections => "/rejections",
        })
    }

    /// The empty filter is left out.
    pub fn filter(self, q: &str) -> Address {
        if q.trim().is_empty() { self } else { self.with("q", q.trim()) }
    }

    /// `None` is the default period, which is left out.
    pub fn period(self, period: Option<Period>) -> Address {
        match period {
            Some(period) => self.with("period", period.to_string()),
            None => self,
        }
    }

    pub fn sort(self, sort: Sort) -> Address {
        if sort == Sort::default() { self } else { self.with("sort", sort_word(sort)) }
    }

    pub fn after(self, cursor: Option<&str>) -> Address {
        match cursor {
            Some(cursor) => self.with("after", cursor),
            None => self,
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Address {
        self.pairs.push((name, value.into()));
        self
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        for (at, (name, value)) in self.pairs.iter().enumerate() {
            write!(f, "{}{name}={}", if at == 0 { '?' } else { '&' }, encode(value, ":@/*,!()"))?;
        }
        Ok(())
    }
}

impl maud::Render for Address {
    fn render_to(&self, buffer: &mut String) {
        self.to_string().render_to(buffer);
    }
}

pub fn sort_word(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => "newest",
        Sort::Oldest => "oldest",
        Sort::Slowest => "slowest",
        Sort::Largest => "largest",
    }
}

pub fn sort_from_word(word: &str) -> Option<Sort> {
    [Sort::Newest, Sort::Oldest, Sort::Slowest, Sort::Largest].into_iter().find(|sort| sort_word(*sort) == word)
}

/// Percent-encoding that keeps what RFC 3986 calls unreserved, and `also`, so that addresses stay readable.
fn encode(text: &str, also: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_comes_back_as_it_was() {
        let q = "from:\"Ève & Söhne\" to:@us.ibm.com size>2MB #1 50% a+b";
        let address = Address::new("/search").filter(q).period(Period::parse("7d")).to_string();
        let query = address.split_once('?').expect("a query").1;
        let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert_eq!(pairs, [("q".to_owned(), q.to_owned()), ("period".to_owned(), "7d".to_owned())]);
    }

    #[test]
    fn an_id_cannot_leave_its_place_in_the_path() {
        assert_eq!(Address::message("../?q=#x").to_string(), "/message/..%2F%3Fq%3D%23x");
    }

    #[test]
    fn state_that_is_default_is_left_out() {
        assert_eq!(
            Address::list(Counted::Rejections).filter(" ").period(None).sort(Sort::Newest).after(None).to_string(),
            "/rejections"
        );
    }
}
