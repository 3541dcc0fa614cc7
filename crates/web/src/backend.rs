//! What the pages ask for, and the answers they draw: the only door between `web` and the rest.
//!
//! The engine implements [`Backend`]; a page never sees a table, a query plan or a clock. Answers hold figures and
//! filter texts, never finished sentences or formatted numbers: language, zone and layout are decided by the pages.
//!
//! Two rules hold for every answer:
//!
//! - *Every number opens.* A figure comes with the filter text that finds what it counts, and with [`Counted`], which
//!   says which total of the page behind the link must equal the figure.
//! - *No data is not zero.* `None` in a series means that no log was read for that bucket; it is drawn as a gap.

mod live;

use std::ops::Range;
use std::pin::Pin;

use jiff::{Timestamp, tz::TimeZone};
use vigie_i18n::Lang;

pub use self::live::{
    Beats, CollectorRow, QUEUE_AGES_S, QueueGroup, QueueServer, Queues, SilentSource, SourceRow, SourceState, Sources,
};
pub use crate::period::Period;

/// A boxed answer: the trait stays usable as `dyn Backend` without a macro crate.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// Everything the pages need from the engine.
pub trait Backend: Send + Sync + 'static {
    /// The figures of the first page.
    fn overview<'a>(&'a self, scope: &'a Scope) -> Answer<'a, Overview>;

    /// One page of messages that match.
    fn search<'a>(&'a self, scope: &'a Scope, page: &'a PageRequest) -> Answer<'a, SearchPage>;

    /// One message with its whole journey; `None` when no message has this id.
    fn message<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Message>>;

    /// What was read and what was not, per source.
    fn coverage<'a>(&'a self, scope: &'a Scope) -> Answer<'a, Coverage>;

    /// The server table: what each server did for all messages of the period, whatever the filter says.
    fn servers<'a>(&'a self, scope: &'a Scope) -> Answer<'a, ServerTable>;

    /// Refusals before the queue: by reason, and one page of them.
    fn rejections<'a>(&'a self, scope: &'a Scope, page: &'a PageRequest) -> Answer<'a, RejectionPage>;

    /// What waits in queues now. The period of the scope says nothing here.
    fn queues<'a>(&'a self, scope: &'a Scope) -> Answer<'a, Queues>;

    /// Where lines come from, and how each source is.
    fn sources<'a>(&'a self, scope: &'a Scope) -> Answer<'a, Sources>;

    /// Tells when to look again. Without its own implementation nothing ever changes.
    fn beats(&self) -> Beats {
        Box::pin(futures::stream::pending())
    }

    /// Sources that should bring lines and do not, as of the last look: every page says so.
    fn silent(&self) -> Vec<SilentSource> {
        Vec::new()
    }

    /// The period of a page whose address names none. A server that looks at old logs answers [`Period::All`], because
    /// its last 24 hours are empty.
    fn default_period(&self) -> Period {
        Period::Last { hours: 24 }
    }

    /// The time of the server: what relative words in a filter are measured from.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// The long form of a ranking, for "See all". Without its own implementation it shows what the overview has.
    fn ranking<'a>(&'a self, scope: &'a Scope, by: Dimension) -> Answer<'a, Ranking> {
        Box::pin(async move {
            let overview = self.overview(scope).await?;
            Ok(overview.rankings.into_iter().find(|ranking| ranking.by == by).unwrap_or_else(|| Ranking::empty(by)))
        })
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// What is asked

/// What a page is about: the filter, the period, and how the reader wants to see it.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The filter as typed; empty means everything. Errors come back as [`Failure::Filter`].
    pub q: String,
    /// Mail must be in this period *and* in the one that the filter says. When the filter says one (`on:yesterday`), the
    /// pages give [`Period::All`] here, or the exact part of it that a link asked for.
    pub period: Period,
    /// Where days begin, and what relative dates in the filter mean.
    pub zone: TimeZone,
    /// The language of texts that the backend writes (messages and hints of [`Problem`]).
    pub lang: Lang,
}

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    pub sort: Sort,
    /// The cursor that the page before gave; opaque to the pages. A cursor that is not valid any more is
    /// [`Failure::Cursor`], never the first page.
    pub after: Option<String>,
    /// At most [`PAGE_ROWS_MAX`].
    pub limit: u32,
}

