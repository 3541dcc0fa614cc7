//! Text -> tokens. Knows quotes, signs and lists; knows nothing of what a field holds.

use std::net::IpAddr;
use std::ops::Range;

use crate::fields::Field;
use crate::problem::Problem;

/// Between a field and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Colon,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longer signs first, so that `>=` is not read as `>`.
const SIGNS: [(&str, Sign); 7] = [
    (">=", Sign::GreaterOrEqual),
    ("<=", Sign::LessOrEqual),
    ("!=", Sign::NotEqual),
    (">", Sign::Greater),
    ("<", Sign::Less),
    (":", Sign::Colon),
    ("=", Sign::Equal),
];

impl Sign {
    /// The sign at the beginning of `text`.
    pub fn leading(text: &str) -> Option<(Sign, &'static str)> {
        SIGNS.iter().find(|(written, _)| text.starts_with(written)).map(|&(written, sign)| (sign, written))
    }
}

/// A value as written: the pieces between its `*` wildcards (one piece: no wildcard), quotes and escapes undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub pieces: Vec<String>,
    pub span: Range<usize>,
}

impl Written {
    /// The value for those who know no wildcard.
    pub fn text(&self) -> String {
        self.pieces.join("*")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    /// A word without a field.
    Bare(Written),
    /// A field, its sign and its values; no value when that was a problem, already told.
    Term {
        name: String,
        name_span: Range<usize>,
        sign: Sign,
        values: Vec<Written>,
    },
}

/// All the tokens with their places; what is wrong goes to `problems` and reading goes on after it.
pub(crate) fn tokens(text: &str, problems: &mut Vec<Problem>) -> Vec<(Token, Range<usize>)> {
    let mut lexer = Lexer { text, at: 0, problems };
    let mut tokens = Vec::new();
    while let Some(next) = lexer.next_char() {
        let start = lexer.at;
        if let Some(token) = lexer.token(next) {
            tokens.push((token, start..lexer.at));
        }
    }
    tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Lexer<'a> {
    /// The next character that is not a space, which stays to be read.
    fn next_char(&mut self) -> Option<char> {
        let rest = self.rest().trim_start();
        self.at = self.text.len() - rest.len();
        rest.chars().next()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn token(&mut self, next: char) -> Option<Token> {
        match next {
            '(' => self.single(Token::Open),
            ')' => self.single(Token::Close),
            '"' => self.quoted_word(),
            '-' if self.rest()[1..].starts_with(|c: char| !c.is_whitespace() && c != ')') => self.single(Token::Not),
            '<' | '>' | '=' if !is_bracketed(self.rest()) => self.lone_sign(),
            _ => self.term().or_else(|| Some(self.bare_word())),
        }
    }

    fn single(&mut self, token: Token) -> Option<Token> {
        self.at += 1;
        Some(token)
    }

    fn quoted_word(&mut self) -> Option<Token> {
        let written = self.quoted()?;
        if written.pieces == [""] {
            self.problems.push(Problem::new(written.span, "there is nothing between the quotes"));
            return None;
        }
        Some(Token::Bare(written))
    }

    /// `size > 2MB`: refused, because `size` and `2MB` would be searched as words.
    fn lone_sign(&mut self) -> Option<Token> {
        let start = self.at;
        let sign = Sign::leading(self.rest()).map_or("", |(_, written)| written);
        self.at += sign.len();
        self.problems.push(
            Problem::new(start..self.at, format!("`{sign}` needs a field right before it"))
                .hint("write it without spaces: size>2MB"),
        );
        self.at += unquoted_len(self.rest(), false);
        None
    }

    /// `name`, a sign and values; nothing when it does not look like that.
    fn term(&mut self) -> Option<Token> {
        let rest = self.rest();
        let name_len = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_.-".contains(c)).unwrap_or(rest.len());
        let name = &rest[..name_len];
        let (sign, sign_text) = Sign::leading(&rest[name_len..])?;
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || is_word_with_sign(rest, name, sign) {
            return None;
        }
        let name_span = self.at..self.at + name_len;
        self.at += name_len + sign_text.len();
        let values = self.values(name_span.start);
        Some(Token::Term { name: name.to_string(), name_span, sign, values })
    }

    /// The values of a list `a,"b c",d`; none after a problem.
    fn values(&mut self, term_start: usize) -> Vec<Written> {
        let mut values = Vec::new();
        let mut sound = true;
        loop {
            match self.value(term_start) {
                Some(value) => values.push(value),
                None => sound = false,
            }
            if !self.rest().starts_with(',') {
                break;
            }
            self.at += 1;
        }
        if sound { values } else { Vec::new() }
    }

    fn value(&mut self, term_start: usize) -> Option<Written> {
        if self.rest().starts_with('"') {
            return self.quoted();
        }
        let start = self.at;
        if self.rest().starts_with('(') {
            self.skip_parentheses();
            self.problems.push(
                Problem::new(start..self.at, "a parenthesis cannot begin a value")
                    .hint("for any of several values write status:bounced,expired; to search for a parenthesis put the value in quotes"),
            );
            return None;
        }
        self.at += unquoted_len(self.rest(), true);
        if start == self.at {
            let before = &self.text[term_start..start];
            self.problems.push(
                Problem::new(term_start..start, format!("there is no value after `{before}`"))
                    .hint("write the value without a space before it, as in from:laurent; \"\" is the empty value"),
            );
            return None;
        }
        let pieces = self.text[start..self.at].split('*').map(str::to_string).collect();
        Some(Written { pieces, span: start..self.at })
    }

    fn skip_parentheses(&mut self) {
        let mut depth = 0_usize;
        for (at, c) in self.rest().char_indices() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at += at + 1;
                return;
            }
        }
        self.at = self.text.len();
    }

