//! The server table of a period.

use vigie_lake::Snapshot;
use vigie_model::Text;
use vigie_query::{Field, term_text};
use vigie_web::backend::{Failure, Scope, ServerRow, ServerTable};

use super::{coverage, failure, question::Question, span, stored_span};

pub fn servers(scope: &Scope, snapshot: &Snapshot) -> Result<ServerTable, Failure> {
    let question = Question::of(scope, snapshot)?;
    let servers = snapshot.servers(question.from, question.until).map_err(|error| failure(error, ""))?;
    let row = |(server, counts): (Text, vigie_model::ServerCounts)| ServerRow {
        filter: term_text(Field::Server, &server),
        server: server.into(),
        global: counts.global(),
        received_from_servers: counts.received_from_servers,
        received_from_local: counts.received_from_local,
        local_routing: counts.local_routing,
        sent_to_servers: counts.sent_to_servers,
    };
    Ok(ServerTable {
        span: span(question.from, question.until),
        stored: stored_span(snapshot),
        coverage: coverage::of(&question, snapshot)?,
        rows: servers.into_iter().map(row).collect(),
    })
}
