//! What can be typed: commands, options, and the texts of `--help`.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use vigie_formats::transcript::DateOrder;
use vigie_sources::listen::{ListenPlace, Network};

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed: the message says why and what to do; of `verify`: the store differs from its lines
  2    the command line or the filter is wrong
  3    some files could not be read in full; the rest was imported
  4    nothing found
  130  stopped by Ctrl-C; what was read is stored, and the same command goes on from there
  143  the same, stopped by SIGTERM (kill, systemctl stop)";

/// Exact answers from mail logs: how much mail, by whom, to whom, how fast, what failed, and where any one message went.
#[derive(Debug, Parser)]
#[command(name = "vigie", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub output: OutputOptions,
    #[command(subcommand)]
    pub command: Command,
}

/// `-class:bounce` of the filter language would be taken for options: it is handed on as `not class:bounce`.
pub fn minus_is_not(argument: OsString) -> OsString {
    let term = argument.to_str().and_then(|text| text.strip_prefix('-')).filter(|term| {
        let word = term.bytes().take_while(|byte| byte.is_ascii_alphabetic() || *byte == b'-').count();
        !term.starts_with('-') && word > 1 && matches!(term.as_bytes().get(word), Some(b':' | b'=' | b'<' | b'>'))
    });
    // `-n=5` has one letter, and no option of ours has a colon.
    term.map(|term| OsString::from(format!("not {term}"))).unwrap_or(argument)
}

#[derive(Debug, Args)]
pub struct OutputOptions {
    /// JSON instead of tables: one object, or one object a line for lists.
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress bars and no remarks: only answers and errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Colours: by default on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Args)]
pub struct Store {
    /// Folder of the store.
    #[arg(long, global = true, value_name = "DIR", env = "VIGIE_DATA", default_value_os_t = default_data())]
    pub data: PathBuf,
}

fn default_data() -> PathBuf {
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
    std::env::var_os("XDG_DATA_HOME").map_or_else(|| home.join(".local/share"), PathBuf::from).join("vigie")
}

/// How times without a zone are read, and how times are shown.
#[derive(Debug, Args)]
pub struct Zone {
    /// Time zone, such as Europe/Paris or UTC; by default this machine's.
    #[arg(long = "zone", value_name = "ZONE")]
    pub name: Option<String>,
}

/// The order of day, month and year in a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dates {
    #[value(name = "day-first")]
    Day,
    #[value(name = "month-first")]
    Month,
    #[value(name = "year-first")]
    Year,
}

