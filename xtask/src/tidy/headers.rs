//! Rule: each Rust file begins with `//!`.

use super::tree::Tree;

pub fn breaches(tree: &Tree) -> Vec<String> {
    let silent = tree.with_ending(".rs").filter(|file| !file.text.starts_with("//!"));
    silent.map(|file| format!("{}: does not begin with `//!` and what the file is for", file.path)).collect()
}
