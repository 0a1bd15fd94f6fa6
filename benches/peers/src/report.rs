//! Prints the results as Markdown or JSON.

use std::fmt;

use serde_json::{Value, json};

use crate::{
    measure::{Measurement, Measurements},
    ratios::Ratio,
    statistics::{Quartiles, Samples},
};

pub(crate) struct Report {
    pub(crate) rounds: usize,
    pub(crate) measured: Measurements,
    pub(crate) ratios: Vec<Ratio>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, measured, ratios } = self;
        writeln!(
            f,
            "Medians of {rounds} rounds, quartiles in brackets, nanoseconds per operation.\n"
        )?;
        writeln!(f, "| subject | whole | over no-op | allocations |")?;
        writeln!(f, "|---|--:|--:|--:|")?;
        for Measurement { name, whole, over_floor, allocations } in &measured.0 {
            let whole = spread(whole, 0);
            let over = over_floor.as_ref().map(|over| spread(over, 0)).unwrap_or_default();
            writeln!(f, "| {name} | {whole} | {over} | {allocations} |")?;
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
            json!({
                "subject": one.name,
                "nanoseconds": quartiles(&one.whole),
                "over_no_op": one.over_floor.as_ref().map(quartiles),
                "allocations": one.allocations,
            })
        };
        let ratio = |one: &Ratio| json!({ "ratio": one.name, "value": quartiles(&one.by_round) });
        json!({
            "rounds": self.rounds,
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
