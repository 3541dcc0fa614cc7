//! The pages as a browser gets them: over HTTP, from the sample backend, in both languages.

#[path = "../examples/sample/backend.rs"]
mod sample;

use std::sync::Arc;

use sample::Sample;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vigie_i18n::Lang;

const PAGES: [&str; 17] = [
    "/",
    "/tail",
    "/tail?q=subject:nothing",
    "/queues",
    "/sources",
    "/search",
    "/search?after=50",
    "/message/x",
    "/message/waiting",
    "/message/many",
    "/coverage",
    "/servers",
    "/rejections",
    "/top/senders",
    "/top/reject-reasons",
    "/help",
    "/?q=subject:nothing",
];
const ERRORS: [(&str, u16); 8] = [
    ("/search?q=frm:bob", 400),
    ("/search?perod=7d", 400),
    ("/search?period=yesterday", 400),
    ("/search?after=zzz", 400),
    ("/message/none", 404),
    ("/top/nothing", 404),
    ("/?q=subject:away", 503),
    ("/?q=subject:broken", 500),
];

struct Site {
    address: String,
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Site {
    async fn start(backend: Sample) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        tokio::spawn(async move { axum::serve(listener, vigie_web::router(Arc::new(backend))).await });
        Site { address }
    }

    async fn get(&self, path: &str) -> Reply {
        self.get_with(path, &format!("Host: {}\r\n", self.address)).await
    }

