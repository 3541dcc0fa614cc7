//! What a person or a program sees: tables, JSON, progress, errors with their hints, exit codes.

use std::{
    borrow::Cow,
    io::{IsTerminal, Write},
    process::ExitCode,
};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use serde::Serialize;
use vigie_engine::import::{ImportError, Phase};

use crate::{
    backup::Moved,
    cli::{Color, OutputOptions},
    stop::Signal,
};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Some input could not be read; the rest was.
    Partly,
    NothingFound,
    /// What was to be the same is not.
    Differs,
    /// The doctor found errors.
    Unwell,
    Stopped(Signal),
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        ExitCode::from(match outcome {
            Outcome::Done => 0,
            Outcome::Differs => 1,
            Outcome::Unwell => 1,
            Outcome::Partly => 3,
            Outcome::NothingFound => 4,
            Outcome::Stopped(signal) => signal.exit_code(),
        })
    }
}

/// A mistake of the person at the command line, with its own exit code.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A message with what to do next.
#[derive(Debug)]
pub struct Hint {
    pub message: String,
    pub hint: String,
}

impl std::fmt::Display for Hint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Hint {}

impl OutputOptions {
    pub fn apply(&self) {
        match self.color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
    }

    /// A remark for people: not with `--quiet`, and never on standard output.
    pub fn remark(&self, text: std::fmt::Arguments<'_>) {
        if !self.quiet {
            anstream::eprintln!("{}", harmless(&text.to_string()));
        }
    }
}

/// Says why it failed and what to do; a closed pipe is no failure.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    if let Some(usage) = error.downcast_ref::<Usage>() {
        anstream::eprintln!("{usage}");
        return ExitCode::from(2);
    }
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    let mut message = String::new();
    for cause in causes {
        // Wrappers repeat their source's text.
        if !message.contains(&cause) {
            if !message.is_empty() {
                message.push_str(": ");
            }
            message.push_str(&cause);
        }
    }
    anstream::eprintln!("{}vigie: {message}{}", style(true), style(false));
    if let Some(hint) = hint(error) {
        anstream::eprintln!("hint: {hint}");
    }
    ExitCode::from(1)
}

fn style(on: bool) -> String {
    let style = anstyle::AnsiColor::Red.on_default();
    if on { style.render().to_string() } else { style.render_reset().to_string() }
}

fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<ImportError>() {
            return error.hint();
        }
        if let Some(error) = cause.downcast_ref::<vigie_lake::LakeError>() {
            return error.hint().map(str::to_owned);
        }
        cause.downcast_ref::<Hint>().map(|hint| hint.hint.clone())
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io == Some(std::io::ErrorKind::BrokenPipe) || json == Some(std::io::ErrorKind::BrokenPipe)
    })
}

/// Text with words of strangers, for a terminal: nothing in it moves the cursor, changes colours or the direction of letters.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let is_harmful = |letter: char| {
        letter.is_control() && !matches!(letter, '\n' | '\t')
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    match text.contains(is_harmful) {
        true => text.replace(is_harmful, "\u{fffd}").into(),
        false => text.into(),
    }
}

/// Prints one object as indented JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Prints a row as one line of JSON.
pub fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// A table on a terminal, tab-separated values in a pipe.
pub fn table(head: &[&str], rows: Vec<Vec<String>>) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    // A cell is one line.
    let cell = |text: String| harmless(&text).replace(['\n', '\t'], " ");
    let rows = rows.into_iter().map(|row| row.into_iter().map(cell).collect::<Vec<_>>());
    if !std::io::stdout().is_terminal() {
        writeln!(out, "{}", head.join("\t"))?;
        for row in rows {
            writeln!(out, "{}", row.join("\t"))?;
        }
        return Ok(());
    }
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::NOTHING).set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    // A terminal that says it has no width has some.
    table.set_width(table.width().unwrap_or(0).max(80));
    table.set_header(head.to_vec());
    for row in rows {
        table.add_row(row);
    }
    writeln!(out, "{table}")?;
    Ok(())
}

/// The progress of an import on a terminal; nothing elsewhere.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub fn new(options: &OutputOptions) -> Self {
        let hidden = options.quiet || !std::io::stderr().is_terminal();
        let bar = if hidden { ProgressBar::hidden() } else { ProgressBar::new(0) };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:30} {percent:>3} %  {msg}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    pub fn show(&self, phase: &Phase) {
        match phase {
            Phase::Reading(progress) => {
                self.bar.set_length(progress.bytes.max(1));
                self.bar.set_position(progress.bytes_done);
                let lines = HumanCount(progress.lines);
                self.bar.set_message(format!(
                    "{lines} lines, {} of {}, file {} of {}",
                    HumanBytes(progress.bytes_done),
                    HumanBytes(progress.bytes),
                    (progress.files_done + 1).min(progress.files),
                    progress.files
                ));
            }
            Phase::Rebuilding { lines } => {
                self.say(format!("older lines came in: deriving anew, {} lines", HumanCount(*lines)))
            }
            Phase::Linking { journeys } => {
                self.say(format!("following messages across servers: {}", HumanCount(*journeys)))
            }
            Phase::Compacting => self.say("tidying up".to_owned()),
        }
    }

    /// Bytes of a copy.
    pub fn moved(&self, moved: Moved) {
        self.bar.set_length(moved.of.max(1));
        self.bar.set_position(moved.bytes);
        self.bar.set_message(format!("{} of {}", HumanBytes(moved.bytes), HumanBytes(moved.of)));
    }

    fn say(&self, text: String) {
        self.bar.set_message(text);
        self.bar.tick();
    }

    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}
