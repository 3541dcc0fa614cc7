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
    Deliveries,
    Coverage,
    Shapes,
}

impl Table {
    /// Every table, in the order in which a commit writes them.
    pub const ALL: [Table; 7] = [
        Table::Lines,
        Table::Hops,
        Table::Attempts,
        Table::Rejections,
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
    /// Have files just come in bloom filters too? Without them a row is found by its time.
    pub(crate) has_appended_bloom: bool,
    /// Texts that hardly repeat: a dictionary would be thrown away again.
    pub(crate) distinct: &'static [&'static str],
    /// Of these, those so short that packing them would not pay before a compaction.
    pub(crate) names: &'static [&'static str],
    /// Texts that are the same for many rows on end: packing alone makes them as small as a dictionary, and costs less.
    pub(crate) constant: &'static [&'static str],
    /// Numbers that hardly repeat and do not grow.
    pub(crate) noise: &'static [&'static str],
    /// Rows with the same value here stay in one file.
    pub(crate) group: Option<&'static str>,
    pub(crate) has_server: bool,
}

/// What most tables have.
const PLAIN: Spec = Spec {
    name: "",
    start: "ts",
    end: "ts",
    sort: &[],
    bloom: &[],
    has_appended_bloom: true,
    distinct: &[],
    names: &[],
    constant: &[],
    noise: &[],
    group: None,
    has_server: true,
};

// In the order of the enum: `spec` indexes it.
static SPECS: [Spec; 7] = [
    Spec {
        name: "lines",
        sort: &["server", "ts", "file", "offset"],
        bloom: &["queue_id"],
        has_appended_bloom: false,
        distinct: &["queue_id", "text"],
        constant: &["server", "file"],
        noise: &["hash"],
        ..PLAIN
    },
    Spec {
        name: "hops",
        start: "ts_in",
        end: "ts_out",
        sort: &["ts_in", "server", "instance", "queue_id"],
        distinct: &["queue_id", "packed"],
        names: &["queue_id"],
        ..PLAIN
    },
    Spec {
        name: "attempts",
        sort: &["ts", "server", "instance", "queue_id", "recipient"],
        bloom: &["queue_id"],
        ..PLAIN
    },
    Spec {
        name: "rejections",
        sort: &["ts", "server", "instance", "client_ip", "recipient"],
        bloom: &["recipient", "sender", "client_ip"],
        ..PLAIN
    },
    Spec {
        name: "deliveries",
        start: "first_arrival",
        end: "last_seen",
        sort: &["first_arrival", "journey_id", "seq"],
        bloom: &["journey_id", "message_id", "sender", "recipient"],
        distinct: &["journey_id", "message_id", "queue_id", "queue_ids", "reply", "steps"],
        names: &["journey_id", "message_id", "queue_id", "queue_ids"],
        group: Some("journey_id"),
        ..PLAIN
    },
    Spec { name: "coverage", start: "hour", end: "hour", sort: &["hour", "server", "source"], ..PLAIN },
    Spec { name: "shapes", sort: &["ts", "server", "program", "shape"], distinct: &["example"], ..PLAIN },
];

// What an encoder gives for no rows is the schema: names and types stand in one place only.
static SCHEMAS: LazyLock<[SchemaRef; 7]> = LazyLock::new(|| {
    [
        Line::none(),
        Hop::encode(&[]),
        Attempt::encode(&[]),
        Rejection::encode(&[]),
        delivery_rows::<Journey>(&[]),
        Coverage::encode(&[]),
        Shape::encode(&[]),
    ]
    .map(|batch| batch.expect("columns of no rows have one length").schema())
});

#[cfg(test)]
mod tests {
    use parquet::arrow::ArrowSchemaConverter;

    use super::*;

    #[test]
    fn every_column_that_a_table_relies_on_is_there() {
        for table in Table::ALL {
            let (spec, schema) = (table.spec(), table.schema());
            let columns = ArrowSchemaConverter::new().convert(&schema).expect("columns of a file");
            let columns: Vec<String> = columns.columns().iter().map(|column| column.path().string()).collect();
            let named =
                [spec.sort, spec.bloom, spec.distinct, spec.constant, spec.noise, &[spec.start, spec.end]].concat();
            let named = named.into_iter().chain(spec.group).chain(spec.has_server.then_some("server"));
            for name in named {
                assert!(columns.iter().any(|column| column == name), "{table}.{name}");
            }
            assert!(spec.names.iter().all(|name| spec.distinct.contains(name)), "{table}: names are distinct");
            assert_eq!(Table::named(spec.name), Some(table));
        }
    }
}
