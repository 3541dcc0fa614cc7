//! Rule: ARCHITECTURE.md's map names exactly the folders in `crates/`, and no crate depends on one of a higher layer.
//!
//! The map is the first code block with a line `crates/`; below it stand lines of the form `  lake/   2  what it is`, the
//! number being the layer (`-` for none).

use super::tree::Tree;

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const PACKAGE_PREFIX: &str = "vigie-";

struct Room {
    name: String,
    /// `None` for what may depend on everything, such as test helpers.
    layer: Option<u32>,
}

pub fn breaches(tree: &Tree) -> Vec<String> {
    let Some(document) = tree.file(ARCHITECTURE) else { return vec![format!("{ARCHITECTURE}: is missing")] };
    let rooms = rooms(&document.text);
    if rooms.is_empty() {
        return vec![format!("{ARCHITECTURE}: has no code block with a map of `crates/`")];
    }
    let folders = tree.folders_in("crates");
    let unmapped = folders.iter().filter(|folder| rooms.iter().all(|room| room.name != **folder));
    let gone = rooms.iter().filter(|room| !folders.contains(&room.name));
    let mut found: Vec<String> =
        unmapped.map(|folder| format!("{ARCHITECTURE}: the map lacks crates/{folder}")).collect();
    found.extend(gone.map(|room| format!("{ARCHITECTURE}: the map names crates/{}, which is not there", room.name)));
    found.extend(rooms.iter().flat_map(|room| upward_dependencies(tree, room, &rooms)));
    found
}

fn rooms(text: &str) -> Vec<Room> {
    let map = text.lines().skip_while(|line| line.trim() != "crates/").skip(1);
    map.take_while(|line| line.starts_with("  ")).filter_map(room).collect()
}

fn room(line: &str) -> Option<Room> {
    let mut words = line.split_whitespace();
    let name = words.next()?.strip_suffix('/')?.to_owned();
    Some(Room { name, layer: words.next().and_then(|layer| layer.parse().ok()) })
}

fn upward_dependencies(tree: &Tree, room: &Room, rooms: &[Room]) -> Vec<String> {
    let path = format!("crates/{}/Cargo.toml", room.name);
    let (Some(layer), Some(manifest)) = (room.layer, tree.file(&path)) else { return Vec::new() };
    let names =
        manifest.text.lines().filter_map(|line| line.strip_prefix(PACKAGE_PREFIX)?.split(['.', ' ', '=']).next());
    let higher = names.filter(|name| {
        let other = rooms.iter().find(|other| other.name == *name);
        other.and_then(|other| other.layer).is_some_and(|other| other > layer)
    });
    higher.map(|name| format!("{path}: depends on {PACKAGE_PREFIX}{name}, which stands in a higher layer")).collect()
}

#[cfg(test)]
mod tests {
    use super::rooms;

    #[test]
    fn the_map_is_read_with_its_layers() {
        let text = "# A\n```\ncrates/\n  model/   0  words\n  lake/    2  store\n  testkit/ -  tests\nxtask/  chores\n```\n  not/ 3\n";
        let found: Vec<_> = rooms(text).into_iter().map(|room| (room.name, room.layer)).collect();
        let wanted = [("model", Some(0)), ("lake", Some(2)), ("testkit", None)];
        assert_eq!(found, wanted.map(|(name, layer)| (name.to_owned(), layer)));
    }
}
