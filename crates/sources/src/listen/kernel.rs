//! Datagrams that the kernel dropped because nobody read them in time. Only the kernel knows of them, in `/proc/net/udp`.

use std::fs;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::MetadataExt;

const TABLES: [&str; 2] = ["/proc/net/udp", "/proc/net/udp6"];
/// Which field of a line holds the socket's inode. The last one holds what was dropped.
const INODE_FIELD: usize = 9;

/// How many datagrams one socket's buffer could not take.
#[derive(Debug)]
pub(super) struct Dropped {
    inode: Option<u64>,
    told: u64,
}

impl Dropped {
    pub(super) fn of(socket: &impl AsRawFd) -> Self {
        let descriptor: RawFd = socket.as_raw_fd();
        let inode = fs::metadata(format!("/proc/self/fd/{descriptor}")).ok().map(|metadata| metadata.ino());
        Dropped { inode, told: 0 }
    }

    /// How many since this was asked last; 0 where the system does not say.
    pub(super) fn since(&mut self) -> u64 {
        let Some(inode) = self.inode else { return 0 };
        let all = TABLES.iter().find_map(|table| find(&fs::read_to_string(table).ok()?, inode)).unwrap_or(self.told);
        // The kernel's count is of 32 bits, and wraps.
        let new = u64::from((all as u32).wrapping_sub(self.told as u32));
        self.told = all;
        new
    }
}

fn find(table: &str, inode: u64) -> Option<u64> {
    let line = table
        .lines()
        .find(|line| line.split_whitespace().nth(INODE_FIELD).and_then(|field| field.parse().ok()) == Some(inode))?;
    line.split_whitespace().next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_line_of_a_socket_is_found_by_its_inode() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            1: 0100007F:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 100 2 0000000000000000 7\n\
            2: 0100007F:0203 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 200 2 0000000000000000 12\n";
        assert_eq!(find(table, 200), Some(12));
        assert_eq!(find(table, 201), None);
        assert_eq!(find("garbage\n\n", 1), None);
    }
}
