//! The filter bar, the same on each page: period, search, the conditions in force as chips, problems with carets.

use maud::{Markup, html};
use vigie_i18n::{Arg, fmt};

use crate::address::sort_word;
use crate::asked::Asked;
use crate::backend::{Problem, Sort, Span};
use crate::filter_text;
use crate::parts::visible;
use crate::period::Period;
use crate::reader::Reader;

/// The periods that can be chosen from the list.
const CHOICES: [(Period, &str); 7] = [
    (Period::Last { hours: 1 }, "period-1h"),
    (Period::Last { hours: 24 }, "period-24h"),
    (Period::Last { hours: 7 * 24 }, "period-7d"),
    (Period::Last { hours: 30 * 24 }, "period-30d"),
    (Period::Last { hours: 90 * 24 }, "period-90d"),
    (Period::Last { hours: 365 * 24 }, "period-365d"),
    (Period::All, "period-all"),
];

/// `span` is what the period means now; pages that failed do not know it.
pub fn filter_bar(asked: &Asked, span: Option<Span>, problems: &[Problem]) -> Markup {
    let reader = &asked.reader;
    html! {
        search.filter-bar {
            form method="get" action=(asked.path) data-filter-form {
                (period_choice(asked))
                (search_field(asked, problems))
                @if asked.sort != Sort::default() { input type="hidden" name="sort" value=(sort_word(asked.sort)); }
                button.button.primary type="submit" { (reader.t("filter-apply")) }
                (days_choice(asked))
            }
            @if !problems.is_empty() { (problem_list(reader, &asked.q, problems)) } @else { (chips(asked)) }
            (scope_line(reader, span))
        }
    }
}

/// The search alone, for pages about now.
pub fn filter_box(asked: &Asked, problems: &[Problem]) -> Markup {
    let reader = &asked.reader;
    html! {
        search.filter-bar {
            form method="get" action=(asked.path) data-filter-form {
                (search_field(asked, problems))
                button.button.primary type="submit" { (reader.t("filter-apply")) }
            }
            @if !problems.is_empty() { (problem_list(reader, &asked.q, problems)) } @else { (chips(asked)) }
        }
    }
}

fn search_field(asked: &Asked, problems: &[Problem]) -> Markup {
    let reader = &asked.reader;
    html! {
        div.field.field-grow {
            label for="q" { (reader.t("filter-search")) }
            input #q type="search" name="q" value=(asked.q) placeholder=(reader.t("filter-placeholder")) autocomplete="off" autocapitalize="off" spellcheck="false"
                aria-invalid=[(!problems.is_empty()).then_some("true")] aria-describedby=[(!problems.is_empty()).then_some("q-problems")];
        }
    }
}

fn period_choice(asked: &Asked) -> Markup {
    let (reader, current) = (&asked.reader, asked.period_in_force());
    let in_search = asked.q_says_period && current == Period::All;
    let other = !CHOICES.iter().any(|(period, _)| *period == current);
    html! {
        div.field {
            label for="period" { (reader.t("filter-period")) }
            select #period name="period" {
                @if in_search { option value="" selected { (reader.t("period-in-search")) } }
                @if other { option value=(current) selected { (period_text(reader, current)) } }
                @for (period, key) in CHOICES { option value=(period) selected[period == current && !in_search] { (reader.t(key)) } }
            }
        }
    }
}

/// Two dates, for a period that the list does not have.
fn days_choice(asked: &Asked) -> Markup {
    let reader = &asked.reader;
    html! {
        details.days {
            summary { (reader.t("filter-days")) }
            div.days-fields {
                label { (reader.t("filter-from")) " " input type="date" name="from"; }
                label { (reader.t("filter-until")) " " input type="date" name="until"; }
            }
        }
    }
}

fn period_text(reader: &Reader, period: Period) -> String {
    let between = |from: &str, until: &str| format!("{from} – {until}");
    match period {
        Period::Last { hours } if hours % 24 == 0 => reader.count("period-days", u64::from(hours / 24)),
        Period::Last { hours } => reader.count("period-hours", u64::from(hours)),
        Period::Days { first, last } => between(&first.to_string(), &last.to_string()),
        Period::Fixed { from, until } => between(&reader.datetime(from), &reader.datetime(until)),
        Period::All => reader.t("period-all"),
    }
}

/// Each condition with a way to take it away.
fn chips(asked: &Asked) -> Markup {
    let (reader, q) = (&asked.reader, &asked.q);
    let terms = filter_text::terms(q);
    html! {
        @if !terms.is_empty() {
            ul.chips aria-label=(reader.t("filter-active")) {
                @for term in &terms {
                    @let text = visible(&q[term.clone()]);
                    li {
                        a.chip href=(asked.with_filter(&filter_text::without(q, term))) title=(reader.tn("filter-remove", &[("term", Arg::Text(&text))])) {
                            code { (text) } span aria-hidden="true" { "×" }
                            span.hidden { (reader.t("filter-remove-short")) }
                        }
                    }
                }
                @if terms.len() > 1 { li { a.chip-all href=(asked.with_filter("")) { (reader.t("clear-filter")) } } }
            }
        }
    }
}

/// What the period means, and in which zone times are written.
fn scope_line(reader: &Reader, span: Option<Span>) -> Markup {
    html! {
        @if let Some(span) = span {
            p.scope-line #scope data-live-with { (reader.datetime(span.from)) " – " (reader.datetime(span.until)) " · " (fmt::zone(span.until, &reader.zone)) }
        }
    }
}

/// The filter with a caret under each mistake, what is wrong, and what to do.
fn problem_list(reader: &Reader, q: &str, problems: &[Problem]) -> Markup {
    html! {
        div.problems #q-problems role="alert" {
            p.problems-title { (reader.count("filter-problems", problems.len() as u64)) }
            ul {
                @for problem in problems {
                    li {
                        pre { (visible(q)) "\n" (carets(q, problem)) }
                        p { (problem.message) @if let Some(hint) = &problem.hint { " " strong { (reader.tn("problem-hint", &[("hint", Arg::Text(hint))])) } } }
                    }
                }
            }
        }
    }
}

/// Spaces up to the span, then one caret per character of it, at least one. Spans that do not fit the text are held in it.
fn carets(q: &str, problem: &Problem) -> String {
    let start = q.floor_char_boundary(problem.span.start);
    let end = q.floor_char_boundary(problem.span.end).max(start);
    let before = q[..start].chars().count();
    let length = q[start..end].chars().count().max(1);
    " ".repeat(before) + &"^".repeat(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carets_for(q: &str, span: std::ops::Range<usize>) -> String {
        carets(q, &Problem { span, message: String::new(), hint: None })
    }

    #[test]
    fn carets_count_characters_and_not_bytes() {
        assert_eq!(carets_for("é frm:x", 3..6), "  ^^^");
    }

    #[test]
    fn spans_outside_the_text_do_not_panic() {
        assert_eq!(carets_for("ab", 2..2), "  ^");
        assert_eq!(carets_for("ab", 9..99), "  ^");
        assert_eq!(carets_for("é", 1..1), "^");
        #[expect(clippy::reversed_empty_ranges)]
        let reversed = 2..1;
        assert_eq!(carets_for("abc", reversed), "  ^");
    }
}
