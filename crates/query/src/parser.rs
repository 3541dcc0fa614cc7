//! Tokens -> tree -> filter. `or` binds least, then `and` (which need not be written), then `not`.

use std::ops::Range;

use crate::expr::Term;
use crate::fields::{Field, Kind};
use crate::filter::Filter;
use crate::lexer::{Token, Written, tokens};
use crate::period::PeriodInfo;
use crate::problem::Problem;
use crate::quantity;
use crate::terms::{field_term, period_term, unknown_field};
use crate::tree::{Node, lifted};
use crate::values::{Op, Value};
use crate::{Context, NESTING_MAX, PROBLEMS_MAX, TERMS_MAX, TEXT_BYTES_MAX};

/// Reads a filter text; all of its problems at once, in the order of the text.
///
/// An empty text is the filter that chooses everything.
pub fn parse(text: &str, context: &Context) -> Result<Filter, Vec<Problem>> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(vec![too_long(text, "")]);
    }
    let mut problems = Vec::new();
    let tokens = tokens(text, &mut problems);
    let mut parser = Parser { text, tokens, at: 0, depth: 0, terms: 0, stopped: false, context, problems };
    let tree = parser.whole();
    let mut problems = parser.problems;
    let filter = lifted(tree, text, &mut problems);
    if problems.is_empty() && filter.to_string().len() > TEXT_BYTES_MAX {
        problems.push(too_long(text, " once it is written in full"));
    }
    if problems.is_empty() {
        return Ok(filter);
    }
    problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    problems.truncate(PROBLEMS_MAX);
    Err(problems)
}

