//! Rule: no source file grows past what can be read in one go.

use super::tree::Tree;

/// Twice what a file should aim at; a file that reaches it holds two ideas.
const LINES_MAX: usize = 800;
const SOURCES: [&str; 7] = [".rs", ".py", ".mjs", ".js", ".css", ".sh", ".ftl"];

pub fn breaches(tree: &Tree) -> Vec<String> {
    let sources = tree.files.iter().filter(|file| SOURCES.iter().any(|ending| file.path.ends_with(ending)));
    let counted = sources.map(|file| (file, file.text.lines().count()));
    let long = counted.filter(|(_, lines)| *lines > LINES_MAX);
    long.map(|(file, lines)| format!("{}: {lines} lines, at most {LINES_MAX}", file.path)).collect()
}