    /// HTTP/1.0, so that no body is chunked.
    async fn get_with(&self, path: &str, headers: &str) -> Reply {
        let mut stream = TcpStream::connect(&self.address).await.expect("listening");
        stream.write_all(format!("GET {path} HTTP/1.0\r\n{headers}\r\n").as_bytes()).await.expect("sent");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("answered");
        let text = String::from_utf8(bytes).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Reply { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }
}

fn in_language(path: &str, lang: Lang) -> String {
    format!("{path}{}lang={}", if path.contains('?') { '&' } else { '?' }, lang.code())
}

/// The values of `href`, as a browser reads them.
fn hrefs(body: &str) -> Vec<String> {
    body.split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(|href| href.replace("&amp;", "&"))
        .collect()
}

/// What a reader sees, roughly: the text between tags.
fn visible_text(body: &str) -> String {
    body.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn every_page_is_whole_in_both_languages() {
    let site = Site::start(Sample::default()).await;
    for lang in Lang::ALL {
        for (path, status) in PAGES.map(|path| (path, 200)).into_iter().chain(ERRORS) {
            let reply = site.get(&in_language(path, lang)).await;
            assert_eq!(reply.status, status, "{path}");
            assert!(reply.body.contains(&format!("<html lang=\"{}\"", lang.code())), "{path}");
            assert_eq!(reply.body.matches("<h1>").count(), 1, "{path}");
            assert_eq!(reply.body.matches("<main").count(), 1, "{path}");
            assert!(reply.body.ends_with("</html>"), "{path}");
            let text = visible_text(&reply.body);
            let raw = text.split_whitespace().find(|word| word.contains('-') && vigie_i18n::has(lang, word));
            assert_eq!(raw, None, "{path} shows a key");
        }
    }
}

#[tokio::test]
async fn nothing_on_a_page_breaks_its_own_security_policy() {
    let site = Site::start(Sample::default()).await;
    for path in PAGES.into_iter().chain(ERRORS.map(|(path, _)| path)).chain(["/static/nothing", "/nowhere"]) {
        let reply = site.get(path).await;
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
        ] {
            assert!(reply.head.contains(header), "{path}: {header}");
        }
        for forbidden in [" style=\"", "<style", "javascript:", " onclick=", "<script>", "src=\"http"] {
            assert!(!reply.body.contains(forbidden), "{path}: {forbidden}");
        }
    }
}

#[tokio::test]
async fn every_page_with_figures_states_its_coverage_and_every_page_who_is_silent() {
    let site = Site::start(Sample { is_silent: true, ..Sample::default() }).await;
    for path in PAGES {
        let body = site.get(path).await.body;
        // These are about nothing else, or about nothing.
        let is_about_it = ["/coverage", "/sources", "/help"].contains(&path);
        let stated = body.contains("class=\"coverage-line\"") && body.contains("1,284,112 lines");
        assert_eq!(stated, !is_about_it, "{path}");
        assert!(body.contains("relay.mtl:udp 0.0.0.0:514 has been silent since"), "{path}");
        assert!(body.contains("2 more sources are silent, too."), "{path}");
    }
}

#[tokio::test]
async fn a_page_that_follows_hears_of_changes_and_of_silence() {
    let beats = || Box::pin(futures::stream::iter([7u64, 8])) as vigie_web::backend::Beats;
    let site = Site::start(Sample { is_silent: true, beats: Some(beats), ..Sample::default() }).await;
    let reply = site.get("/live").await;
    assert!(reply.head.contains("content-type: text/event-stream"), "{}", reply.head);
    assert!(!reply.head.contains("content-encoding"), "{}", reply.head);
    let events: Vec<&str> =
        reply.body.lines().filter(|line| line.starts_with("event:") || line.starts_with("data: ")).collect();
    assert_eq!(events.iter().filter(|line| **line == "event: commit").count(), 2);
    assert_eq!(events.iter().filter(|line| **line == "event: notices").count(), 1, "said once, as it did not change");
    assert!(reply.body.contains("data: 7\n") && reply.body.contains("data: 8\n"), "{}", reply.body);
    assert!(reply.body.contains("relay.mtl:udp 0.0.0.0:514 has been silent since"), "{}", reply.body);
}

#[tokio::test]
async fn what_strangers_wrote_stays_text() {
    let site = Site::start(Sample::default()).await;
    for path in PAGES.into_iter().chain([
        "/search?q=%22%3E%3Cscript%3Ealert('x')%3C/script%3E",
        "/search?period=%3Cscript%3Ealert('x')",
        "/%3Cscript%3Ealert('x')",
    ]) {
        let body = site.get(path).await.body;
        assert!(
            !body.contains("<script>alert") && !body.contains("\" onmouseover=\"x") && !body.contains('\u{202e}'),
            "{path}"
        );
    }
    assert!(site.get("/message/x").await.body.contains("&lt;script&gt;alert('x')&lt;/script&gt;&quot; onmouseover"));
}

#[tokio::test]
async fn every_figure_leads_to_a_list_with_the_same_filter_and_period() {
    let site = Site::start(Sample::default()).await;
    let body = site.get("/?q=client:192.0.2.1&period=7d").await.body;
    let lists: Vec<_> = hrefs(&body)
        .into_iter()
        .filter(|href| href.starts_with("/search") || href.starts_with("/rejections"))
        .collect();
    assert!(lists.len() > 400, "{}", lists.len());
    for href in lists {
        assert!(href.contains("q=client:192.0.2.1"), "{href}");
        assert!(href.contains("period=7d") || href.contains("period=2026-"), "{href}");
    }
}

#[tokio::test]
async fn no_link_of_a_page_is_dead() {
    let site = Site::start(Sample::default()).await;
    let mut seen = std::collections::BTreeSet::new();
    for page in PAGES {
        // One of each kind: hundreds of links differ only by filter.
        let mut kinds = std::collections::BTreeSet::new();
        for href in hrefs(&site.get(page).await.body) {
            let kind = href.split('?').next().unwrap_or_default().to_owned();
            if href.starts_with('/') && kinds.insert(kind) && seen.insert(href.clone()) {
                let status = site.get(href.split('#').next().unwrap_or_default()).await.status;
                assert_eq!(status, 200, "{href} on {page}");
            }
        }
    }
    assert!(seen.len() > 10);
}

#[tokio::test]
async fn filters_made_by_the_pages_are_filters() {
    let site = Site::start(Sample::default()).await;
    let context = vigie_query::Context { now: jiff::Timestamp::UNIX_EPOCH, zone: jiff::tz::TimeZone::UTC };
    let body = site.get("/?q=from:a+or+from:b").await.body;
    let mut seen = 0;
    for href in hrefs(&body) {
        let query = href.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if name == "q" && !value.contains("alert") {
                assert!(vigie_query::parse(&value, &context).is_ok(), "{value}");
                seen += 1;
            }
        }
    }
    assert!(seen > 100);
}

