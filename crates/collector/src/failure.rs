//! What a person sees when it does not work: what happened, and what to do.

use std::process::ExitCode;

/// The command line is wrong.
const USAGE: u8 = 2;
/// Something else is.
const FAILED: u8 = 1;

/// Why the program ends.
#[derive(Debug)]
pub struct Failure {
    problems: Vec<String>,
    hint: String,
    code: u8,
}

impl Failure {
    pub fn new(problem: impl ToString, hint: impl ToString) -> Failure {
        Failure { problems: vec![problem.to_string()], hint: hint.to_string(), code: FAILED }
    }

    /// Several problems at once.
    pub fn many(problems: Vec<String>, hint: impl ToString) -> Failure {
        Failure { problems, hint: hint.to_string(), code: FAILED }
    }

    pub fn usage(problem: impl ToString) -> Failure {
        Failure { problems: vec![problem.to_string()], hint: "see `vigie-collector --help`".into(), code: USAGE }
    }

    /// Prints it.
    pub fn report(self) -> ExitCode {
        for problem in &self.problems {
            crate::log::write("error", problem);
        }
        crate::log::write("hint", &self.hint);
        ExitCode::from(self.code)
    }

    #[cfg(test)]
    pub fn text(&self) -> String {
        format!("{}\n{}", self.problems.join("\n"), self.hint)
    }
}
