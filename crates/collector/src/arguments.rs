//! The command line. By hand: five commands, and a parser would be a tenth of the program.

use std::ffi::OsString;
use std::path::PathBuf;

use vigie_milter::MilterPlace;

use crate::failure::Failure;

pub const HELP: &str = "\
vigie-collector: follows the logs of this mail server and ships them to Vigie

Usage:
  vigie-collector enrol SERVER:PORT WORD [--name NAME] [--state FOLDER] [--authorities FILE]
  vigie-collector run [FILES..]
  vigie-collector milter [PLACE]
  vigie-collector status
  vigie-collector doctor

Commands:
  enrol   Writes the configuration, with the word that the server gave out for this machine
  run     Ships FILES, or the logs that the configuration names, or else the mail logs in the usual places, until it is stopped
  milter  Ships nothing but what is inside the mail that passes Postfix or Sendmail, which show it at PLACE, or where the
          configuration says, or else at inet:127.0.0.1:8893. With `milter = PLACE` in the configuration, `run` does it besides
  status  Says how a running collector stands: 0 connected, 1 not connected, 4 not running
  doctor  Looks for what keeps it from shipping, and says what to do: 0 nothing, 1 something

Options:
  --config FILE       The configuration [/etc/vigie-collector/collector.conf]
  --name NAME         enrol: what this machine is called [its host name]
  --state FOLDER      enrol: where it is kept how far the server has come [/var/lib/vigie-collector]
  --authorities FILE  enrol: certificates of the authorities to trust, instead of the key in the word
  -h, --help          This
  -V, --version       The version

Nothing is lost while the server is away: lines stay in their logs, and are shipped from where the server has come to. They are lost
only when rotation removes a log before that, and the collector says so.
";

/// Where the configuration stands unless said otherwise.
const CONFIG: &str = "/etc/vigie-collector/collector.conf";
const STATE: &str = "/var/lib/vigie-collector";

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Help,
    Version,
    Enrol(Enrol),
    Run { config: PathBuf, files: Vec<PathBuf> },
    Milter { config: PathBuf, place: Option<MilterPlace> },
    Status { config: PathBuf },
    Doctor { config: PathBuf },
}

/// What `enrol` is given.
#[derive(Debug, PartialEq, Eq)]
pub struct Enrol {
    pub config: PathBuf,
    pub server: String,
    pub word: String,
    pub name: Option<String>,
    pub state: PathBuf,
    pub authorities: Option<PathBuf>,
}

/// An option with a value, and what was given for it.
struct Given {
    name: &'static str,
    commands: &'static [&'static str],
    value: Option<OsString>,
}

const fn option(name: &'static str, commands: &'static [&'static str]) -> Given {
    Given { name, commands, value: None }
}

/// Reads the command line without the program's name.
pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, Failure> {
    let mut options = [
        option("--config", &["enrol", "run", "milter", "status", "doctor"]),
        option("--name", &["enrol"]),
        option("--state", &["enrol"]),
        option("--authorities", &["enrol"]),
    ];
    let mut words = Vec::new();
    let mut arguments = arguments.peekable();
    let mut is_over = false;
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--") if !is_over => is_over = true,
            Some("-h" | "--help" | "help") if !is_over => return Ok(Command::Help),
            Some("-V" | "--version") if !is_over => return Ok(Command::Version),
            Some(text) if !is_over && text.starts_with('-') && text.len() > 1 => {
                take(&mut options, text, &mut arguments)?
            }
            _ => words.push(argument),
        }
    }
    command(words, options)
}

fn take(options: &mut [Given], text: &str, rest: &mut impl Iterator<Item = OsString>) -> Result<(), Failure> {
    let (name, inline) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(OsString::from(value))));
    let option = options.iter_mut().find(|option| option.name == name);
    let option = option.ok_or_else(|| Failure::usage(format!("there is no option {name}")))?;
    let value = inline.or_else(|| rest.next()).ok_or_else(|| Failure::usage(format!("{name} needs a value")))?;
    if option.value.replace(value).is_some() {
        return Err(Failure::usage(format!("{name} is given twice")));
    }
    Ok(())
}

