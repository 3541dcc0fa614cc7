//! `vigie doctor`: what is wrong, and what to do.

use std::{io::Write, path::Path};

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;

use crate::{
    cli::OutputOptions,
    doctor::{self, Checked, Finding, Patient, Verdict},
    output::{self, Outcome},
};

pub fn run(output: &OutputOptions, data: &Path) -> anyhow::Result<Outcome> {
    let patient = Patient::new(data, Timestamp::now());
    let checked = doctor::examine(&patient);
    if output.json {
        checked.iter().try_for_each(output::json_line)?;
    } else {
        print(&checked, data)?;
    }
    let is_unwell = checked.iter().any(|check| check.verdict == Verdict::Error);
    Ok(if is_unwell { Outcome::Unwell } else { Outcome::Done })
}

fn print(checked: &[Checked], data: &Path) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}\n", answer(checked, data))?;
    for check in checked {
        for finding in &check.findings {
            print_finding(&mut out, check.check, finding)?;
        }
    }
    Ok(())
}

/// One sentence.
fn answer(checked: &[Checked], data: &Path) -> String {
    let count = |verdict| checked.iter().flat_map(|check| &check.findings).filter(|of| of.verdict == verdict).count();
    let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let data = data.display();
    match (count(Verdict::Error), count(Verdict::Warning)) {
        (0, 0) => format!("All is well with the store in {data} and with this machine."),
        (0, warnings) => format!("The store in {data} works; {} to look at.", plural(warnings, "warning")),
        (errors, 0) => format!("Something is wrong with the store in {data}: {}.", plural(errors, "error")),
        (errors, warnings) => format!(
            "Something is wrong with the store in {data}: {} and {}.",
            plural(errors, "error"),
            plural(warnings, "warning")
        ),
    }
}

fn print_finding(out: &mut impl Write, check: &str, finding: &Finding) -> std::io::Result<()> {
    let (word, style) = match finding.verdict {
        Verdict::Ok => ("ok", AnsiColor::Green.on_default()),
        Verdict::Warning => ("warning", AnsiColor::Yellow.on_default()),
        Verdict::Error => ("error", AnsiColor::Red.on_default()),
        Verdict::NotApplicable => ("-", Style::new()),
    };
    let thing = if finding.thing.is_empty() { String::new() } else { format!("{}: ", finding.thing) };
    writeln!(out, "{style}{word:8}{style:#}{check:12} {thing}{}", finding.found)?;
    if !finding.advice.is_empty() {
        writeln!(out, "{:21}→ {}", "", finding.advice)?;
    }
    Ok(())
}
