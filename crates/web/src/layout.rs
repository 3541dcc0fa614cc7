//! The frame of every page: navigation, heading, choices of the reader, foot.

use maud::{DOCTYPE, Markup, html};
use vigie_i18n::{Arg, Lang, fmt};

use crate::address::Address;
use crate::asked::Asked;
use crate::assets;
use crate::backend::{CoverageSummary, SilentSource};
use crate::parts::foreign;
use crate::period::Period;
use crate::reader::{Reader, Theme};
use crate::words;

/// Silent sources named one by one; the others are counted.
const SILENT_NAMED_MAX: usize = 3;

/// An entry of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Overview,
    Tail,
    Search,
    Queues,
    Rejections,
    Servers,
    Sources,
    Coverage,
    Help,
}

struct Entry {
    place: Place,
    path: &'static str,
    key: &'static str,
    /// After `g` it goes there.
    letter: &'static str,
    /// Lines of an icon of 16 by 16.
    icon: &'static str,
}

const ENTRIES: [Entry; 9] = [
    Entry {
        place: Place::Overview,
        path: "/",
        key: "nav-overview",
        letter: "o",
        icon: "M2 13.5h12M4 13V8M8 13V3M12 13V6",
    },
    Entry { place: Place::Tail, path: "/tail", key: "nav-tail", letter: "t", icon: "M1.5 8h3l2-5 3 10 2-5h3" },
    Entry {
        place: Place::Search,
        path: "/search",
        key: "nav-search",
        letter: "s",
        icon: "M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 0 1 0-9M10.5 10.5l3.5 3.5",
    },
    Entry {
        place: Place::Queues,
        path: "/queues",
        key: "nav-queues",
        letter: "q",
        icon: "M8 2a6 6 0 1 1 0 12a6 6 0 0 1 0-12M8 4.5V8l2.5 2",
    },
    Entry {
        place: Place::Rejections,
        path: "/rejections",
        key: "nav-rejections",
        letter: "r",
        icon: "M8 2a6 6 0 1 1 0 12a6 6 0 0 1 0-12M4 12l8-8",
    },
    Entry {
        place: Place::Servers,
        path: "/servers",
        key: "nav-servers",
        letter: "v",
        icon: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1",
    },
    Entry {
        place: Place::Sources,
        path: "/sources",
        key: "nav-sources",
        letter: "l",
        icon: "M8 2v7M5 6.5l3 3 3-3M2 10.5v3h12v-3",
    },
    Entry {
        place: Place::Coverage,
        path: "/coverage",
        key: "nav-coverage",
        letter: "c",
        icon: "M2 4h12M2 8h4M9 8h5M2 12h9M13 12h1",
    },
    Entry {
        place: Place::Help,
        path: "/help",
        key: "nav-help",
        letter: "h",
        icon: "M8 2a6 6 0 1 1 0 12a6 6 0 0 1 0-12M6 6.5a2 2 0 1 1 2.5 1.9V9.5M8.5 11.6v.1",
    },
];

/// A page before it is framed.
pub struct Page {
    /// `None`: reached only by links.
    pub place: Option<Place>,
    /// Also the `h1`. May contain text of strangers.
    pub title: String,
    /// Beside the heading.
    pub actions: Markup,
    pub body: Markup,
    /// What its figures rest on. `None`: it has none, or says so itself.
    pub coverage: Option<CoverageSummary>,
}

impl Page {
    /// A page without figures.
    pub fn plain(place: Option<Place>, title: String, body: Markup) -> Page {
        Page { place, title, actions: html! {}, body, coverage: None }
    }
}

pub fn frame(asked: &Asked, page: Page) -> Markup {
    let reader = &asked.reader;
    html! {
        (DOCTYPE)
        html lang=(reader.lang.code()) data-theme=(reader.theme.word()) data-zone=(if reader.zone_told { "told" } else { "unknown" }) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (crate::parts::visible(&page.title)) " · Vigie" }
                link rel="icon" type="image/svg+xml" href=(assets::icon());
                link rel="stylesheet" href=(assets::css());
                script src=(assets::js()) data-live-script=(assets::live_js()) defer {}
            }
            body {
                a.skip href="#main" { (reader.t("skip")) }
                div.frame {
                    (side(asked, page.place))
                    main #main tabindex="-1" {
                        header.page-head {
                            h1 { (foreign(&page.title)) }
                            div.actions { (page.actions) (choices(asked)) }
                        }
                        div #notices data-live-notices { (notices(&asked.reader, &asked.silent)) }
                        (page.body)
                        @if let Some(coverage) = &page.coverage { (coverage_line(asked, coverage)) }
                        (foot(asked))
                    }
                }
                (keys_dialog(asked))
                div #said.hidden role="status" data-copied=(reader.t("copied")) {}
            }
        }
    }
}

