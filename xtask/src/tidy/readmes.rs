//! Rule: each rig and each corpus has a README.md.

use super::tree::Tree;

pub fn breaches(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for parent in ["rigs", "testdata"] {
        for folder in tree.folders_in(parent) {
            let readme = format!("{parent}/{folder}/README.md");
            if tree.file(&readme).is_none() {
                found.push(format!("{parent}/{folder}: has no README.md"));
            }
        }
    }
    found
}
