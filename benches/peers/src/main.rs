//! Sends the same requests through the layer and through its peers, in turn, and prints what they
//! cost, by one another and by the bare hashes. See README.md.

// What is sent is what the library's own benchmarks send. Of each file a part is used here.
#[allow(dead_code)]
#[path = "../../support/digest_client.rs"]
mod digest_client;
#[allow(dead_code)]
#[path = "../../support/engine.rs"]
mod engine;
mod exchange;
mod limits;
mod measure;
mod ratios;
mod report;
mod requests;
#[allow(dead_code)]
#[path = "../../support/service.rs"]
mod service;
mod statistics;
mod subjects;

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
};

use clap::Parser;

use crate::{limits::Limits, ratios::ratios, report::Report};

/// Fewer rounds leave the median to chance.
const FEWEST_ROUNDS: u64 = 51;

/// What the layer costs beside its peers and beside the bare hashes.
#[derive(Parser)]
struct Options {
    /// How often each subject gets its turn.
    #[arg(long, default_value_t = 1_001, value_parser = clap::value_parser!(u64).range(FEWEST_ROUNDS..))]
    rounds: u64,
    /// As few rounds as make sense.
    #[arg(long, conflicts_with = "rounds")]
    quick: bool,
    /// Writes the figures to this file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    // Opened first: a measurement takes its time, and a mistake in the name should not.
    let json = options.json.map(File::create).transpose()?;
    let rounds = if options.quick { FEWEST_ROUNDS } else { options.rounds } as usize;
    let measured = measure::measure(subjects::all(), rounds);
    let limits = Limits::new(&measured);
    let ratios = ratios(&measured);
    let report = Report { rounds, measured, limits, ratios };
    write!(io::stdout(), "{report}")?;
    match json {
        Some(mut file) => writeln!(file, "{:#}", report.to_json()),
        None => Ok(()),
    }
}
