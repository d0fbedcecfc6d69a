//! Counts the retries inside a hook by the summaries at the end of its log lines.

use std::collections::BTreeMap;

use charmwright::pebble::RetrySummary;

/// The count of the retries of one hook.
#[derive(Debug, Default)]
pub struct RetryCount {
    /// The last summary of each container, or of whatever else was retried.
    last: BTreeMap<String, RetrySummary>,
    /// The retries of earlier calls whose name was used again by a call that began at zero.
    earlier: u32,
}

impl RetryCount {
    /// Removes the summaries from a message of the hook's log, and returns the text that is left.
    pub fn strip_summaries(&mut self, message: &str) -> StrippedMessage {
        let mut is_about_retries = false;
        let mut lines = Vec::new();
        for line in message.split('\n') {
            match RetrySummary::at_end_of(line) {
                None => lines.push(line),
                Some((text, summary)) => {
                    self.note(summary);
                    // A line that holds only a summary is not printed.
                    if !text.is_empty() {
                        is_about_retries = true;
                        lines.push(text);
                    }
                }
            }
        }
        StrippedMessage { text: lines.join("\n"), is_about_retries }
    }

    /// Records a summary. A count that is lower than the last one under the same name belongs to a
    /// new call.
    fn note(&mut self, summary: RetrySummary) {
        let retries = summary.retries();
        if let Some(before) = self.last.insert(summary.on().to_owned(), summary)
            && before.retries() > retries
        {
            self.earlier = self.earlier.saturating_add(before.retries());
        }
    }

    /// Returns the remark for the line of the hook's end.
    pub fn remark(&self) -> Option<String> {
        let each = self.last.values().map(RetrySummary::retries);
        let retries = each.fold(self.earlier, u32::saturating_add);
        // A call whose end was not logged may have been retried more often.
        let least = if self.last.values().any(RetrySummary::is_ongoing) { "at least " } else { "" };
        let word = if retries == 1 { "retry" } else { "retries" };
        (retries > 0).then(|| format!("{least}{retries} {word} inside the hook"))
    }
}

/// A message of the log without its summaries.
#[derive(Debug, PartialEq, Eq)]
pub struct StrippedMessage {
    pub text: String,
    /// `true` if the text says that a call was retried.
    pub is_about_retries: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str = "cannot replan: refused; attempt 1 of 15, next in 1 s";
    const CAME: &str = "could replan at attempt 4 of 15, after 6 s";

    fn carrying(text: &str, retries: &str, on: &str) -> String {
        format!("{text} [retries={retries} unanswered=6s on=\"{on}\"]")
    }

    fn remark(messages: &[String]) -> Option<String> {
        let mut count = RetryCount::default();
        for message in messages {
            count.strip_summaries(message);
        }
        count.remark()
    }

    #[test]
    fn retries_are_counted_by_the_last_word_on_each_thing() {
        let say = |text: &str| Some(format!("{text} inside the hook"));
        assert_eq!(remark(&[REFUSED.to_owned(), CAME.to_owned()]), None);
        let begun = carrying(REFUSED, "1+", "web");
        assert_eq!(remark(std::slice::from_ref(&begun)), say("at least 1 retry"));
        let came = carrying(CAME, "3", "web");
        assert_eq!(remark(&[begun.clone(), came.clone()]), say("3 retries"));
        // Another call of the same budget, and another container.
        let more = carrying(REFUSED, "4+", "web");
        assert_eq!(remark(&[begun.clone(), came.clone(), more]), say("at least 4 retries"));
        let other = carrying(CAME, "2", "db");
        assert_eq!(remark(&[came.clone(), other]), say("5 retries"));
        // A budget of the same name from which nothing was taken yet.
        let again = carrying(CAME, "1", "web");
        assert_eq!(remark(&[came, again.clone()]), say("4 retries"));
        assert_eq!(remark(&[again]), say("1 retry"));
    }

    #[test]
    fn what_is_counted_is_not_shown() {
        let mut count = RetryCount::default();
        let mut strip = |message: &str| {
            let StrippedMessage { text, is_about_retries } = count.strip_summaries(message);
            (text, is_about_retries)
        };
        assert_eq!(strip("one\ntwo"), ("one\ntwo".to_owned(), false));
        assert_eq!(strip(&carrying(CAME, "3", "web")), (CAME.to_owned(), true));
        let batch = format!("one\n{}\ntwo", carrying(CAME, "3", "web"));
        assert_eq!(strip(&batch), (format!("one\n{CAME}\ntwo"), true));
        assert_eq!(strip(carrying("", "3", "web").trim()), (String::new(), false));
        let quiet = format!("one\n{}", carrying("", "3", "web").trim());
        assert_eq!(strip(&quiet), ("one".to_owned(), false));
    }
}
