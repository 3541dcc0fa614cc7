//! stub
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalEvent {
    X,
}
impl std::fmt::Display for JournalEvent {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}