fn too_long(text: &str, when: &str) -> Problem {
    let start = text.floor_char_boundary(TEXT_BYTES_MAX);
    Problem::new(start..text.len(), format!("the filter is longer than {TEXT_BYTES_MAX} bytes{when}"))
        .hint("search in several steps, or choose by a population")
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    depth: usize,
    terms: usize,
    /// A bound was reached: nothing more is read.
    stopped: bool,
    context: &'a Context,
    problems: Vec<Problem>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        if self.stopped { None } else { self.tokens.get(self.at).map(|(token, _)| token) }
    }

    /// The place of the current token, or the end of the text.
    fn place(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.text.len()..self.text.len(), |(_, span)| span.clone())
    }

    fn whole(&mut self) -> Option<Node> {
        let mut parts = Vec::new();
        loop {
            parts.extend(self.alternatives());
            if self.peek().is_none() {
                return group(parts, Node::And);
            }
            // Only a `)` ends the alternatives early.
            self.problems.push(
                Problem::new(self.place(), "this parenthesis closes nothing")
                    .hint("remove it, or put the text that it belongs to in quotes"),
            );
            self.at += 1;
        }
    }

    fn alternatives(&mut self) -> Option<Node> {
        let mut parts = Vec::new();
        parts.extend(self.conjunction());
        while let Some(Token::Or) = self.peek() {
            self.operator("or");
            parts.extend(self.conjunction());
        }
        group(parts, Node::Or)
    }

    fn conjunction(&mut self) -> Option<Node> {
        let mut parts = Vec::new();
        loop {
            match self.peek() {
                None | Some(Token::Close | Token::Or) => return group(parts, Node::And),
                Some(Token::And) => self.operator("and"),
                Some(_) => parts.extend(self.negation()),
            }
        }
    }

    fn negation(&mut self) -> Option<Node> {
        let mut is_negated = false;
        while let Some(Token::Not) = self.peek() {
            is_negated = !is_negated;
            self.operator("not");
        }
        let node = self.operand()?;
        Some(if is_negated { Node::Not(Box::new(node)) } else { node })
    }

    /// Passes `and`, `or` or `not`, after a look at what stands before and after it.
    fn operator(&mut self, name: &str) {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map(|(token, _)| token);
        // Two operators in a row are told of once, by the first.
        let is_missing_before = name != "not" && matches!(before, None | Some(Token::Open));
        let after = self.tokens.get(self.at + 1).map(|(token, _)| token);
        let is_missing_after = matches!(after, None | Some(Token::Close | Token::And | Token::Or));
        if is_missing_before || is_missing_after {
            let side = if is_missing_after { "after" } else { "before" };
            self.problems.push(
                Problem::new(self.place(), format!("there is nothing {side} `{name}`"))
                    .hint(format!("to search for the word, write \"{name}\"")),
            );
        }
        self.at += 1;
    }

    fn operand(&mut self) -> Option<Node> {
        match self.peek()? {
            Token::Open => self.parentheses(),
            Token::Bare(_) | Token::Term { .. } => self.counted_term(),
            Token::Close | Token::And | Token::Or | Token::Not => None,
        }
    }

    fn parentheses(&mut self) -> Option<Node> {
        let open = self.place();
        if self.depth == NESTING_MAX {
            self.stop(Problem::new(open, format!("parentheses are nested more than {NESTING_MAX} deep")));
            return None;
        }
        self.at += 1;
        self.depth += 1;
        let problems_before = self.problems.len();
        let inner = self.alternatives();
        self.depth -= 1;
        if self.stopped {
            return None;
        }
        let end = self.place().end;
        if self.peek().is_none() {
            self.problems
                .push(Problem::new(open, "this parenthesis is never closed").hint("add a ) where the group ends"));
            return inner;
        }
        self.at += 1;
        if inner.is_none() && self.problems.len() == problems_before && !self.has_problem_in(&(open.start..end)) {
            self.problems.push(Problem::new(open.start..end, "there is nothing between the parentheses"));
        }
        inner
    }

    fn has_problem_in(&self, span: &Range<usize>) -> bool {
        self.problems.iter().any(|problem| span.contains(&problem.span.start))
    }

    fn stop(&mut self, problem: Problem) {
        self.problems.push(problem);
        self.stopped = true;
    }

    fn counted_term(&mut self) -> Option<Node> {
        let (token, span) = self.tokens.get(self.at)?.clone();
        self.at += 1;
        self.terms += if let Token::Term { values, .. } = &token { values.len().max(1) } else { 1 };
        if self.terms > TERMS_MAX {
            self.stop(
                Problem::new(span, format!("the filter has more than {TERMS_MAX} terms"))
                    .hint("search in several steps, or choose by a population"),
            );
            return None;
        }
        match self.term(token, span) {
            Ok(node) => node,
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    /// Nothing when a problem with it has been told already.
    fn term(&mut self, token: Token, span: Range<usize>) -> Result<Option<Node>, Problem> {
        match token {
            Token::Bare(written) => {
                let value = Value::read(Kind::Anything, &written)?;
                Ok(Some(Node::Term(Term { field: Field::Any, op: Op::Is, values: vec![value] })))
            }
            Token::Term { name, name_span, sign, values } => {
                if let Some(info) = PeriodInfo::named(&name) {
                    return period_term(info, sign, &values, span, self.context);
                }
                let Some(field) = Field::named(&name) else {
                    return Err(unknown_field(&name, name_span, &self.text[span]));
                };
                if !values.is_empty() {
                    self.refuse_unit_apart(field.info().kind, &values)?;
                }
                field_term(field.info(), sign, values, span)
            }
            Token::Open | Token::Close | Token::And | Token::Or | Token::Not => Ok(None),
        }
    }

    /// `size>2 MB` would be: larger than 2 bytes, with the word MB somewhere.
    fn refuse_unit_apart(&mut self, kind: Kind, values: &[Written]) -> Result<(), Problem> {
        let (Some(value), Some(Token::Bare(word))) = (values.last(), self.peek()) else {
            return Ok(());
        };
        let (number, unit) = (value.text(), word.text());
        let is_quoted = self.text[word.span.clone()].starts_with('"');
        if kind != Kind::Bytes
            || is_quoted
            || !number.ends_with(|c: char| c.is_ascii_digit())
            || !quantity::is_size_unit(&unit)
        {
            return Ok(());
        }
        let problem = Problem::new(value.span.start..word.span.end, "the unit stands apart from its number");
        self.at += 1;
        Err(problem.hint(format!("write {number}{unit}")))
    }
}

fn group(mut parts: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Option<Node> {
    if parts.len() > 1 { Some(join(parts)) } else { parts.pop() }
}
