//! Every answer that may come, and what is asked next.

use super::*;

const NOW: i64 = 1_795_321_949;
const DAY: i64 = 86_400;
const FLOOR: i64 = i64::MIN;

/// A poll, and a clock that goes as the waits say.
struct World {
    poll: Poll,
    now: Now,
    troubles: Vec<String>,
}

fn answer(status: u16, body: impl Into<String>) -> Answer {
    Answer { status, body: body.into().into_bytes(), ..Answer::default() }
}

fn token_answer() -> Answer {
    answer(200, r#"{"token_type":"Bearer","access_token":"eyJ","expires_in":3599}"#)
}

fn rows(count: usize, next: Option<&str>) -> Answer {
    let row = |at| {
        format!(
            r#"{{"id":"{at}","recipientAddress":"a@b","receivedDateTime":"2026-11-22T04:00:00Z","status":"delivered"}}"#
        )
    };
    let rows: Vec<String> = (0..count).map(row).collect();
    let next = next.map_or(String::new(), |next| format!(r#","@odata.nextLink":"{next}""#));
    answer(200, format!(r#"{{"value":[{}]{next}}}"#, rows.join(",")))
}

fn link(token: &str) -> String {
    format!("https://graph.microsoft.com/v1.0/admin/exchange/tracing/messageTraces?$skiptoken={token}")
}

impl World {
    fn new(more: &str, durable: Option<i64>) -> World {
        let tenant: Tenant = format!("tenant=contoso.com client=c secret-file=/s {more}").parse().expect("a tenant");
        let now = Now { wall: NOW, steady: Duration::ZERO };
        World { poll: Poll::new(&tenant, durable, 1), now, troubles: Vec::new() }
    }

    /// With a token.
    fn known(more: &str) -> World {
        let mut world = World::new(more, None);
        assert_eq!(world.step(), Step::Token);
        assert!(world.poll.token_answered(world.now, Ok(token_answer())).is_none());
        world
    }

    /// The next step that is no wait.
    fn step(&mut self) -> Step {
        loop {
            match self.poll.step(self.now, FLOOR) {
                Step::Wait(until) => self.pass(until.checked_sub(self.now.steady).expect("no wait for the past")),
                step => return step,
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        assert!(time < Duration::from_secs(3600) && time > Duration::ZERO, "{time:?}");
        self.now.steady += time;
        self.now.wall += time.as_secs() as i64;
    }

    fn path(&mut self) -> String {
        match self.step() {
            Step::Page(path) => path,
            step => panic!("{step:?}"),
        }
    }

    /// Answers a page; how many rows it gave to be stored.
    fn answered(&mut self, answer: Result<Answer, Fault>) -> Option<usize> {
        match self.poll.page_answered(self.now, answer) {
            Got::Rows { rows, .. } => {
                self.poll.stored(self.now);
                Some(rows.len())
            }
            Got::Again => None,
            Got::Trouble(trouble) => {
                self.troubles.push(format!("{trouble}; {}", trouble.hint()));
                None
            }
        }
    }

    fn trouble(&self) -> &str {
        self.troubles.last().map_or("", String::as_str)
    }

    /// Reads until so much is durable, every page empty.
    fn read_until(&mut self, durable: i64) {
        for _ in 0..1000 {
            if self.poll.durable().is_some_and(|at| at >= durable) {
                return;
            }
            match self.step() {
                Step::Token => assert!(self.poll.token_answered(self.now, Ok(token_answer())).is_none()),
                Step::Page(_) => assert_eq!(self.answered(Ok(rows(0, None))), Some(0)),
                Step::Wait(_) => {}
            }
        }
        panic!("it does not go on: {:?} of {durable}; {:?}", self.poll.durable(), self.troubles);
    }
}

fn broken() -> Result<Answer, Fault> {
    Err(Fault::Broken { host: "graph".into(), why: "early end".into() })
}

#[test]
fn a_tenant_with_nothing_is_read_for_good_all_the_same() {
    let mut world = World::known("");
    world.read_until(NOW - 2 * DAY);
    world.read_until(NOW - DAY);
    assert!(world.now.wall >= NOW + DAY && world.troubles.is_empty());
}

#[test]
fn pages_are_followed_to_the_last_and_only_then_the_window_is_read() {
    let mut world = World::known("");
    let first = world.path();
    assert!(first.contains("$top=5000") && first.contains("receivedDateTime%20le%20"), "{first}");
    // The first is a glance; what counts is the sweep.
    world.answered(Ok(rows(0, None)));
    let first = world.path();
    assert_eq!(world.answered(Ok(rows(3, Some(&link("a"))))), Some(3));
    assert_eq!(world.path(), "/v1.0/admin/exchange/tracing/messageTraces?$skiptoken=a");
    // An empty page may have a next one.
    assert_eq!(world.answered(Ok(rows(0, Some(&link("b"))))), Some(0));
    let durable = world.poll.durable();
    assert!(world.path().ends_with("=b"));
    assert_eq!(world.answered(Ok(rows(2, None))), Some(2));
    assert!(world.poll.durable() > durable, "{durable:?}");
    assert_ne!(world.path(), first);
}

#[test]
fn rows_that_are_not_stored_leave_the_window_unread() {
    let mut world = World::known("");
    world.path();
    world.answered(Ok(rows(0, None)));
    world.path();
    let durable = world.poll.durable();
    assert!(matches!(world.poll.page_answered(world.now, Ok(rows(1, None))), Got::Rows { .. }));
    assert_eq!(world.poll.durable(), durable);
}

#[test]
fn a_page_that_fails_is_asked_for_again_ever_later_and_then_its_window() {
    let mut world = World::known("");
    world.path();
    world.answered(Ok(rows(0, None)));
    let first = world.path();
    world.answered(Ok(rows(1, Some(&link("a")))));
    let mut waited = Vec::new();
    for failure in 0..TRIES_MAX {
        assert!(world.path().ends_with("=a"));
        let before = world.now.steady;
        world.answered(match failure % 3 {
            0 => Ok(answer(500, r#"{"error":{"code":"InternalServerError","message":"oops"}}"#)),
            1 => broken(),
            _ => Ok(answer(200, r#"{"value":[{"id":"x"#)),
        });
        world.step();
        waited.push(world.now.steady - before);
    }
    assert!(waited.is_sorted_by(|a, b| *a <= *b * 2) && waited[0] >= Duration::from_millis(500), "{waited:?}");
    assert_eq!(world.path(), first, "the window begins again");
    assert!(world.troubles[0].contains("InternalServerError: oops") && world.troubles[2].contains("whole page"));
    world.answered(Ok(rows(1, None)));
    world.read_until(NOW - 2 * DAY);
}

#[test]
fn a_token_that_is_not_taken_is_renewed_once() {
    let mut world = World::known("");
    let first = world.path();
    let expired = || Ok(answer(401, r#"{"error":{"code":"InvalidAuthenticationToken","message":"expired"}}"#));
    assert_eq!(world.answered(expired()), None);
    assert!(world.troubles.is_empty());
    assert_eq!(world.step(), Step::Token);
    world.poll.token_answered(world.now, Ok(token_answer()));
    assert_eq!(world.path(), first, "the same page again");
    let before = world.now.steady;
    world.answered(expired());
    assert!(world.trouble().contains("does not take the token"), "{}", world.trouble());
    assert_eq!(world.step(), Step::Token);
    assert!(world.now.steady - before >= Duration::from_secs(300), "a person has to look");
    world.poll.token_answered(world.now, Ok(token_answer()));
    world.path();
    assert_eq!(world.answered(Ok(rows(1, None))), Some(1));
    // And once again when it has gone well.
    world.path();
    assert_eq!(world.answered(expired()), None);
    assert_eq!(world.troubles.len(), 1);
}

#[test]
fn a_token_is_renewed_before_it_ends() {
    let mut world = World::known("every=3000");
    world.read_until(NOW - 2 * DAY);
    let mut tokens = 0;
    for _ in 0..40 {
        match world.step() {
            Step::Token => {
                tokens += 1;
                world.poll.token_answered(world.now, Ok(token_answer()));
            }
            _ => assert!(world.answered(Ok(rows(0, None))).is_some()),
        }
    }
    assert!(tokens > 5, "{tokens}");
}

#[test]
fn a_tenant_in_which_the_trace_is_not_set_up_is_told_so_without_a_second_try() {
    let mut world = World::known("");
    world.path();
    let missing = "Service principal-less authentication failed: the service principal for App ID 8bd644d1-64a1-4d4b-ae52-2e0cbf64e373 was not found.";
    world.answered(Ok(answer(401, format!(r#"{{"error":{{"code":"Unauthorized","message":"{missing}"}}}}"#))));
    assert!(world.trouble().contains("New-MgServicePrincipal -AppId 8bd644d1"), "{}", world.trouble());
}

#[test]
fn a_missing_permission_is_told_and_a_new_token_is_asked_for_later() {
    let mut world = World::known("");
    world.path();
    world.answered(Ok(answer(
        403,
        r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}}"#,
    )));
    assert!(world.trouble().contains("ExchangeMessageTrace.Read.All"));
    // A permission that was granted since is only in a new one.
    assert_eq!(world.step(), Step::Token);
}

#[test]
fn a_wait_that_is_asked_for_is_waited_and_the_same_page_comes_again() {
    let mut world = World::known("");
    world.path();
    world.answered(Ok(rows(0, Some(&link("a")))));
    world.path();
    for status in [429, 503] {
        let before = world.now.steady;
        let busy = Answer { retry_after: Some(Duration::from_secs(77)), ..answer(status, "") };
        world.answered(Ok(busy));
        assert!(world.path().ends_with("=a"));
        assert!(world.now.steady - before >= Duration::from_secs(77));
    }
    assert!(world.trouble().contains("77 s"), "{}", world.trouble());
    let before = world.now.steady;
    world.answered(Ok(answer(429, "")));
    world.path();
    assert!(world.now.steady - before >= Duration::from_secs(30));
}

#[test]
fn an_endless_row_of_pages_is_left() {
    let mut world = World::known("");
    world.path();
    world.answered(Ok(rows(0, None)));
    let first = world.path();
    world.answered(Ok(rows(1, Some(&link("a")))));
    world.path();
    world.answered(Ok(rows(1, Some(&link("b")))));
    world.path();
    let durable = world.poll.durable();
    assert_eq!(world.answered(Ok(rows(1, Some(&link("a"))))), None);
    assert!(world.trouble().contains("circle"));
    assert_eq!(world.poll.durable(), durable, "nothing counts as read");
    // After some minutes, what is new comes first.
    assert_ne!(world.path(), first);
    world.answered(Ok(rows(0, None)));
    assert_eq!(world.step(), Step::Page(first), "its window is begun again");
    // One that leads to itself.
    assert_eq!(world.answered(Ok(rows(1, Some(&link("a"))))), Some(1));
    world.path();
    assert_eq!(world.answered(Ok(rows(1, Some(&link("a"))))), None);
}

#[test]
fn pages_that_are_new_each_time_end_too() {
    let mut world = World::known("requests=100000");
    world.path();
    let mut pages = 0;
    while world.troubles.is_empty() {
        world.answered(Ok(rows(0, Some(&link(&pages.to_string())))));
        world.path();
        pages += 1;
        assert!(pages <= PAGES_MAX + 1, "it does not end");
    }
    assert!(world.trouble().contains("circle"));
}

#[test]
fn a_token_is_not_sent_elsewhere() {
    for elsewhere in ["https://evil.example.org/x", "http://graph.microsoft.com/x", "//evil.example.org/x", "/v1.0/x"] {
        let mut world = World::known("");
        world.path();
        assert_eq!(world.answered(Ok(rows(1, Some(elsewhere)))), None);
        assert!(world.trouble().contains("is not at graph.microsoft.com"), "{}", world.trouble());
    }
    let mut world = World::known("");
    world.path();
    assert_eq!(world.answered(Ok(rows(1, Some(&link(&"x".repeat(LINK_BYTES_MAX)))))), None);
    let mut world = World::known("");
    world.path();
    world.answered(Ok(answer(302, "")));
    assert!(world.trouble().contains("refuses the request with 302"), "{}", world.trouble());
}

#[test]
fn a_link_that_is_too_old_begins_its_window_again() {
    for status in [400, 404, 410] {
        let mut world = World::known("");
        world.path();
        world.answered(Ok(rows(0, None)));
        let first = world.path();
        world.answered(Ok(rows(1, Some(&link("a")))));
        world.path();
        let before = world.now.steady;
        world.answered(Ok(answer(status, r#"{"error":{"code":"BadRequest","message":"skiptoken"}}"#)));
        assert_eq!(world.path(), first);
        assert!(world.now.steady - before < Duration::from_secs(60), "no person is needed");
    }
}

#[test]
fn trap_29_a_full_page_without_a_next_one_is_read_again_in_parts() {
    let mut world = World::known("page=10 history=2");
    let mut windows = Vec::new();
    world.read_until(NOW - 2 * DAY);
    for _ in 0..60 {
        windows.push(world.path());
        // The service cuts off at a page, and does not say so, until a window is short.
        let window = windows.last().map(|path| span(path)).expect("a path");
        world.answered(Ok(rows(if window > 4000 { 10 } else { 9 }, None)));
    }
    let last = span(windows.last().expect("some"));
    assert!(last <= 4000, "{last} s: {windows:?}");
    assert!(world.poll.news().is_empty());
}

/// The length of the window that a path asks for.
fn span(path: &str) -> i64 {
    let times: Vec<i64> = path
        .split("%20")
        .filter_map(|word| crate::civil::read(&word.split('&').next()?.replace("%3A", ":")))
        .map(|micros| micros / 1_000_000)
        .collect();
    times[1] - times[0]
}

#[test]
fn rows_that_are_cut_off_in_the_shortest_window_are_told() {
    let mut world = World::known("page=10");
    for _ in 0..200 {
        world.path();
        world.answered(Ok(rows(10, None)));
        let news = world.poll.news();
        if let Some(News::Truncated { window }) = news.first() {
            assert_eq!(window.end - window.start, 60);
            assert!(news[0].to_string().contains("some may be missing"));
            return;
        }
    }
    panic!("it was not told");
}

#[test]
fn a_window_of_too_many_rows_is_read_in_parts() {
    let mut world = World::known("requests=100000");
    world.path();
    world.answered(Ok(rows(0, None)));
    let long = span(&world.path());
    for page in 0..=(WINDOW_ROWS_MAX / 5000) {
        assert_eq!(world.answered(Ok(rows(5000, Some(&link(&page.to_string()))))), Some(5000));
        world.step();
    }
    let short = span(&world.path());
    assert_eq!(short, long / PARTS);
}

#[test]
fn pages_that_take_too_long_or_are_too_large_become_smaller() {
    let mut world = World::known("");
    let failures: [fn() -> Result<Answer, Fault>; 3] = [
        || Err(Fault::Late { host: "graph".into() }),
        || Err(Fault::TooLarge { host: "graph".into() }),
        || Ok(answer(504, "")),
    ];
    for (failure, top) in failures.into_iter().zip(["$top=2500", "$top=1250", "$top=625"]) {
        world.path();
        world.answered(failure());
        assert!(world.path().ends_with(top));
    }
    // And larger again when all is well.
    world.answered(Ok(rows(0, None)));
    assert!(world.path().ends_with("$top=1250"));
}

#[test]
fn no_token_is_told_with_what_to_do() {
    for (status, body, words) in [
        (
            401,
            r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: x"}"#,
            "not its id",
        ),
        (
            401,
            r#"{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys are expired."}"#,
            "make a new one",
        ),
        (
            400,
            r#"{"error":"unauthorized_client","error_description":"AADSTS700016: Application was not found"}"#,
            "`client` is the application's id",
        ),
        (
            400,
            r#"{"error":"invalid_request","error_description":"AADSTS90002: Tenant not found"}"#,
            "`tenant` is the tenant's id",
        ),
        (400, "<html>", "sign-in logs"),
        (200, "{}", "whole page"),
        (500, "", "service health"),
    ] {
        let mut world = World::new("", None);
        let trouble = world.poll.token_answered(world.now, Ok(answer(status, body))).expect("a trouble");
        let text = format!("{trouble}; {}", trouble.hint());
        assert!(text.contains(words), "{text}");
        let before = world.now.steady;
        assert_eq!(world.step(), Step::Token, "it is tried again");
        assert!(world.now.steady > before, "later");
    }
    let mut world = World::new("", None);
    let busy = Answer { retry_after: Some(Duration::from_secs(9)), ..answer(429, "") };
    assert!(matches!(world.poll.token_answered(world.now, Ok(busy)), Some(Trouble::Throttled { .. })));
    assert!(world.poll.token_answered(world.now, broken()).is_some());
    assert_eq!(world.step(), Step::Token);
}

#[test]
fn a_secret_that_is_missing_is_looked_for_again() {
    let mut world = World::new("", None);
    let error = crate::secret::Secret::read("/nonexistent/secret".as_ref()).expect_err("none");
    let trouble = world.poll.no_secret(world.now, error);
    assert!(trouble.to_string().contains("/nonexistent/secret"));
    assert_eq!(world.step(), Step::Token);
}

#[test]
fn times_are_those_of_microsofts_clock() {
    let mut world = World::new("history=1", None);
    // Ours is three days behind.
    let there = Answer { date: Some(NOW + 3 * DAY), ..token_answer() };
    world.poll.token_answered(world.now, Ok(there));
    let path = world.path();
    let expected = crate::civil::written(NOW + 3 * DAY - 60).replace(':', "%3A");
    assert!(path.contains(&expected), "{path}: {expected}");
    assert_eq!(world.poll.ahead_s(), 3 * DAY);
}

#[test]
fn rows_much_older_than_what_was_asked_for_are_left_out_and_counted() {
    let mut world = World::known("");
    world.path();
    let row = |id: &str, time: i64| format!(r#"{{"id":"{id}","receivedDateTime":"{}"}}"#, crate::civil::written(time));
    let glance = NOW - 60 - 3600;
    let body = [row("a", glance), row("b", glance - 1800), row("c", glance - 3601), row("d", NOW + 5)].join(",");
    match world.poll.page_answered(world.now, Ok(answer(200, format!(r#"{{"value":[{body}]}}"#)))) {
        Got::Rows { rows, unreadable } => assert_eq!((rows.len(), unreadable), (3, 1)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_more_requests_are_made_than_the_tenant_is_given() {
    let mut world = World::known("requests=7 page=10");
    let mut went = Vec::new();
    for page in 0..50 {
        world.path();
        went.push(world.now.steady);
        world.answered(Ok(rows(10, Some(&link(&page.to_string())))));
    }
    for pair in went.windows(8) {
        assert!(pair[7] - pair[0] >= Duration::from_secs(300), "{pair:?}");
    }
}
