//! The search result as CSV: for spreadsheets, so with BOM, RFC 4180 quoting, and cells that cannot become formulas.

use std::fmt::Write;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;

use crate::backend::{
    Backend, CoverageSummary, Failure, PAGE_ROWS_MAX, PageRequest, Scope, SearchPage, SearchRow, Sort,
};
use crate::words;

/// More rows than this no spreadsheet opens (2^20, with the heading).
const ROWS_MAX: u64 = 1_048_575;

/// Names of the columns: the words of the filter language, the same in every language.
const HEADING: &str =
    "\u{feff}time,sender,recipient,recipients_more,subject,status,class,server,delivery_ms,bytes,id\r\n";

/// Fetches the first page before it answers, so that a wrong filter is an error and not an empty file; streams the rest.
pub async fn download(backend: Arc<dyn Backend>, scope: Scope, sort: Sort) -> Result<Response, Failure> {
    let request = PageRequest { sort, after: None, limit: PAGE_ROWS_MAX };
    let page = backend.search(&scope, &request).await?;
    let coverage = coverage_header(&page.coverage);
    let walk = Walk { backend, scope, request, page: Some(page), written: 0 };
    let body = Body::from_stream(stream::unfold(walk, Walk::next));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"vigie-search.csv\""),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    // A line in the file would be a row to those who read it.
    Ok((headers, [("vigie-coverage", coverage)], body).into_response())
}

/// What the rows rest on: `lines=…; known=…; gaps=…; last-line=…`.
fn coverage_header(coverage: &CoverageSummary) -> String {
    let mut text = format!("lines={}; gaps={}", coverage.lines, coverage.gaps);
    if let Some(share) = coverage.understood_share {
        let _ = write!(text, "; known={share:.6}");
    }
    if let Some(last) = coverage.last_line {
        let _ = write!(text, "; last-line={last}");
    }
    text
}

struct Walk {
    backend: Arc<dyn Backend>,
    scope: Scope,
    request: PageRequest,
    /// The page to write next; `None` after the last one.
    page: Option<SearchPage>,
    written: u64,
}

impl Walk {
    async fn next(mut self) -> Option<(Result<Bytes, std::io::Error>, Walk)> {
        let page = self.page.take()?;
        let mut text = if self.written == 0 { HEADING.to_owned() } else { String::new() };
        for row in &page.rows {
            write_row(&mut text, row);
        }
        self.written += page.rows.len() as u64;
        if let Some(cursor) = page.next.filter(|_| self.written < ROWS_MAX) {
            self.request.after = Some(cursor);
            match self.backend.search(&self.scope, &self.request).await {
                Ok(page) => self.page = Some(page),
                // The status is long sent: the broken transfer is the only sign left that rows are missing.
                Err(_) => return Some((Err(std::io::Error::other("the search failed before its last row")), self)),
            }
        }
        Some((Ok(Bytes::from(text)), self))
    }
}

fn write_row(out: &mut String, row: &SearchRow) {
    let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
    let _ = write!(
        out,
        "{},{},{},{},{},{},{},{},{},{},{}\r\n",
        row.time,
        cell(&row.sender),
        cell(&row.recipient),
        row.recipients_more,
        cell(row.subject.as_deref().unwrap_or_default()),
        words::status_word(row.status),
        words::class_word(row.class),
        cell(&row.server),
        number(row.delivery_ms),
        number(row.bytes),
        cell(&row.id)
    );
}

/// Quotes where needed. A cell that a spreadsheet would run as a formula gets an apostrophe in front: subjects come from
/// strangers.
fn cell(text: &str) -> String {
    let formula = text.trim_start_matches(|c: char| c.is_whitespace()).starts_with(['=', '+', '-', '@'])
        || text.starts_with(['\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r', ';']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_cannot_become_a_formula() {
        for text in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", " =1"] {
            assert!(cell(text).trim_start_matches('"').starts_with('\''), "{text}");
        }
        assert_eq!(cell("plain"), "plain");
    }

    #[test]
    fn quotes_and_separators_are_quoted() {
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(cell("two\r\nlines"), "\"two\r\nlines\"");
    }
}