#[tokio::test]
async fn walking_the_pages_shows_each_row_once() {
    let site = Site::start(Sample::default()).await;
    let (mut path, mut rows) = ("/search?q=from:a".to_owned(), 0);
    loop {
        let body = site.get(&path).await.body;
        rows += body.matches("class=\"row-link\"").count();
        let Some(next) = body.split("rel=\"next\" href=\"").nth(1) else { break };
        path = next.split('"').next().unwrap_or_default().replace("&amp;", "&");
        assert!(path.contains("q=from:a"), "{path}");
    }
    assert_eq!(rows, 137);
}

#[tokio::test]
async fn csv_has_all_rows_and_no_formula() {
    let site = Site::start(Sample::default()).await;
    let reply = site.get("/search.csv?q=from:a").await;
    assert!(reply.head.contains("content-type: text/csv") && reply.head.contains("attachment"));
    assert!(reply.body.starts_with("\u{feff}time,sender,"));
    assert_eq!(reply.body.matches("\r\n").count(), 138);
    assert_eq!(site.get("/search.csv?q=frm:a").await.status, 400);
}

#[tokio::test]
async fn mistakes_of_a_filter_are_shown_with_carets_and_the_text_is_kept() {
    let site = Site::start(Sample::default()).await;
    let body = site.get("/search?q=frm:bob+status:deliverd&lang=en").await.body;
    assert!(body.contains("value=\"frm:bob status:deliverd\""));
    assert!(body.contains("\n^^^<") && body.contains("\n               ^^^^^^^^<"), "{body}");
    assert!(body.contains("2 things in this search"));
}

#[tokio::test]
async fn empty_store_explains_how_to_begin() {
    let site = Site::start(Sample { empty: true, ..Sample::default() }).await;
    for path in ["/", "/search", "/coverage", "/rejections"] {
        let reply = site.get(&in_language(path, Lang::En)).await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.body.contains("No logs read yet") && reply.body.contains("vigie import"), "{path}");
    }
}

#[tokio::test]
async fn nothing_found_offers_a_way_back() {
    let site = Site::start(Sample::default()).await;
    let body = site.get("/search?q=subject:nothing&period=7d&lang=en").await.body;
    assert!(body.contains("Nothing matches"));
    let hrefs = hrefs(&body);
    assert!(
        hrefs.contains(&"/search?period=7d".to_owned())
            && hrefs.contains(&"/search?q=subject:nothing&period=all".to_owned())
    );
}

#[tokio::test]
async fn a_foreign_host_name_gets_no_data() {
    let site = Site::start(Sample::default()).await;
    for headers in ["Host: evil.example\r\n", "Host: localhost.evil.example:80\r\n", ""] {
        let reply = site.get_with("/", headers).await;
        assert_eq!(reply.status, 421, "{headers}");
        assert!(!reply.body.contains("example.org"));
    }
    assert_eq!(site.get_with("/", "Host: localhost:1234\r\n").await.status, 200);
}

#[tokio::test]
async fn choices_are_remembered_by_cookies() {
    let site = Site::start(Sample::default()).await;
    let reply = site.get("/search?lang=fr&theme=dark").await;
    assert!(
        reply.head.contains("set-cookie: lang=fr; path=/") && reply.head.contains("set-cookie: theme=dark; path=/")
    );
    let headers = format!(
        "Host: {}\r\nCookie: lang=fr; theme=dark; zone=Europe%2FParis\r\nAccept-Language: en\r\n",
        site.address
    );
    let body = site.get_with("/search", &headers).await.body;
    assert!(
        body.contains("<html lang=\"fr\" data-theme=\"dark\" data-zone=\"told\">") && body.contains("Europe/Paris")
    );
    // 2026-11-22T03:49:12Z in winter.
    assert!(body.contains("22/11/2026 04:49:12"));
}

#[tokio::test]
async fn style_and_script_are_kept_for_a_year_under_their_hash() {
    let site = Site::start(Sample::default()).await;
    let body = site.get("/").await.body;
    for name in ["app-", "icon-"] {
        let begin = body.find(&format!("/static/{name}")).expect("linked");
        let path = body[begin..].split('"').next().expect("quoted");
        let reply = site.get(path).await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.head.contains("immutable"), "{path}");
    }
    assert_eq!(site.get("/static/app-0000000000000000.css").await.status, 404);
}
