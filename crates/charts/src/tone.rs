//! What a colour means.

/// The meaning of a colour: the outcome that a shape stands for. Never a decoration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Tone {
    /// It arrived.
    Good,
    /// It waits.
    Waiting,
    /// It failed, and somebody expected it to arrive.
    Failed,
    /// It was refused at the door.
    Refused,
    /// A filter took it.
    Filtered,
    /// No outcome: volumes, mixed bands.
    #[default]
    Neutral,
}

impl Tone {
    /// The class that the style sheet colours.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Good => "tone-good",
            Tone::Waiting => "tone-waiting",
            Tone::Failed => "tone-failed",
            Tone::Refused => "tone-refused",
            Tone::Filtered => "tone-filtered",
            Tone::Neutral => "tone-neutral",
        }
    }
}