fn command(words: Vec<OsString>, options: [Given; 4]) -> Result<Command, Failure> {
    let mut words = words.into_iter();
    let name =
        words.next().ok_or_else(|| Failure::usage("a command is missing: enrol, run, milter, status or doctor"))?;
    let name = name.to_string_lossy().into_owned();
    if let Some(misplaced) = options.iter().find(|option| option.value.is_some() && !option.commands.contains(&&*name))
    {
        return Err(Failure::usage(format!("`{name}` takes no {}", misplaced.name)));
    }
    let [config, host, state, authorities] = options.map(|option| option.value);
    let config = config.map_or_else(|| CONFIG.into(), PathBuf::from);
    let command = match &*name {
        "enrol" | "enroll" => Command::Enrol(Enrol {
            config,
            server: text(words.next(), "SERVER:PORT")?,
            word: text(words.next(), "WORD")?,
            name: host.map(|host| text(Some(host), "--name")).transpose()?,
            state: state.map_or_else(|| STATE.into(), PathBuf::from),
            authorities: authorities.map(PathBuf::from),
        }),
        "run" => return Ok(Command::Run { config, files: words.map(PathBuf::from).collect() }),
        "milter" => Command::Milter { config, place: words.next().map(place).transpose()? },
        "status" => Command::Status { config },
        "doctor" => Command::Doctor { config },
        _ => return Err(Failure::usage(format!("there is no command `{name}`"))),
    };
    match words.next() {
        None => Ok(command),
        Some(more) => Err(Failure::usage(format!("`{name}` does not take `{}`", more.to_string_lossy()))),
    }
}

fn place(word: OsString) -> Result<MilterPlace, Failure> {
    let text = text(Some(word), "PLACE")?;
    text.parse().map_err(|no_place| Failure::usage(format!("`{text}` is no place for a milter: {no_place}")))
}

fn text(value: Option<OsString>, what: &str) -> Result<String, Failure> {
    let value = value.ok_or_else(|| Failure::usage(format!("{what} is missing")))?;
    value.into_string().map_err(|_| Failure::usage(format!("{what} is not UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from)).map_err(|failure| failure.text())
    }

    #[test]
    fn commands_are_read_with_options_anywhere() {
        let run = Command::Run { config: "c".into(), files: vec!["a".into(), "-b".into()] };
        assert_eq!(parsed("--config c run a -- -b"), Ok(run));
        let Ok(Command::Enrol(enrol)) = parsed("enrol h:1 w --name=mx1 --state s") else { panic!() };
        assert_eq!((&*enrol.server, &*enrol.word, enrol.name.as_deref()), ("h:1", "w", Some("mx1")));
        assert_eq!((enrol.config, enrol.state), (CONFIG.into(), "s".into()));
        assert_eq!(parsed("status"), Ok(Command::Status { config: CONFIG.into() }));
        assert_eq!(parsed("milter"), Ok(Command::Milter { config: CONFIG.into(), place: None }));
        let place = Some(MilterPlace::default());
        assert_eq!(parsed("milter inet:127.0.0.1:8893"), Ok(Command::Milter { config: CONFIG.into(), place }));
        assert_eq!(parsed("doctor"), Ok(Command::Doctor { config: CONFIG.into() }));
        assert_eq!(parsed("run --help"), Ok(Command::Help));
        assert_eq!(parsed("-V"), Ok(Command::Version));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, words) in [
            ("", "a command is missing"),
            ("walk", "no command `walk`"),
            ("enrol", "SERVER:PORT is missing"),
            ("enrol h:1", "WORD is missing"),
            ("enrol h:1 w x", "does not take `x`"),
            ("run --name x", "`run` takes no --name"),
            ("run --config", "--config needs a value"),
            ("run --config a --config b", "given twice"),
            ("status --nonsense", "no option --nonsense"),
            ("milter 8893", "no place for a milter"),
            ("milter inet:1@localhost x", "does not take `x`"),
        ] {
            let said = parsed(line).unwrap_err();
            assert!(said.contains(words) && said.contains("--help"), "{line}: {said}");
        }
    }
}