fn side(asked: &Asked, place: Option<Place>) -> Markup {
    let reader = &asked.reader;
    html! {
        header.side {
            a.brand href=(asked.elsewhere("/")) { (logo()) span { "Vigie" } }
            nav aria-label=(reader.t("nav")) {
                ul {
                    @for entry in &ENTRIES {
                        li {
                            a href=(asked.elsewhere(entry.path)) data-go=(entry.letter) aria-current=[(Some(entry.place) == place).then_some("page")] {
                                svg.icon viewBox="0 0 16 16" aria-hidden="true" { path d=(entry.icon) {} }
                                span { (reader.t(entry.key)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A lighthouse lamp: the lookout.
fn logo() -> Markup {
    html! {
        svg.logo viewBox="0 0 24 24" aria-hidden="true" {
            path d="M9 10h6l1.5 11h-9zM8.5 10V6.5L12 4l3.5 2.5V10M6.5 21.2h11" {}
            path.beam d="M6.5 7.2 2 5.5M6.5 8.8 2 10.5M17.5 7.2 22 5.5M17.5 8.8l4.5 1.7" {}
        }
    }
}

fn choices(asked: &Asked) -> Markup {
    let reader = &asked.reader;
    let others = Lang::ALL.into_iter().filter(|lang| *lang != reader.lang);
    let next = match reader.theme {
        Theme::Auto => Theme::Dark,
        Theme::Dark => Theme::Light,
        Theme::Light => Theme::Auto,
    };
    html! {
        @let names = Theme::ALL.map(|theme| reader.t(words::theme(theme))).join("|");
        a.button href=(asked.here().with("theme", next.word())) data-theme-next data-names=(names) title=(reader.t("theme-change")) {
            (reader.t(words::theme(reader.theme)))
        }
        @for lang in others {
            a.button href=(asked.here().with("lang", lang.code())) hreflang=(lang.code()) lang=(lang.code()) { (lang.name()) }
        }
    }
}

/// What every page says: which sources should bring lines and do not.
pub fn notices(reader: &Reader, silent: &[SilentSource]) -> Markup {
    let since = |source: &SilentSource| {
        let (name, time) = (crate::parts::visible(&source.name), reader.datetime_s(source.since));
        let args = [("source", Arg::Text(&name)), ("time", Arg::Text(&time))];
        reader.tn("notice-silent", &args)
    };
    html! {
        @if !silent.is_empty() {
            p.warning role="alert" {
                @for source in silent.iter().take(SILENT_NAMED_MAX) { (since(source)) " " }
                @if silent.len() > SILENT_NAMED_MAX { (reader.count("notice-silent-more", (silent.len() - SILENT_NAMED_MAX) as u64)) " " }
                a href="/sources" { (reader.t("nav-sources")) }
            }
        }
    }
}

/// No figure without its coverage.
fn coverage_line(asked: &Asked, coverage: &CoverageSummary) -> Markup {
    let address = match coverage.span {
        Some(span) => Address::new("/coverage").period(Some(Period::fixed(span.from, span.until))),
        None => asked.elsewhere("/coverage"),
    };
    html! { p.coverage-line #coverage data-live-with { a href=(address) { (coverage_text(&asked.reader, coverage)) } } }
}

/// How much was read of the period, and how much of that was understood.
pub fn coverage_text(reader: &Reader, coverage: &CoverageSummary) -> String {
    let mut parts = vec![reader.count("count-lines", coverage.lines)];
    parts.extend(
        coverage
            .understood_share
            .map(|share| reader.tn("coverage-understood", &[("share", Arg::Text(&reader.pct_of_all(share)))])),
    );
    parts.push(reader.count("count-gaps", coverage.gaps));
    parts.extend(
        coverage.last_line.map(|at| reader.tn("coverage-last-line", &[("time", Arg::Text(&reader.datetime_s(at)))])),
    );
    parts.join(" · ")
}

fn foot(asked: &Asked) -> Markup {
    let reader = &asked.reader;
    let now = jiff::Timestamp::UNIX_EPOCH;
    let zone = fmt::zone_name(&reader.zone).map_or_else(|| fmt::zone(now, &reader.zone), str::to_owned);
    html! {
        footer.foot {
            (reader.tn("foot-zone", &[("zone", Arg::Text(&zone))]))
            " · " a href="/help#counting" { (reader.t("foot-counting")) }
            span.js-only { " · " kbd { "?" } " " (reader.t("foot-keys")) }
        }
    }
}

/// Shown by the key `?`; the same list stands on the help page.
fn keys_dialog(asked: &Asked) -> Markup {
    let reader = &asked.reader;
    html! {
        dialog #keys aria-labelledby="keys-title" {
            h2 #keys-title { (reader.t("keys-title")) }
            (keys_list(asked))
            form method="dialog" { button.button { (reader.t("close")) } }
        }
    }
}

pub fn keys_list(asked: &Asked) -> Markup {
    let reader = &asked.reader;
    html! {
        dl.keys {
            div { dt { kbd { "/" } } dd { (reader.t("keys-search")) } }
            @for entry in &ENTRIES { div { dt { kbd { "g" } " " kbd { (entry.letter) } } dd { (reader.t(entry.key)) } } }
            div { dt { kbd { "←" } " " kbd { "→" } } dd { (reader.t("keys-chart")) } }
            div { dt { kbd { "?" } } dd { (reader.t("keys-this")) } }
        }
    }
}
