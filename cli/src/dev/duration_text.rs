//! Durations as text for a person.

use std::time::Duration;

/// Formats a number of seconds as `40 s`, `1m05s`, `2h05m` or `3d04h`.
pub fn whole_seconds(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

/// Formats a measured duration as `0.4 ms`, `250 ms`, `1.5 s` or `2m05s`.
pub fn human_duration(time: Duration) -> String {
    match time.as_secs() {
        0 if time.as_millis() < 10 => format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        0 => format!("{} ms", time.as_millis()),
        1..=59 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{}m{:02}s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let ages = [0, 59, 60, 3599, 3600, 86_399, 86_400, 90_000_000];
        assert_eq!(
            ages.map(whole_seconds),
            ["0 s", "59 s", "1m00s", "59m59s", "1h00m", "23h59m", "1d00h", "1041d16h"]
        );
    }
}
