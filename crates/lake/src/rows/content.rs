//! Columns of table `deliveries` about what is inside a message, null where nobody looked; and all of it, packed, in a message's first row.

use std::sync::Arc;

use arrow::array::{BooleanArray, StringArray};
use arrow::error::ArrowError;
use vigie_model::{Attachment, Content};

use super::packed::Packed;
use crate::columns::Columns;

/// Between the attachments' names, and between their types: no name has it.
const BETWEEN: &str = "\n";

/// Adds the columns. `contents` are those of the rows' messages, each with whether the row is its message's first.
pub(super) fn push(columns: &mut Columns, contents: &[(Option<&Content>, bool)]) -> Result<(), ArrowError> {
    let rows = || contents.iter().map(|(content, _)| *content);
    columns.texts_or_null("header_from", rows().map(|c| c.map(|c| &*c.header_from)));
    columns.texts_or_null("media_type", rows().map(|c| c.map(|c| &*c.media_type)));
    columns.texts_or_null("signed_by", rows().map(|c| c.map(|c| &*c.signed)));
    columns.texts_or_null("encrypted_by", rows().map(|c| c.map(|c| &*c.encrypted)));
    push_flag(columns, "is_list", rows(), |c| c.list);
    push_flag(columns, "is_automatic", rows(), |c| c.automatic);
    push_flag(columns, "is_signed", rows(), |c| !c.signed.is_empty());
    push_flag(columns, "is_encrypted", rows(), |c| !c.encrypted.is_empty());
    push_flag(columns, "has_dkim", rows(), |c| c.dkim);
    push_flag(columns, "is_cut", rows(), |c| c.cut);
    columns.ints_or_null("attachments", rows().map(|c| c.map(|c| c.attachments.len() as i64)));
    let sizes = |c: &Content| c.attachments.iter().map(|a| a.size).collect::<Vec<_>>();
    columns.ints_or_null("attachment_bytes", rows().map(|c| c.map(|c| sizes(c).iter().sum::<u64>() as i64)));
    columns.ints_or_null(
        "attachment_bytes_max",
        rows().map(|c| c.and_then(|c| sizes(c).into_iter().max()).map(|size| size as i64)),
    );
    push_words(columns, "attachment_names", rows(), |attachment| &attachment.name);
    push_words(columns, "attachment_types", rows(), kind);
    let mut packed = Packed::with_capacity(contents.len(), 0);
    contents.iter().try_for_each(|(content, is_first)| packed.push(content.filter(|_| *is_first)))?;
    columns.push("content", packed.finish()?, true);
    Ok(())
}

/// What it is by its first bytes; as declared where these say nothing.
fn kind(attachment: &Attachment) -> &str {
    if attachment.sniffed.is_empty() { &attachment.declared } else { &attachment.sniffed }
}

fn push_flag<'a>(
    columns: &mut Columns,
    name: &str,
    rows: impl Iterator<Item = Option<&'a Content>>,
    flag: fn(&Content) -> bool,
) {
    columns.push(name, Arc::new(rows.map(|content| content.map(flag)).collect::<BooleanArray>()), true);
}

fn push_words<'a>(
    columns: &mut Columns,
    name: &str,
    rows: impl Iterator<Item = Option<&'a Content>>,
    word: fn(&Attachment) -> &str,
) {
    let words = |content: &Content| content.attachments.iter().map(word).collect::<Vec<_>>().join(BETWEEN);
    columns.push(name, Arc::new(rows.map(|content| content.map(words)).collect::<StringArray>()), true);
}