/// Rows of a list on a page.
pub const PAGE_ROWS: u32 = 50;
/// Rows that one call may ask for: the CSV download walks the list in steps of this size.
pub const PAGE_ROWS_MAX: u32 = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Newest,
    Oldest,
    /// Longest delivery time first; what is not delivered comes last.
    Slowest,
    Largest,
}

// ---------------------------------------------------------------------------------------------------------------------
// What can go wrong

/// Why there is no answer. Texts are in the language of the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The filter text cannot be understood: all its problems, first to last. Shown under the box with carets.
    Filter(Vec<Problem>),
    /// The cursor in the address is not, or no longer, a place in this list.
    Cursor,
    /// The store cannot answer now; `what` says what failed, `hint` what to do. HTTP 503.
    Unavailable { what: String, hint: String },
    /// A defect of ours. `reference` is in the log beside the details. HTTP 500.
    Internal { what: String, reference: String },
}

/// One mistake in a filter text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of `Scope::q`; may be empty at the end of the text.
    pub span: Range<usize>,
    pub message: String,
    /// The next step: "did you mean `from`?"
    pub hint: Option<String>,
}

// ---------------------------------------------------------------------------------------------------------------------
// Words that several answers share

/// `[from, until)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: Timestamp,
    pub until: Timestamp,
}

/// What a figure counts, therefore which total of which page equals it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Counted {
    #[default]
    Messages,
    Deliveries,
    /// Links go to `/rejections` instead of `/search`.
    Rejections,
}

/// How it ended for a recipient, or where it stands: the outcomes of the model that a message can have, and the
/// refusals before the queue. The words of the filter field `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// In a mailbox, or accepted by a server that we do not read.
    Delivered,
    /// Replaced by other addresses: alias, list, redirect.
    Forwarded,
    /// Still in a queue.
    Deferred,
    /// Still in a queue, and nobody tries until it is released.
    Held,
    Bounced,
    /// Given up after the queue's lifetime.
    Expired,
    /// Quarantined or dropped by a content filter.
    Filtered,
    /// Accepted, then dropped by a rule of the server or of the mailbox.
    Discarded,
    /// Removed from the queue by hand.
    Deleted,
    /// Refused before the queue.
    Rejected,
}

/// What a ranking is by, and the last part of the address of its page: `/top/senders`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    Sender,
    RecipientDomain,
    RejectReason,
}

// ---------------------------------------------------------------------------------------------------------------------
// Overview

#[derive(Debug, Clone)]
pub struct Overview {
    /// What the period means now. With [`Period::All`]: the extent of the store.
    pub span: Span,
    /// First and last fact of the store, whatever the filter. `None`: nothing was ever read (the page then explains how
    /// to add a source, and shows nothing else).
    pub stored: Option<Span>,
    /// When these figures were true: the "updated" time of the page.
    pub updated: Timestamp,
    pub tiles: Vec<Tile>,
    pub series: TimeSeries,
    pub flows: FlowMap,
    /// In the order of the page.
    pub rankings: Vec<Ranking>,
    pub coverage: CoverageSummary,
}

/// One figure at the top of the page.
#[derive(Debug, Clone)]
pub struct Tile {
    pub measure: Measure,
    /// In the unit of the measure; `None` when there is nothing to measure (no delivery, so no median).
    pub value: Option<f64>,
    /// The same measure in the period of the same length just before; `None` when that was not read in full.
    pub previous: Option<f64>,
    /// One value per bucket of `Overview::series`.
    pub spark: Vec<Option<f64>>,
    /// Finds what the figure counts (for a share: its numerator).
    pub filter: String,
    pub counted: Counted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Count.
    Messages,
    /// Count of final outcomes, whatever they are.
    Deliveries,
    /// 0 to 1.
    DeliveredShare,
    /// Count.
    Deferred,
    /// Count.
    Rejected,
    /// Milliseconds.
    DeliveryMedian,
    /// Bytes.
    Volume,
}

/// Counts per bucket, stacked. At most five series.
#[derive(Debug, Clone, Default)]
pub struct TimeSeries {
    /// Begin of each bucket, ascending. The last one ends at `until`.
    pub buckets: Vec<Timestamp>,
    pub until: Timestamp,
    pub series: Vec<Series>,
}

