//! The tables: names, columns, order, and what helps to find a row.

use std::fmt;
use std::sync::LazyLock;

use arrow::datatypes::SchemaRef;
use vigie_model::{Attempt, Hop, Journey, Rejection};

use crate::rows::{Coverage, Fact, Line, Shape, delivery_rows};

/// A table of the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    Lines,
    Hops,
    Attempts,
    Rejections,
    Journeys,
    Deliveries,
    Coverage,
    Shapes,
}

impl Table {
    /// Every table, in the order in which a commit writes them.
    pub const ALL: [Table; 8] = [
        Table::Lines,
        Table::Hops,
        Table::Attempts,
        Table::Rejections,
        Table::Journeys,
        Table::Deliveries,
        Table::Coverage,
        Table::Shapes,
    ];

    /// Name of its folder, and in SQL.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    pub(crate) fn named(name: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|table| table.name() == name)
    }

    pub(crate) fn spec(self) -> &'static Spec {
        &SPECS[self as usize]
    }

    /// Columns of the data files; `day` stands in the path.
    pub(crate) fn schema(self) -> SchemaRef {
        SCHEMAS[self as usize].clone()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is particular to a table.
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    /// When a row begins: its day is the partition.
    pub(crate) start: &'static str,
    /// When a row ends; may be the same column.
    pub(crate) end: &'static str,
    /// Order of the rows in every file.
    pub(crate) sort: &'static [&'static str],
    pub(crate) bloom: &'static [&'static str],
    /// Texts that hardly repeat: a dictionary would be thrown away again.
    pub(crate) distinct: &'static [&'static str],
    /// The column that most of the table's bytes are in.
    pub(crate) bulk: Option<&'static str>,
    /// Texts that are the same for many rows on end: packing alone makes them as small as a dictionary, and costs less.
    pub(crate) constant: &'static [&'static str],
    /// Numbers that hardly repeat and do not grow.
    pub(crate) noise: &'static [&'static str],
    /// Rows with the same value here stay in one file.
    pub(crate) group: Option<&'static str>,
    pub(crate) has_server: bool,
}

// In the order of the enum: `spec` indexes it.
static SPECS: [Spec; 8] = [
    Spec {
        name: "lines",
        start: "ts",
        end: "ts",
        sort: &["server", "ts", "file", "offset"],
        bloom: &["queue_id"],
        distinct: &["queue_id", "text"],
        bulk: Some("text"),
        constant: &["server", "file", "program", "kind"],
        noise: &["hash"],
        group: None,
        has_server: true,
    },
    Spec {
        name: "hops",
        start: "ts_in",
        end: "ts_out",
        sort: &["ts_in", "server", "instance", "queue_id"],
        bloom: &[],
        distinct: &["queue_id", "message_id", "packed"],
        bulk: None,
        constant: &[],
        noise: &[],
        group: None,
        has_server: true,
    },
    Spec {
        name: "attempts",
        start: "ts",
        end: "ts",
        sort: &["ts", "server", "instance", "queue_id", "recipient"],
        bloom: &["queue_id"],
        distinct: &[],
        bulk: None,
        constant: &[],
        noise: &[],
        group: None,
        has_server: true,
    },
    Spec {
        name: "rejections",
        start: "ts",
        end: "ts",
        sort: &["ts", "server", "instance", "client_ip", "recipient"],
        bloom: &["recipient", "sender", "client_ip"],
        distinct: &[],
        bulk: None,
        constant: &[],
        noise: &[],
        group: None,
        has_server: true,
    },
    Spec {
        name: "journeys",
        start: "first_arrival",
        end: "last_seen",
        sort: &["first_arrival", "id"],
        bloom: &["id"],
        distinct: &["id", "message_id", "steps.list.element.queue_id"],
        bulk: None,
        constant: &[],
        noise: &[],
        group: None,
        has_server: false,
    },
    Spec {
        name: "deliveries",
        start: "first_arrival",
        end: "last_seen",
        sort: &["first_arrival", "journey_id", "seq"],
        bloom: &["journey_id", "message_id", "sender", "recipient"],
        distinct: &["journey_id", "message_id", "queue_id", "queue_ids", "reply"],
        bulk: None,
        constant: &[],
        noise: &[],
        group: Some("journey_id"),
        has_server: true,
    },
    Spec {
        name: "coverage",
        start: "hour",
        end: "hour",
        sort: &["hour", "server"],
        bloom: &[],
        distinct: &[],
        bulk: None,
        constant: &[],
        noise: &[],
        group: None,
        has_server: true,
    },
    Spec {
        name: "shapes",
        start: "ts",
        end: "ts",
        sort: &["ts", "server", "program", "shape"],
        bloom: &[],
        distinct: &["example"],
        bulk: None,
        constant: &[],
        noise: &[],
        group: None,
        has_server: true,
    },
];

// What an encoder gives for no rows is the schema: names and types stand in one place only.
static SCHEMAS: LazyLock<[SchemaRef; 8]> = LazyLock::new(|| {
    [
        Line::none(),
        Hop::encode(&[]),
        Attempt::encode(&[]),
        Rejection::encode(&[]),
        Journey::encode(&[]),
        delivery_rows(&[]),
        Coverage::encode(&[]),
        Shape::encode(&[]),
    ]
    .map(|batch| batch.expect("columns of no rows have one length").schema())
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_that_a_table_relies_on_is_there() {
        for table in Table::ALL {
            let (spec, schema) = (table.spec(), table.schema());
            let named =
                [spec.sort, spec.bloom, spec.distinct, spec.constant, spec.noise, &[spec.start, spec.end]].concat();
            for name in named.iter().chain(spec.group.iter()).chain(spec.has_server.then_some(&"server")) {
                let column = name.split('.').next().expect("a column");
                assert!(schema.field_with_name(column).is_ok(), "{table}.{name}");
            }
            assert_eq!(Table::named(spec.name), Some(table));
        }
    }
}
