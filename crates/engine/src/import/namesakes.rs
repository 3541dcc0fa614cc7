//! Two machines that go by one name: their lines are taken for one host's, and what belongs to whom may be mixed up.
//!
//! A Postfix has one queue manager. Lines of one host that come from two queue managers by turns, each with a file of its own, are
//! those of two machines. A restart changes the process and the old one never comes back; rotation changes the file and the old one never
//! comes back; copies, and a log that is split by severity, have the same processes. Two Postfix that write one file are
//! meant to share the name. Only two machines whose queue managers have the same process id stay unseen.

use vigie_model::{MICROS_PER_SECOND, Micros, Text};

/// Both must have been at work together for so long: lines may be this much out of order, and more.
const OVERLAP_MICROS_MIN: Micros = 15 * MICROS_PER_SECOND;
/// Each must have come back to its own file: two turns each way.
const TURNS_MIN: u32 = 3;
/// Queue managers remembered of one host; of more, the one that was silent longest is forgotten.
const MANAGERS_MAX: usize = 8;

/// Two files that speak for the same host, and are not of one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namesake {
    pub host: String,
    pub files: [String; 2],
    /// When both were first, and last, seen at work.
    pub from: Micros,
    pub until: Micros,
}

/// Watches the queue managers of all hosts of a run.
#[derive(Debug, Default)]
pub struct Namesakes {
    /// By the host's place in the state.
    hosts: Vec<Managers>,
    found: Vec<Namesake>,
}

/// The queue managers of a host; the one that wrote last comes last.
#[derive(Debug, Default)]
struct Managers {
    known: Vec<Manager>,
    turns: u32,
    is_told: bool,
}

#[derive(Debug)]
struct Manager {
    pid: u32,
    file: Text,
    first: Micros,
    last: Micros,
}

impl Namesakes {
    /// Is this a program of which a machine has one at a time?
    pub fn concerns(program: &[u8]) -> bool {
        program.ends_with(b"/qmgr")
    }

    /// A line of such a program; the host is given by its place in the state.
    pub fn see(&mut self, place: usize, name: &str, ts: Micros, pid: u32, file: &str) {
        if self.hosts.len() <= place {
            self.hosts.resize_with(place + 1, Managers::default);
        }
        if let Some((files, from, until)) = self.hosts[place].see(ts, pid, file) {
            self.found.push(Namesake { host: name.to_owned(), files, from, until });
        }
    }

    /// The host's lines are read from the beginning.
    pub fn begin_again(&mut self, place: usize) {
        if let Some(managers) = self.hosts.get_mut(place) {
            *managers = Managers { is_told: managers.is_told, ..Managers::default() };
        }
    }

    pub fn take_found(&mut self) -> Vec<Namesake> {
        std::mem::take(&mut self.found)
    }
}

impl Managers {
    fn see(&mut self, ts: Micros, pid: u32, file: &str) -> Option<([String; 2], Micros, Micros)> {
        if let Some(current) = self.known.last_mut()
            && current.pid == pid
        {
            current.last = current.last.max(ts);
            if *current.file != *file {
                current.file = file.into();
            }
            return None;
        }
        let back = self.known.iter().position(|known| known.pid == pid);
        let Some(back) = back else {
            self.known.push(Manager { pid, file: file.into(), first: ts, last: ts });
            if self.known.len() > MANAGERS_MAX {
                self.known.remove(0);
            }
            return None;
        };
        let mut manager = self.known.remove(back);
        let is_own_file = *manager.file == *file;
        (manager.last, manager.file) = (manager.last.max(ts), file.into());
        let other = self.known.last()?;
        let (from, until) = (manager.first.max(other.first), manager.last.min(other.last));
        let is_turn = is_own_file && *other.file != *file;
        let files = [other.file.to_string(), file.to_owned()];
        self.known.push(manager);
        self.turns += u32::from(is_turn);
        if !is_turn || self.is_told || self.turns < TURNS_MIN || until - from < OVERLAP_MICROS_MIN {
            return None;
        }
        self.is_told = true;
        let [one, two] = files;
        Some((if one <= two { [one, two] } else { [two, one] }, from, until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of (second, process, file); what is found.
    fn told(lines: &[(i64, u32, &str)]) -> Vec<[String; 2]> {
        let mut namesakes = Namesakes::default();
        for (second, pid, file) in lines {
            namesakes.see(0, "mail", second * MICROS_PER_SECOND, *pid, file);
        }
        namesakes.take_found().into_iter().map(|found| found.files).collect()
    }

    #[test]
    fn two_machines_by_turns_are_told_once() {
        let lines: Vec<_> = (0..40).map(|at| (at, 100 + at as u32 / 2 % 2, ["b", "a"][at as usize / 2 % 2])).collect();
        assert_eq!(told(&lines), [["a".to_owned(), "b".to_owned()]]);
    }

    #[test]
    fn restarts_and_rotation_are_one_machine() {
        let lines: Vec<_> =
            (0..400).map(|at| (at, 100 + at as u32 / 70, ["log.2", "log.1", "log"][at as usize / 150])).collect();
        assert!(told(&lines).is_empty());
    }

    #[test]
    fn a_process_id_that_comes_again_after_restarts_is_one_machine() {
        let pids = [7, 8, 7, 8, 7, 8];
        let lines: Vec<_> =
            (0..600).map(|at| (at, pids[at as usize / 100], ["log.1", "log"][at as usize / 300])).collect();
        assert!(told(&lines).is_empty());
    }

    #[test]
    fn two_postfix_that_write_one_file_share_the_name_on_purpose() {
        let lines: Vec<_> = (0..100).map(|at| (at, 7 + at as u32 % 2, "log")).collect();
        assert!(told(&lines).is_empty());
    }

    #[test]
    fn a_log_split_over_two_files_is_one_machine() {
        let lines: Vec<_> = (0..100).map(|at| (at, 7 + at as u32 / 50, ["log", "warn"][at as usize % 2])).collect();
        assert!(told(&lines).is_empty());
    }

    #[test]
    fn a_restart_whose_lines_are_out_of_order_is_one_machine() {
        let mut lines: Vec<(i64, u32, &str)> = (0..50).map(|at| (at, 7, "log.1")).collect();
        lines.extend([(50, 8, "log"), (49, 7, "log.1"), (50, 8, "log"), (49, 7, "log.1"), (51, 8, "log")]);
        lines.extend((52..100).map(|at| (at, 8, "log")));
        assert!(told(&lines).is_empty());
    }
}
