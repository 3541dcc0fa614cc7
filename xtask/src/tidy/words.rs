//! Rule: no path of a developer's machine and no package registry's host stands in the checkout.

use super::tree::Tree;

/// Split, so that this file does not break its own rule.
const FORBIDDEN: [&str; 5] = [
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
    concat!("registry.", "npmjs"),
    concat!("static.", "crates.io"),
];
/// Written by cargo, which names its index in each entry.
const EXEMPT: [&str; 1] = ["Cargo.lock"];

pub fn breaches(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| !EXEMPT.contains(&file.path.as_str())) {
        for (index, line) in file.text.lines().enumerate() {
            let words = FORBIDDEN.iter().filter(|word| line.contains(*word));
            found.extend(words.map(|word| format!("{}:{}: `{word}` names a machine", file.path, index + 1)));
        }
    }
    found
}