#[derive(Debug, Clone)]
pub struct Series {
    pub status: Status,
    /// As many as buckets. `None`: no log was read for that time.
    pub values: Vec<Option<u64>>,
    /// Finds the whole series in the period of the page; with the bucket as period it finds one bucket.
    pub filter: String,
    pub counted: Counted,
}

/// Columns of the flow map.
pub const FLOW_COLUMNS: usize = 4;

/// Where the mail goes: counts per path through the columns origin, first server, last server, destination.
///
/// Give all nodes, or the largest eight of a column and one for all the others: the page folds the small ones into
/// "Other (n)" and builds the filter of that link from the terms of the nodes that stay. A column with no node is left out
/// of the picture.
#[derive(Debug, Clone, Default)]
pub struct FlowMap {
    /// What the whole picture counts: the filter of the page, and what the backend adds to it. Links begin with it.
    pub filter: String,
    pub columns: [Vec<FlowNode>; FLOW_COLUMNS],
    pub flows: Vec<Flow>,
    pub counted: Counted,
}

#[derive(Debug, Clone)]
pub struct FlowNode {
    pub label: NodeLabel,
    /// A filter for what passes this node, without the filter of the page: `server:mx1`, `to:@gmail.com`.
    pub term: String,
    /// Small nodes that this one stands for, always folded; 0 for a node of its own.
    pub bundled: u64,
}

impl FlowNode {
    /// A node of its own.
    pub fn one(label: NodeLabel, term: String) -> Self {
        FlowNode { label, term, bundled: 0 }
    }

