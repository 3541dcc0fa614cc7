//! Words and colours of the kinds: one table per kind, so that a new kind is one line here and one text per language.

use vigie_charts::Tone;

use crate::backend::{Class, Counted, Dimension, HopLink, HopRole, Measure, Status};
use crate::reader::Theme;

/// The word of the filter language and of CSV files.
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::Delivered => "delivered",
        Status::Forwarded => "forwarded",
        Status::Deferred => "deferred",
        Status::Held => "held",
        Status::Bounced => "bounced",
        Status::Expired => "expired",
        Status::Filtered => "filtered",
        Status::Discarded => "discarded",
        Status::Deleted => "deleted",
        Status::Rejected => "rejected",
    }
}

/// One recipient or one row.
pub fn status(status: Status) -> &'static str {
    match status {
        Status::Delivered => "status-delivered",
        Status::Forwarded => "status-forwarded",
        Status::Deferred => "status-deferred",
        Status::Held => "status-held",
        Status::Bounced => "status-bounced",
        Status::Expired => "status-expired",
        Status::Filtered => "status-filtered",
        Status::Discarded => "status-discarded",
        Status::Deleted => "status-deleted",
        Status::Rejected => "status-rejected",
    }
}

/// With a count: "3 delivered".
pub fn status_count(status: Status) -> &'static str {
    match status {
        Status::Delivered => "count-delivered",
        Status::Forwarded => "count-forwarded",
        Status::Deferred => "count-deferred",
        Status::Held => "count-held",
        Status::Bounced => "count-bounced",
        Status::Expired => "count-expired",
        Status::Filtered => "count-filtered",
        Status::Discarded => "count-discarded",
        Status::Deleted => "count-deleted",
        Status::Rejected => "count-rejected",
    }
}

/// The sentence about a message with one recipient.
pub fn status_sentence(status: Status) -> &'static str {
    match status {
        Status::Delivered => "sentence-delivered",
        Status::Forwarded => "sentence-forwarded",
        Status::Deferred => "sentence-deferred",
        Status::Held => "sentence-held",
        Status::Bounced => "sentence-bounced",
        Status::Expired => "sentence-expired",
        Status::Filtered => "sentence-filtered",
        Status::Discarded => "sentence-discarded",
        Status::Deleted => "sentence-deleted",
        Status::Rejected => "sentence-rejected",
    }
}

/// Of what is not ordinary mail.
pub fn class(class: Class) -> Option<&'static str> {
    match class {
        Class::Mail => None,
        Class::Bounce => Some("class-bounce"),
        Class::Probe => Some("class-probe"),
    }
}

/// The word of the filter language and of CSV files.
pub fn class_word(class: Class) -> &'static str {
    match class {
        Class::Mail => "mail",
        Class::Bounce => "bounce",
        Class::Probe => "probe",
    }
}

pub fn status_tone(status: Status) -> Tone {
    match status {
        Status::Delivered => Tone::Good,
        Status::Forwarded => Tone::Neutral,
        Status::Deferred | Status::Held => Tone::Waiting,
        Status::Bounced | Status::Expired => Tone::Failed,
        Status::Filtered | Status::Discarded | Status::Deleted => Tone::Filtered,
        Status::Rejected => Tone::Refused,
    }
}

pub fn measure(measure: Measure) -> &'static str {
    match measure {
        Measure::Messages => "measure-messages",
        Measure::Deliveries => "measure-deliveries",
        Measure::DeliveredShare => "measure-delivered-share",
        Measure::Deferred => "measure-deferred",
        Measure::Rejected => "measure-rejected",
        Measure::DeliveryMedian => "measure-delivery-median",
        Measure::Volume => "measure-volume",
    }
}

pub fn measure_tone(measure: Measure) -> Tone {
    match measure {
        Measure::DeliveredShare => Tone::Good,
        Measure::Deferred => Tone::Waiting,
        Measure::Rejected => Tone::Refused,
        Measure::Messages | Measure::Deliveries | Measure::DeliveryMedian | Measure::Volume => Tone::Neutral,
    }
}

/// Which direction is good news; `None` where neither is.
pub fn measure_better_up(measure: Measure) -> Option<bool> {
    match measure {
        Measure::DeliveredShare => Some(true),
        Measure::Deferred | Measure::DeliveryMedian => Some(false),
        // More refused spam is not bad, more mail is not good.
        Measure::Rejected | Measure::Messages | Measure::Deliveries | Measure::Volume => None,
    }
}

pub fn counted(counted: Counted) -> &'static str {
    match counted {
        Counted::Messages => "count-messages",
        Counted::Deliveries => "count-deliveries",
        Counted::Rejections => "count-rejections",
    }
}

pub fn counted_heading(counted: Counted) -> &'static str {
    match counted {
        Counted::Messages => "measure-messages",
        Counted::Deliveries => "measure-deliveries",
        Counted::Rejections => "measure-rejections",
    }
}

/// The last part of the address of its page.
pub fn dimension_path(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Sender => "senders",
        Dimension::RecipientDomain => "recipient-domains",
        Dimension::RejectReason => "reject-reasons",
    }
}

pub fn dimension_from_path(path: &str) -> Option<Dimension> {
    [Dimension::Sender, Dimension::RecipientDomain, Dimension::RejectReason]
        .into_iter()
        .find(|dimension| dimension_path(*dimension) == path)
}

pub fn dimension_title(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Sender => "top-senders",
        Dimension::RecipientDomain => "top-recipient-domains",
        Dimension::RejectReason => "top-reject-reasons",
    }
}

pub fn dimension_column(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Sender => "column-sender",
        Dimension::RecipientDomain => "column-domain",
        Dimension::RejectReason => "column-reason",
    }
}

pub fn hop_role(role: HopRole) -> &'static str {
    match role {
        HopRole::Submission => "role-submission",
        HopRole::Arrival => "role-arrival",
        HopRole::Relay => "role-relay",
        HopRole::FilterReturn => "role-filter-return",
        HopRole::Again => "role-again",
        HopRole::Redirect => "role-redirect",
        HopRole::Store => "role-store",
        HopRole::Notice => "role-notice",
    }
}

pub fn hop_link(link: HopLink) -> &'static str {
    match link {
        HopLink::Origin => "link-origin",
        HopLink::PreviousId => "link-previous-id",
        HopLink::FilterLog => "link-filter-log",
        HopLink::Reply => "link-reply",
        HopLink::Redirect => "link-redirect",
        HopLink::NetworkId => "link-network-id",
        HopLink::MessageId => "link-message-id",
    }
}

pub fn theme(theme: Theme) -> &'static str {
    match theme {
        Theme::Auto => "theme-auto",
        Theme::Light => "theme-light",
        Theme::Dark => "theme-dark",
    }
}
