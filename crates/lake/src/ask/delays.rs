//! Delivery times: percentiles from a histogram with logarithmic buckets, which add up over time and servers.

use arrow::array::{Array, RecordBatch};
use vigie_query::Filter;

use super::fold::{Fold, ints};
use crate::ask::Dataset;
use crate::{LakeError, Snapshot};

/// Buckets between a power of two and the next. A percentile is right to 1/64 of its value: half a bucket of 1/32.
const STEPS: u64 = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();
pub(crate) const BUCKETS: usize = (64 - STEP_BITS as usize + 1) * STEPS as usize;

/// How long deliveries took. Below 64 ms figures are exact, above within 1.6 % of the true value; sum, number and maximum are exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delays {
    buckets: Vec<u64>,
    count: u64,
    sum_ms: u64,
    max_ms: u64,
}

impl Default for Delays {
    fn default() -> Self {
        Delays { buckets: vec![0; BUCKETS], count: 0, sum_ms: 0, max_ms: 0 }
    }
}

impl Delays {
    /// Adds one delivery.
    pub fn add_ms(&mut self, ms: u64) {
        self.buckets[bucket_of(ms)] += 1;
        self.count += 1;
        self.sum_ms = self.sum_ms.saturating_add(ms);
        self.max_ms = self.max_ms.max(ms);
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Delays) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(mine, theirs)| *mine += theirs);
        self.count += other.count;
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
        self.max_ms = self.max_ms.max(other.max_ms);
    }

    /// Adds deliveries of one bucket; their sum and maximum come by [`Delays::add_ends`].
    pub(crate) fn add_bucket(&mut self, bucket: usize, count: u64) {
        self.buckets[bucket] += count;
        self.count += count;
    }

    pub(crate) fn add_ends(&mut self, sum_ms: u64, max_ms: u64) {
        self.sum_ms = self.sum_ms.saturating_add(sum_ms);
        self.max_ms = self.max_ms.max(max_ms);
    }

    /// Deliveries whose time is known.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Mean in milliseconds.
    pub fn mean_ms(&self) -> Option<u64> {
        self.sum_ms.checked_div(self.count)
    }

    /// Longest.
    pub fn max_ms(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max_ms)
    }

    /// The time within which this share (0 to 1) of the deliveries was done: the value of rank ceil(share × count).
    pub fn percentile(&self, share: f64) -> Option<u64> {
        let rank = ((share.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).max(1);
        let mut below = 0;
        let at = self.buckets.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        Some(middle_of(at).min(self.max_ms))
    }

    /// Deliveries that took at most this long, to the nearest bucket.
    pub fn within_ms(&self, ms: u64) -> u64 {
        self.buckets[..=bucket_of(ms)].iter().sum()
    }
}

/// Exact below twice the steps, then `STEPS` buckets for each power of two.
pub(crate) fn bucket_of(ms: u64) -> usize {
    if ms < STEPS {
        return ms as usize;
    }
    let shift = ms.ilog2() - STEP_BITS;
    (u64::from(shift) * STEPS + (ms >> shift)) as usize
}

fn middle_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    let low = (bucket % STEPS + STEPS) << shift;
    low + ((1u64 << shift) >> 1)
}

impl Snapshot {
    /// Delivery times of the chosen deliveries; those that are not over, or have no beginning, are left out.
    pub fn delays(&self, filter: &Filter) -> Result<Delays, LakeError> {
        let (dataset, _) = self.asked(filter)?;
        if dataset == Dataset::Rejections {
            return Err(dataset.lacks("delivery time"));
        }
        self.fold(filter, &["delivery_ms"], Delays::default)
    }
}

impl Fold for Delays {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let times = ints(batch, "delivery_ms")?;
        for row in (0..times.len()).filter(|&row| times.is_valid(row)) {
            self.add_ms(times.value(row) as u64);
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) {
        Delays::merge(self, &other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn percentiles_are_as_near_as_promised(mut values in prop::collection::vec(prop_oneof![0u64..100, 0u64..100_000, any::<u64>()], 1..200), share in 0.0f64..=1.0) {
            let (mut left, mut right) = (Delays::default(), Delays::default());
            for (n, &ms) in values.iter().enumerate() {
                if n % 2 == 0 { left.add_ms(ms) } else { right.add_ms(ms) }
            }
            left.merge(&right);
            values.sort();
            let rank = ((share * values.len() as f64).ceil() as usize).max(1);
            let (exact, found) = (values[rank - 1], left.percentile(share).expect("some"));
            prop_assert!(found.abs_diff(exact) <= exact / 64, "{} for {}", found, exact);
            prop_assert_eq!(left.max_ms(), values.last().copied());
            prop_assert_eq!(left.count(), values.len() as u64);
            prop_assert_eq!(left.within_ms(u64::MAX), left.count());
        }
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(Delays::default().percentile(0.5), None);
        assert_eq!(Delays::default().mean_ms(), None);
    }
}