    /// So many small nodes as one; `term` finds them among others.
    pub fn bundle(nodes: u64, term: String) -> Self {
        FlowNode { label: NodeLabel::Unknown, term, bundled: nodes }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeLabel {
    /// A name from the logs: server, domain.
    Name(String),
    /// Origins that have a word of their own.
    Internet,
    LocalProcess,
    AuthenticatedUser,
    InternalServer,
    /// Destination of what did not arrive, or of final deliveries on our own servers.
    Status(Status),
    /// No value in the log.
    Unknown,
}

#[derive(Debug, Clone)]
pub struct Flow {
    /// Index into each column; `None` skips the column (mail refused at the first server has no last server). At least
    /// two stops, else the flow is not drawn.
    pub stops: [Option<u32>; FLOW_COLUMNS],
    pub count: u64,
    /// The colour of the band.
    pub status: Status,
}

/// The top values of a dimension.
#[derive(Debug, Clone)]
pub struct Ranking {
    pub by: Dimension,
    pub rows: Vec<RankRow>,
    /// How many different values there are.
    pub groups: u64,
    pub counted: Counted,
    /// On a page of its own; a card of the overview stands under the coverage of that page.
    pub coverage: Option<CoverageSummary>,
}

#[derive(Debug, Clone)]
pub struct RankRow {
    /// Empty for the empty envelope sender: the page writes `<>`.
    pub label: String,
    pub count: u64,
    /// 0 to 1; `None` where it says nothing (reject reasons).
    pub failed_share: Option<f64>,
    pub spark: Vec<Option<f64>>,
    pub filter: String,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct CoverageSummary {
    pub lines: u64,
    /// Understood or known-and-ignored, of `lines`; 0 to 1. `None` without lines.
    pub understood_share: Option<f64>,
    pub gaps: u64,
    /// Newest line of any source.
    pub last_line: Option<Timestamp>,
    /// The time that this is about, where that is not the period of the page.
    pub span: Option<Span>,
}

// ---------------------------------------------------------------------------------------------------------------------
// Search

#[derive(Debug, Clone)]
pub struct SearchPage {
    pub span: Span,
    pub stored: Option<Span>,
    pub coverage: CoverageSummary,
    pub totals: Totals,
    /// What a row is, and therefore what "1–50 of n" counts.
    pub listed: Counted,
    /// Position of the first row in the list, from 1.
    pub first: u64,
    pub rows: Vec<SearchRow>,
    /// Cursor of the next page; `None` on the last one.
    pub next: Option<String>,
}

/// How much matches. Each number is the one that links elsewhere promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    pub messages: u64,
    pub deliveries: u64,
    pub rejections: u64,
}

/// What kind of message: bounces and probes are never mixed in silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Class {
    #[default]
    Mail,
    Bounce,
    Probe,
}

#[derive(Debug, Clone)]
pub struct SearchRow {
    pub class: Class,
    /// Opaque; the address of the message is `/message/{id}`.
    pub id: String,
    /// Arrival at the first hop.
    pub time: Timestamp,
    /// Empty: the empty envelope sender `<>`.
    pub sender: String,
    /// The first matching recipient.
    pub recipient: String,
    /// Further matching recipients that this row stands for.
    pub recipients_more: u64,
    pub subject: Option<String>,
    /// Of the recipients in this row, the one that most needs a look.
    pub status: Status,
    /// The last server that had it.
    pub server: String,
    pub delivery_ms: Option<u64>,
    pub bytes: Option<u64>,
}

// ---------------------------------------------------------------------------------------------------------------------
// Servers

/// *Global activity = received from servers + received from local + local routing + sent to servers*, in messages.
#[derive(Debug, Clone)]
pub struct ServerTable {
    pub span: Span,
    /// What is stored at all; `None` for an empty store.
    pub stored: Option<Span>,
    pub coverage: CoverageSummary,
    pub rows: Vec<ServerRow>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerRow {
    pub server: String,
    pub global: u64,
    pub received_from_servers: u64,
    pub received_from_local: u64,
    pub local_routing: u64,
    pub sent_to_servers: u64,
    /// Finds the messages that went over this server.
    pub filter: String,
}

// ---------------------------------------------------------------------------------------------------------------------
// Message

#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    pub sender: String,
    pub subject: Option<String>,
    /// The Message-ID header, without angle brackets.
    pub message_id: Option<String>,
    pub bytes: Option<u64>,
    pub first_arrival: Timestamp,
    /// When these facts were true (mail in a queue changes).
    pub as_of: Timestamp,
    /// Of the hours that it took.
    pub coverage: CoverageSummary,
    pub recipients: Vec<Recipient>,
    /// Recipients that are not in `recipients`, because there are too many for a page.
    pub recipients_more: u64,
    /// What is inside; `None`: nobody looked.
    pub content: Option<Content>,
    /// By time of arrival.
    pub hops: Vec<Hop>,
    /// By time.
    pub lines: Vec<LogLine>,
    pub lines_more: u64,
}

#[derive(Debug, Clone)]
pub struct Recipient {
    pub address: String,
    /// What the sender wrote, when an alias changed it.
    pub original: Option<String>,
    pub status: Status,
    /// Enhanced status code: `5.1.1`.
    pub dsn: Option<String>,
    /// What the last server said.
    pub reply: Option<String>,
    /// Our last server that had it.
    pub server: Option<String>,
    /// Whom that server gave it to: another organisation's server, the mail store, a local agent.
    pub relay: Option<String>,
    /// When the outcome was known.
    pub time: Option<Timestamp>,
    /// End of its last hop minus arrival at the first one.
    pub delivery_ms: Option<u64>,
    pub attempts: u32,
}

/// What is inside a message, told from its headers and its structure.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Address in the header `From`.
    pub header_from: String,
    pub media_type: String,
    pub is_list: bool,
    pub is_automatic: bool,
    /// `s/mime`, `pgp`, or empty.
    pub signed: String,
    pub encrypted: String,
    pub has_dkim: bool,
    /// There may be more attachments than were looked at.
    pub is_cut: bool,
    pub attachments: Vec<Attachment>,
}

#[derive(Debug, Clone, Default)]
pub struct Attachment {
    pub name: String,
    /// Media type as declared.
    pub declared: String,
    /// Media type by its first bytes; empty where these say nothing.
    pub sniffed: String,
    /// Unpacked.
    pub bytes: u64,
}

