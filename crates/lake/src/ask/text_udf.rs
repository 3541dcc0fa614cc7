//! The filter language's patterns as a DataFusion function, so that stored rows and rows in memory cannot disagree.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use vigie_query::{Kind, Pattern};

use super::matcher::Matcher;

/// How the texts of a column are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Look {
    /// As one text.
    Whole,
    /// As words, one of which must match; none is an empty text.
    Words,
    /// As `name[ip]:port`: the name and the address are texts of their own.
    Relay,
}

/// `text_matches(column)` for one pattern. Never null: a missing text is an empty one.
#[derive(Clone, Debug)]
struct TextMatches {
    pattern: Pattern,
    kind: Kind,
    look: Look,
    signature: Signature,
}

/// The condition that a column matches.
pub(crate) fn text_matches(column: Expr, pattern: &Pattern, kind: Kind, look: Look) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::from(TextMatches { pattern: pattern.clone(), kind, look, signature }).call(vec![column])
}

impl PartialEq for TextMatches {
    fn eq(&self, other: &Self) -> bool {
        (&self.pattern, self.kind, self.look) == (&other.pattern, other.kind, other.look)
    }
}

impl Eq for TextMatches {}

impl Hash for TextMatches {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.pattern, self.look).hash(state);
    }
}

impl ScalarUDFImpl for TextMatches {
    fn name(&self) -> &str {
        "text_matches"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        // Two patterns on one column are two expressions.
        let column = args.first().map(ToString::to_string).unwrap_or_default();
        Ok(format!("text_matches({column}, {:?}, {:?}, {:?})", self.pattern, self.kind, self.look))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let texts = &arrays[0];
        let matcher = Matcher::new(&self.pattern, self.kind);
        let is_match = |text: &str| match self.look {
            Look::Whole => matcher.matches(text),
            Look::Words if text.is_empty() => matcher.matches(text),
            Look::Words => text.split(' ').any(|word| matcher.matches(word)),
            Look::Relay => relay_parts(text).any(|part| matcher.matches(part)),
        };
        let texts: ArrayRef =
            if *texts.data_type() == DataType::Utf8View { texts.clone() } else { cast(texts, &DataType::Utf8View)? };
        Ok(ColumnarValue::Array(Arc::new(each(texts.as_string_view(), is_match))))
    }
}

/// `name[ip]:port` is also its name and its address.
fn relay_parts(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split_once('[').map(|(name, rest)| (name, rest.split(']').next().unwrap_or_default()));
    let whole = if parts.is_none() { Some(text) } else { None };
    whole.into_iter().chain(parts.into_iter().flat_map(|(name, ip)| [name, ip]))
}

/// Answers kept at a time; a column with few values then costs one comparison per value.
const KEPT: usize = 64;

fn each(texts: &StringViewArray, is_match: impl Fn(&str) -> bool) -> BooleanArray {
    let mut answers = BooleanBufferBuilder::new(texts.len());
    let mut kept: [Option<(u128, bool)>; KEPT] = [None; KEPT];
    let without_text = is_match("");
    for (row, &view) in texts.views().iter().enumerate() {
        if texts.is_null(row) {
            answers.append(without_text);
            continue;
        }
        // Equal views are equal texts: they point to the same bytes, or hold them.
        let slot = (((view as u64) ^ ((view >> 64) as u64)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58) as usize;
        let answer = match kept[slot] {
            Some((known, answer)) if known == view => answer,
            _ => {
                let answer = is_match(texts.value(row));
                kept[slot] = Some((view, answer));
                answer
            }
        };
        answers.append(answer);
    }
    BooleanArray::new(answers.finish(), None)
}
