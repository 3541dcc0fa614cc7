//! The time at which a message came, for those that do not say it themselves.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vigie_model::{MICROS_PER_SECOND, Micros, day_of, iso_day};

/// Where the time comes from.
#[derive(Clone, Copy)]
pub struct Clock(pub fn() -> SystemTime);

impl Default for Clock {
    fn default() -> Self {
        Clock(SystemTime::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}

impl Clock {
    /// Now, as `2026-06-16T02:26:09.196080+00:00`.
    pub fn stamp(self) -> String {
        let since = (self.0)().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        stamp(Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX))
    }
}

fn stamp(now: Micros) -> String {
    let (seconds, micros) = (now.div_euclid(MICROS_PER_SECOND), now.rem_euclid(MICROS_PER_SECOND));
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00", iso_day(day_of(now)))
}

#[cfg(test)]
mod tests {
    use super::stamp;

    #[test]
    fn a_time_is_written_as_rsyslog_does() {
        assert_eq!(stamp(1_781_576_769_196_080), "2026-06-16T02:26:09.196080+00:00");
        assert_eq!(stamp(0), "1970-01-01T00:00:00.000000+00:00");
    }
}