impl From<Dates> for DateOrder {
    fn from(dates: Dates) -> Self {
        match dates {
            Dates::Day => DateOrder::DayFirst,
            Dates::Month => DateOrder::MonthFirst,
            Dates::Year => DateOrder::YearFirst,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import this machine's mail logs, the files given, or a sample, and show the pages.
    Try {
        /// Logs, as for `import`. Without any: this machine's own, or else the sample.
        #[arg(value_name = "[HOST=]FILE")]
        files: Vec<String>,
        /// Use the sample that ships with Vigie, even where this machine has mail logs.
        #[arg(long)]
        sample: bool,
        /// Folder of the store; by default one of its own for each set of files, in the user's cache.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        #[command(flatten)]
        zone: Zone,
        #[command(flatten)]
        listen: Listen,
    },
    /// Read log files into the store; what is known already is not stored again.
    Import {
        #[command(flatten)]
        store: Store,
        #[command(flatten)]
        zone: Zone,
        /// `HOST=` counts for all lines of its file, also for those that name another host: for machines that share one name.
        #[arg(long)]
        rename: bool,
        /// Which comes first in dates like 03/04/2026 (Domino), where the files do not show it.
        #[arg(long, value_name = "ORDER")]
        dates: Option<Dates>,
        /// Log files, plain or compressed, or folders of them; `HOST=` names the host of logs whose lines carry none.
        #[arg(value_name = "[HOST=]FILE", required = true)]
        files: Vec<String>,
    },
    /// Find messages: `vigie search 'from:alice to:@example.org status:bounced last:7d'`.
    Search {
        #[command(flatten)]
        store: Store,
        #[command(flatten)]
        zone: Zone,
        /// At most so many rows.
        #[arg(long, short = 'n', default_value_t = 50)]
        limit: u32,
        /// The filter; see `vigie help-filter`.
        filter: Vec<String>,
    },
    /// Figures: messages, deliveries, failures, volume, delivery time, servers, rankings.
    Stats {
        #[command(flatten)]
        store: Store,
        #[command(flatten)]
        zone: Zone,
        /// Count these files in memory, without a store.
        #[arg(long, value_name = "[HOST=]FILE", num_args = 1.., conflicts_with = "filter")]
        memory: Vec<String>,
        filter: Vec<String>,
    },
    /// The path of messages through the servers, with the log lines that prove it.
    Trace {
        #[command(flatten)]
        store: Store,
        #[command(flatten)]
        zone: Zone,
        /// A journey's id, a queue id, a Message-ID, an address, or any filter.
        #[arg(required = true)]
        filter: Vec<String>,
        /// At most so many messages.
        #[arg(long, short = 'n', default_value_t = 3)]
        limit: u32,
    },
    /// What was read and what was not: lines, unknown shapes, gaps, open messages.
    Coverage {
        #[command(flatten)]
        store: Store,
        #[command(flatten)]
        zone: Zone,
        /// A period, such as last:7d or month:2026-11.
        period: Vec<String>,
    },
    /// Recount all figures from the raw lines, and say where the store differs.
    Verify {
        #[command(flatten)]
        store: Store,
        /// Compare only the UTC days of a period, such as last:7d or month:2026-11.
        period: Vec<String>,
    },
    /// All rows of a kind, for other programs.
    Export {
        #[command(flatten)]
        store: Store,
        #[arg(value_enum)]
        dataset: Dataset,
        #[arg(long, value_enum, default_value_t = Format::Jsonl)]
        format: Format,
        /// Write to this file instead of standard output.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show the pages.
    Serve {
        #[command(flatten)]
        store: Store,
        #[command(flatten)]
        zone: Zone,
        #[command(flatten)]
        listen: Listen,
        #[command(flatten)]
        intake: Intake,
    },
    /// The collectors that may send to this server's store.
    Collectors {
        #[command(flatten)]
        store: Store,
        #[command(subcommand)]
        action: CollectorsAction,
    },
    /// Copy the store to another folder, also while a server writes to it; again to the same folder copies only what is new.
    Backup {
        #[command(flatten)]
        store: Store,
        /// Folder for the backup, best on another disk.
        #[arg(value_name = "TARGET")]
        target: PathBuf,
    },
    /// Make a store of a backup, in a folder that holds none yet (--data).
    Restore {
        #[command(flatten)]
        store: Store,
        /// Folder that `vigie backup` wrote to.
        #[arg(value_name = "SOURCE")]
        source: PathBuf,
        /// Only compare each file of the backup with its checksum.
        #[arg(long)]
        check: bool,
    },
    /// Look for what is wrong with the store, the collectors and this machine, and say what to do.
    Doctor {
        #[command(flatten)]
        store: Store,
    },
    /// The fields and words of the filter language.
    HelpFilter,
    /// Write a completion script for a shell to standard output.
    #[command(hide = true)]
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write man pages into a folder.
    #[command(hide = true)]
    Man { folder: PathBuf },
}

#[derive(Debug, Args)]
pub struct Listen {
    /// Address to listen on. Only this machine can reach the default one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8025")]
    pub listen: std::net::SocketAddr,
}

/// By what lines come, to be stored at once.
#[derive(Debug, Default, Args)]
pub struct Intake {
    /// Address at which collectors are taken, and OTLP logs at https://ADDRESS:PORT/v1/logs, such as 0.0.0.0:8026.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub collect: Option<std::net::SocketAddr>,
    /// Take syslog by udp, tcp or tls, such as tcp://0.0.0.0:514. May be given several times.
    #[arg(long, value_name = "PROTOCOL://ADDRESS:PORT")]
    pub syslog: Vec<ListenPlace>,
    /// Take syslog only from this network, such as 192.0.2.0/24; by default from everybody. May be given several times.
    #[arg(long, value_name = "NETWORK", requires = "syslog")]
    pub syslog_from: Vec<Network>,
    /// Take OTLP logs at http://ADDRESS:PORT/v1/logs, from this machine only, such as 127.0.0.1:4318.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub otlp: Option<std::net::SocketAddr>,
    /// A certificate in PEM, instead of the server's own; collectors enrolled before then pin another key.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// The certificate's key in PEM.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum CollectorsAction {
    /// Enrol a collector, and say what to type on its machine.
    Add {
        /// How it is called here, such as the name of its machine.
        name: String,
        /// How its machine reaches this server: the address of `serve --collect`.
        #[arg(long, value_name = "HOST:PORT", required_unless_present = "otlp")]
        server: Option<String>,
        /// Another shipper, which sends OTLP: print the header that it is to send.
        #[arg(long, conflicts_with = "server")]
        otlp: bool,
    },
    /// Those that are enrolled.
    List,
    /// Print the server's own certificate, for shippers that are to trust it.
    Certificate,
    /// Refuse a collector from now on.
    Remove { name: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dataset {
    Journeys,
    Deliveries,
    Hops,
    Rejections,
    /// Lines read of each server, source by source and hour by hour: what the other rows rest on.
    Coverage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON, one object a line.
    Jsonl,
}
