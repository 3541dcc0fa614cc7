//! Rule: relative links in Markdown lead to a file or folder of the checkout.

use std::path::Path;

use super::tree::{File, Tree};

pub fn breaches(tree: &Tree) -> Vec<String> {
    let broken = |file: &File| {
        let folder = tree.top.join(&file.path).parent().map(Path::to_path_buf).unwrap_or_default();
        let missing = targets(&file.text).filter(|(_, target)| !folder.join(target).exists());
        missing.map(|(line, target)| format!("{}:{line}: no such file: {target}", file.path)).collect::<Vec<_>>()
    };
    tree.with_ending(".md").flat_map(broken).collect()
}

/// The targets of `[words](target)` outside code blocks, with their lines: no web addresses, no anchors in the same file.
fn targets(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    let lines = text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    });
    let all = lines.flat_map(|(index, line)| line.split("](").skip(1).map(move |rest| (index + 1, rest)));
    let named = all.filter_map(|(line, rest)| Some((line, rest.split(')').next()?.split('#').next()?)));
    named.filter(|(_, target)| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
}

#[cfg(test)]
mod tests {
    use super::targets;

    #[test]
    fn only_relative_targets_outside_code_are_followed() {
        let text = "see [a](docs/a.md#top) and [b](https://example.org/b)\n```\n[c](c.md)\n```\n[d](#here) [e](../e)\n";
        let found: Vec<_> = targets(text).collect();
        assert_eq!(found, [(1, "docs/a.md"), (5, "../e")]);
    }
}
