//! What was measured, as Markdown and as JSON.

use std::fmt;

use serde_json::{Value, json};

use crate::{
    limits::{Limit, Limits},
    measure::{Measurement, Measurements},
    ratios::Ratio,
    statistics::{Quartiles, Samples},
};

pub(crate) struct Report {
    pub(crate) rounds: usize,
    pub(crate) measured: Measurements,
    pub(crate) limits: Limits,
    pub(crate) ratios: Vec<Ratio>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, measured, limits, ratios } = self;
        writeln!(
            f,
            "Medians of {rounds} rounds, quartiles in brackets, nanoseconds per operation. Hashes \
             take {:.2} times what they took where the limits were set.\n",
            limits.scale
        )?;
        writeln!(f, "| subject | whole | over no-op | limit | allocations | limit |")?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|")?;
        for Measurement { name, whole, over_floor, allocations } in &measured.0 {
            let whole = spread(whole, 0);
            let over = over_floor.as_ref().map(|over| spread(over, 0)).unwrap_or_default();
            let limit = limits.of(name);
            let time = limit.map(|limit| time_limit(limit, measured.of(name)));
            let memory = limit.and_then(|limit| allocation_limit(limit, *allocations));
            let [time, memory] = [time, memory].map(Option::unwrap_or_default);
            writeln!(f, "| {name} | {whole} | {over} | {time} | {allocations} | {memory} |")?;
        }
        writeln!(f, "\n| ratio, over no-op | median |\n|---|--:|")?;
        for Ratio { name, by_round } in ratios {
            writeln!(f, "| {name} | {} |", spread(by_round, 2))?;
        }
        Ok(())
    }
}

impl Report {
    pub(crate) fn to_json(&self) -> Value {
        let subject = |one: &Measurement| {
            let limit = self.limits.of(&one.name);
            json!({
                "subject": one.name,
                "nanoseconds": quartiles(&one.whole),
                "over_no_op": one.over_floor.as_ref().map(quartiles),
                "allocations": one.allocations,
                "limit": limit.map(|limit| json!({
                    "nanoseconds": limit.nanoseconds,
                    "rule": limit.rule,
                    "allocations": limit.allocations,
                })),
            })
        };
        let ratio = |one: &Ratio| json!({ "ratio": one.name, "value": quartiles(&one.by_round) });
        json!({
            "rounds": self.rounds,
            "scale_of_limits": self.limits.scale,
            "subjects": self.measured.0.iter().map(subject).collect::<Vec<_>>(),
            "ratios": self.ratios.iter().map(ratio).collect::<Vec<_>>(),
        })
    }
}

fn quartiles(samples: &Samples) -> Value {
    let Quartiles { lower, median, upper } = samples.quartiles();
    json!({ "median": median, "lower_quartile": lower, "upper_quartile": upper })
}

fn spread(samples: &Samples, decimals: usize) -> String {
    let Quartiles { lower, median, upper } = samples.quartiles();
    format!("{median:.decimals$} [{lower:.decimals$}, {upper:.decimals$}]")
}

fn time_limit(limit: &Limit, measured: &Measurement) -> String {
    let Limit { nanoseconds, rule, .. } = limit;
    let verdict = verdict(measured.net().median() <= *nanoseconds);
    format!("{nanoseconds:.0} ({rule}): {verdict}")
}

fn allocation_limit(limit: &Limit, measured: f64) -> Option<String> {
    limit.allocations.map(|most| format!("{most}: {}", verdict(measured <= most)))
}

const fn verdict(is_within: bool) -> &'static str {
    if is_within { "kept" } else { "**exceeded**" }
}