    fn bare_word(&mut self) -> Token {
        let start = self.at;
        self.at += unquoted_len(self.rest(), false).max(1);
        let word = &self.text[start..self.at];
        match word.to_ascii_lowercase().as_str() {
            "and" => Token::And,
            "or" => Token::Or,
            "not" => Token::Not,
            _ => Token::Bare(Written { pieces: word.split('*').map(str::to_string).collect(), span: start..self.at }),
        }
    }

    /// Text between quotes: `\"`, `\\` and `\*` stand for the character itself, any other `\` too, as in `DOMAIN\login`.
    fn quoted(&mut self) -> Option<Written> {
        let start = self.at;
        let mut pieces = vec![String::new()];
        let mut chars = self.rest().char_indices().skip(1).peekable();
        let mut closed = None;
        while let Some((at, c)) = chars.next() {
            let escaped = if c == '\\' { chars.next_if(|(_, next)| "\"\\*".contains(*next)) } else { None };
            match (c, escaped) {
                (_, Some((_, c))) => push_last(&mut pieces, c),
                ('"', _) => {
                    closed = Some(start + at + 1);
                    break;
                }
                ('*', _) => pieces.push(String::new()),
                (c, None) => push_last(&mut pieces, c),
            }
        }
        let Some(end) = closed else {
            self.at = self.text.len();
            self.problems.push(
                Problem::new(start..self.at, "this quote is never closed").hint("add a \" at the end of the value"),
            );
            return None;
        };
        self.at = end;
        self.check_after_quote()?;
        Some(Written { pieces, span: start..end })
    }

    fn check_after_quote(&mut self) -> Option<()> {
        if self.rest().starts_with(|c: char| !c.is_whitespace() && c != ')' && c != ',') {
            let end = self.at;
            self.at += unquoted_len(self.rest(), true).max(1);
            self.problems.push(
                Problem::new(end..self.at, "this touches the closing quote")
                    .hint("put a space between them, or all of it in the quotes, where \\\" is a quote"),
            );
            // What follows is part of this mistake: a second message about it would not help.
            self.at += unquoted_len(self.rest(), false);
            return None;
        }
        Some(())
    }
}

fn push_last(pieces: &mut [String], c: char) {
    if let Some(last) = pieces.last_mut() {
        last.push(c);
    }
}

/// Bytes up to the space, the `)` of an enclosing group or (in a list) the `,` that ends an unquoted value.
fn unquoted_len(text: &str, in_list: bool) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            ',' if in_list => return at,
            c if c.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

/// `<id@host>`, pasted from a header: not a sign.
fn is_bracketed(text: &str) -> bool {
    text.starts_with('<') && text[..unquoted_len(text, false)].ends_with('>')
}

/// Words that only look like a field with a value: an IPv6 address, and the `=` in the local part of an address
/// (`prvs=4271=bob@example.com`, `SRS0=HHH=TT=example.com=bob@example.net`).
fn is_word_with_sign(text: &str, name: &str, sign: Sign) -> bool {
    let word = &text[..unquoted_len(text, false)];
    let is_tagged_address = sign == Sign::Equal && word.contains('@') && Field::named(name).is_none();
    is_tagged_address || word.parse::<IpAddr>().is_ok()
}