/// One message at one server.
#[derive(Debug, Clone)]
pub struct Hop {
    pub server: String,
    /// `None`: the server gave it no id of its own (a session of a mail store).
    pub queue_id: Option<String>,
    pub time_in: Timestamp,
    /// `None`: still there, or its end was not logged.
    pub time_out: Option<Timestamp>,
    pub role: HopRole,
    /// Who gave it to this server: client name and address, user or process.
    pub client: Option<String>,
    /// Index of the hop it came from; `None` for the first, and when that is not known.
    pub previous: Option<usize>,
    pub link: HopLink,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HopRole {
    /// A user or a local process handed it in.
    Submission,
    /// It came from outside.
    Arrival,
    /// From one server of ours to another.
    Relay,
    /// Back from a content filter on the same server.
    FilterReturn,
    /// Taken again by the same server: an alias, a list, or a filter that says no more.
    Again,
    /// Sent on to another address by the rules of a mailbox.
    Redirect,
    /// A mail store put it into mailboxes.
    Store,
    /// A bounce or another notice about it, made here.
    Notice,
}

/// How it is known that this hop continues another, best evidence first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HopLink {
    /// It is where the message begins.
    Origin,
    /// The server names the earlier queue id (XFORWARD, requeue).
    PreviousId,
    /// The filter logs both ids.
    FilterLog,
    /// The previous server logged the reply that names this queue id.
    Reply,
    /// The store's redirect names the new address; Message-ID and time agree.
    Redirect,
    /// The servers of one organisation gave all copies the same name.
    NetworkId,
    /// A guess: same Message-ID and recipient at nearly the same time.
    MessageId,
}

#[derive(Debug, Clone)]
pub struct LogLine {
    pub server: String,
    /// File or journal it stands in.
    pub source: String,
    /// As logged; `None` when the line has no time of its own.
    pub time: Option<Timestamp>,
    /// The line, byte for byte, as far as it is text.
    pub text: String,
    /// Index into `Message::hops`.
    pub hop: Option<usize>,
}

// ---------------------------------------------------------------------------------------------------------------------
// Coverage

#[derive(Debug, Clone)]
pub struct Coverage {
    pub span: Span,
    pub stored: Option<Span>,
    pub sources: Vec<SourceCoverage>,
    /// Servers that are not in the list.
    pub servers_more: u64,
    /// Most frequent first.
    pub unknown_shapes: Vec<UnknownShape>,
    /// Shapes that are not in the list.
    pub unknown_shapes_more: u64,
}

#[derive(Debug, Clone)]
pub struct SourceCoverage {
    pub server: String,
    /// What brings the lines: one for each live source, one for all imported files (empty), and all of the server together (`None`).
    pub source: Option<String>,
    pub first_line: Option<Timestamp>,
    pub last_line: Option<Timestamp>,
    pub lines: LineCounts,
    /// Messages whose end was not seen yet; of a server, not of one source.
    pub open_messages: Option<u64>,
    pub gaps: Vec<Span>,
    /// Lines read per hour of the span; `None`: nothing was read.
    pub hours: Vec<HourCoverage>,
}

/// `understood + ignored + unknown` = lines read. A copy of a line that was read before is not counted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineCounts {
    pub read: u64,
    pub understood: u64,
    /// Known, and without meaning for mail flow.
    pub ignored: u64,
    pub unknown: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct HourCoverage {
    pub from: Timestamp,
    pub lines: Option<u64>,
    pub unknown: u64,
}

#[derive(Debug, Clone)]
pub struct UnknownShape {
    pub program: String,
    /// The line with its variable parts replaced.
    pub shape: String,
    pub count: u64,
    /// One real line.
    pub example: String,
    pub server: String,
}

// ---------------------------------------------------------------------------------------------------------------------
// Rejections

#[derive(Debug, Clone)]
pub struct RejectionPage {
    pub span: Span,
    pub stored: Option<Span>,
    pub coverage: CoverageSummary,
    pub total: u64,
    pub reasons: Ranking,
    pub first: u64,
    pub rows: Vec<RejectionRow>,
    pub next: Option<String>,
}

#[derive(Debug, Clone)]
pub struct RejectionRow {
    pub time: Timestamp,
    pub server: String,
    pub client_name: Option<String>,
    pub client_ip: Option<String>,
    pub helo: Option<String>,
    pub sender: Option<String>,
    pub recipient: Option<String>,
    /// SMTP reply code: 550.
    pub code: Option<u16>,
    pub dsn: Option<String>,
    /// The class that rankings use.
    pub reason: String,
    /// What the client was told.
    pub reply: String,
}

impl Ranking {
    /// A ranking that found nothing.
    pub fn empty(by: Dimension) -> Self {
        let counted = if by == Dimension::RejectReason { Counted::Rejections } else { Counted::Deliveries };
        Ranking { by, rows: Vec::new(), groups: 0, counted, coverage: None }
    }
}
