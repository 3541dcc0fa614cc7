//! `tidy`: the rules of the house that a machine can check. Prints every breach, not the first one.
//!
//! One file per rule, one line in `RULES`. A rule looks at the files of the checkout and says what is wrong where.

mod crate_map;
mod headers;
mod lengths;
mod links;
mod readmes;
mod tree;
mod words;

use tree::Tree;

pub const USAGE: &str = "tidy";

/// A rule: what it demands, and the breaches it finds.
struct Rule {
    demand: &'static str,
    breaches: fn(&Tree) -> Vec<String>,
}

const RULES: &[Rule] = &[
    Rule { demand: "each Rust file begins with what it is for (`//!`)", breaches: headers::breaches },
    Rule { demand: "no file has more lines than a person reads", breaches: lengths::breaches },
    Rule { demand: "nothing names the machine it was written on", breaches: words::breaches },
    Rule { demand: "the map in ARCHITECTURE.md and the crates agree", breaches: crate_map::breaches },
    Rule { demand: "each rig and each corpus explains itself", breaches: readmes::breaches },
    Rule { demand: "links between documents lead somewhere", breaches: links::breaches },
];

pub fn run(arguments: &[String]) -> Result<(), String> {
    if !arguments.is_empty() {
        return Err(format!("takes no arguments; usage: {USAGE}"));
    }
    let tree = Tree::load().map_err(|error| format!("cannot read the checkout: {error}"))?;
    let mut count = 0;
    for rule in RULES {
        for breach in (rule.breaches)(&tree) {
            println!("{breach}\n    rule: {}", rule.demand);
            count += 1;
        }
    }
    println!("{} files, {} rules, {count} breaches", tree.files.len(), RULES.len());
    if count == 0 { Ok(()) } else { Err(format!("{count} breaches")) }
}
