//! How long to wait before the next attempt: twice as long each time, and never quite as long as others do.

use std::time::Duration;

/// Doubles from its smallest to its largest.
#[derive(Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    attempts: u32,
    /// xorshift64*. A thousand collectors that lost their server together are not to come back together.
    random: u64,
}

/// 2 to this many is beyond any sensible largest wait.
const DOUBLINGS_MAX: u32 = 20;

impl Backoff {
    /// From the smallest to the largest; the seed is for the part that differs between those that wait.
    pub fn new(min: Duration, max: Duration, seed: u64) -> Self {
        Backoff { min, max, attempts: 0, random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 }
    }

    /// It went well: begin anew.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }

    /// Between half and all of what it has come to.
    #[allow(clippy::should_implement_trait, reason = "it never ends, and nobody iterates over waits")]
    pub fn next(&mut self) -> Duration {
        let whole = self.min.saturating_mul(1 << self.attempts.min(DOUBLINGS_MAX)).min(self.max);
        self.attempts = self.attempts.saturating_add(1);
        whole / 2 + (whole / 2).mul_f64(self.fraction())
    }

    /// In 0..1.
    fn fraction(&mut self) -> f64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let bits = self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40;
        bits as f64 / (1u64 << 24) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_largest_and_differ_between_collectors() {
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(30));
        let mut one = Backoff::new(min, max, 1);
        let waits: Vec<Duration> = (0..40).map(|_| one.next()).collect();
        for (attempt, wait) in waits.iter().enumerate() {
            let whole = min.saturating_mul(1 << attempt.min(20)).min(max);
            assert!(*wait >= whole / 2 && *wait <= whole, "{attempt}: {wait:?}");
        }
        let mut other = Backoff::new(min, max, 2);
        assert!(waits.iter().any(|wait| other.next() != *wait));
        one.reset();
        assert!(one.next() <= min);
    }
}
