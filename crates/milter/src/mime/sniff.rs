//! The media type of a file by its first bytes. A small table: what mail carries, and what hides under another name.

/// What is looked at: enough for the names of the first files in a zip archive.
pub(super) const FIRST_BYTES: usize = 4096;

const MAGIC: &[(&[u8], &str)] = &[
    (b"%PDF-", "application/pdf"),
    (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "application/x-ole-storage"),
    (b"\x89PNG\r\n\x1A\n", "image/png"),
    (b"\xFF\xD8\xFF", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
    (b"\x7FELF", "application/x-elf"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"7z\xBC\xAF\x27\x1C", "application/x-7z-compressed"),
    (b"Rar!\x1A\x07", "application/vnd.rar"),
    (b"\x1F\x8B", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xFD7zXZ\0", "application/x-xz"),
    (b"\x28\xB5\x2F\xFD", "application/zstd"),
    (b"MSCF", "application/vnd.ms-cab-compressed"),
    (b"L\0\0\0\x01\x14\x02\0", "application/x-ms-shortcut"),
    (b"\x78\x9F\x3E\x22", "application/ms-tnef"),
    (b"%!PS", "application/postscript"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"\xCA\xFE\xBA\xBE", "application/java-vm"),
    (b"#!/", "text/x-shellscript"),
    (b"BEGIN:VCALENDAR", "text/calendar"),
    (b"BEGIN:VCARD", "text/vcard"),
];

/// Marks that stand further in.
const MAGIC_AT: &[(usize, &[u8], &str)] = &[
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (4, b"ftyp", "video/mp4"),
    (257, b"ustar", "application/x-tar"),
];

/// Names of files by which an archive is a document.
const INSIDE_ZIP: &[(&[u8], &str)] = &[
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    (b"META-INF/MANIFEST.MF", "application/java-archive"),
];
const ZIP_NAME_AT: usize = 30;
const MIMETYPE: &[u8] = b"mimetype";

/// Empty where the first bytes say nothing.
pub(super) fn sniff(first: &[u8]) -> &str {
    if first.starts_with(b"PK\x03\x04") || first.starts_with(b"PK\x05\x06") {
        return zip(first);
    }
    let at = |&&(at, magic, _): &&(usize, &[u8], &str)| first.get(at..).is_some_and(|rest| rest.starts_with(magic));
    let begins = MAGIC.iter().find(|(magic, _)| first.starts_with(magic)).map(|(_, kind)| *kind);
    begins.or_else(|| MAGIC_AT.iter().find(at).map(|(_, _, kind)| *kind)).unwrap_or_else(|| markup(first))
}

fn markup(first: &[u8]) -> &'static str {
    let text = first.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(first).trim_ascii_start();
    let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    match () {
        () if begins(b"<!doctype html") || begins(b"<html") || begins(b"<head") || begins(b"<script") => "text/html",
        () if begins(b"<svg") => "image/svg+xml",
        () if begins(b"<?xml") => "text/xml",
        () => "",
    }
}

/// OpenDocument and EPUB say their type in a first file that is not packed; Office files are told by the names of those that follow.
fn zip(first: &[u8]) -> &str {
    let name = |header: usize| {
        let length =
            first.get(header + 26..header + 28).map(|two| usize::from(u16::from_le_bytes([two[0], two[1]])))?;
        first.get(header + ZIP_NAME_AT..)?.get(..length)
    };
    if name(0) == Some(MIMETYPE) {
        let rest = first.get(ZIP_NAME_AT + MIMETYPE.len()..).unwrap_or_default();
        let end = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"/.+-".contains(byte))).unwrap_or(0);
        let kind = std::str::from_utf8(&rest[..end]).unwrap_or_default();
        // The next header follows at once and begins with letters.
        let kind = kind.strip_suffix("PK").unwrap_or(kind);
        return if kind.starts_with("application/") { kind } else { "application/zip" };
    }
    let names = memchr::memmem::find_iter(first, b"PK\x03\x04").filter_map(name);
    let known = names.into_iter().find_map(|name| INSIDE_ZIP.iter().find(|(start, _)| name.starts_with(start)));
    known.map_or("application/zip", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zip_of(names: &[&str]) -> Vec<u8> {
        let file = |name: &&str| {
            let mut header = b"PK\x03\x04".to_vec();
            header.resize(26, 0);
            header.extend((name.len() as u16).to_le_bytes());
            header.extend([0, 0]);
            header.extend(name.bytes());
            header.extend(b"packed bytes");
            header
        };
        names.iter().flat_map(file).collect()
    }

    #[test]
    fn common_files_are_known_by_their_first_bytes() {
        for (first, kind) in [
            (&b"%PDF-1.4\n"[..], "application/pdf"),
            (b"MZ\x90\0", "application/vnd.microsoft.portable-executable"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
            (b"\n <HTML><body>", "text/html"),
            (b"\xEF\xBB\xBF<!DOCTYPE html>", "text/html"),
            (b"plain notes", ""),
            (b"", ""),
        ] {
            assert_eq!(sniff(first), kind);
        }
    }

    #[test]
    fn archives_that_are_documents_are_known_by_what_is_in_them() {
        let office = "application/vnd.openxmlformats-officedocument";
        assert_eq!(
            sniff(&zip_of(&["[Content_Types].xml", "word/document.xml"])),
            format!("{office}.wordprocessingml.document")
        );
        assert_eq!(
            sniff(&zip_of(&["[Content_Types].xml", "_rels/.rels", "xl/x.xml"])),
            format!("{office}.spreadsheetml.sheet")
        );
        assert_eq!(sniff(&zip_of(&["invoice.exe"])), "application/zip");
        assert_eq!(sniff(b"PK\x03\x04"), "application/zip");
        let mut text = zip_of(&["mimetype"]);
        text.truncate(ZIP_NAME_AT + 8);
        text.extend(b"application/vnd.oasis.opendocument.textPK\x03\x04");
        assert_eq!(sniff(&text), "application/vnd.oasis.opendocument.text");
    }
}
