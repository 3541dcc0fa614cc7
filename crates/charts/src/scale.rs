//! Axes with round numbers.

/// Ticks from 0 to the first round number at or above `max`, about `wanted` steps of 1, 2 or 5 times a power of ten.
///
/// Counts have no halves: the step is at least 1. An empty chart gets the ticks 0 and 1.
pub fn nice_ticks(max: f64, wanted: usize) -> Vec<f64> {
    let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
    let step = nice_step(max / wanted.max(1) as f64).max(1.0);
    let count = (max / step - 1e-9).ceil().max(1.0);
    (0..=count as usize).map(|n| n as f64 * step).collect()
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `rough`.
fn nice_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= rough * (1.0 - 1e-9)).unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_numbers_that_cover_the_maximum() {
        assert_eq!(nice_ticks(6_912.0, 4), [0.0, 2000.0, 4000.0, 6000.0, 8000.0]);
        assert_eq!(nice_ticks(10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(nice_ticks(1.0, 4), [0.0, 1.0]);
    }

    #[test]
    fn nothing_and_nonsense_still_have_an_axis() {
        for max in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(nice_ticks(max, 4), [0.0, 1.0], "{max}");
        }
    }

    #[test]
    fn every_maximum_fits_and_none_wastes_half_the_picture() {
        let mut max = 1.0;
        while max < 1e19 {
            let ticks = nice_ticks(max, 4);
            let top = ticks[ticks.len() - 1];
            assert!(top >= max * (1.0 - 1e-9), "{max}: {ticks:?}");
            assert!(max <= 2.0 || top <= max * 2.0, "{max}: {ticks:?}");
            assert!(ticks.len() <= 6, "{max}: {ticks:?}");
            max *= 1.37;
        }
    }
}
