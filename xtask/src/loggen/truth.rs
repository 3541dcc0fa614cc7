//! What really happened, counted as the mail is invented.

/// Counts over the whole log. A message is one arrival, however often a filter hands it back; a delivery is one recipient
/// of a message who got it. Notices are the server's own non-delivery reports, apart from the mail they report on.
#[derive(Default)]
pub struct Truth {
    pub seed: u64,
    pub lines: u64,
    pub messages: u64,
    pub deliveries: u64,
    /// Recipients of messages for whom delivery failed for good.
    pub bounced: u64,
    /// Refusals before a queue file existed (`NOQUEUE`).
    pub rejections: u64,
    /// Attempts, one recipient each, that were put off to a later one.
    pub deferrals: u64,
    pub messages_deferred: u64,
    /// Messages that passed the content filter, and so stand twice in the log.
    pub messages_filtered: u64,
    /// Sizes of the messages at their arrival, each once.
    pub bytes: u64,
    /// The same sizes, once per delivery.
    pub bytes_delivered: u64,
    pub notices: u64,
    pub notice_deliveries: u64,
}

impl Truth {
    pub fn to_json(&self) -> String {
        let rows = [
            ("seed", self.seed),
            ("lines", self.lines),
            ("messages", self.messages),
            ("deliveries", self.deliveries),
            ("bounced", self.bounced),
            ("rejections", self.rejections),
            ("deferrals", self.deferrals),
            ("messages_deferred", self.messages_deferred),
            ("messages_filtered", self.messages_filtered),
            ("bytes", self.bytes),
            ("bytes_delivered", self.bytes_delivered),
            ("notices", self.notices),
            ("notice_deliveries", self.notice_deliveries),
        ];
        let body: Vec<String> = rows.iter().map(|(name, value)| format!("  \"{name}\": {value}")).collect();
        format!("{{\n{}\n}}\n", body.join(",\n"))
    }
}
